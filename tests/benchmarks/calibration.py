"""Are probabilities as often right as they say, and do label sets hold the true label as often as was asked?

Probabilities: the expected calibration error (Naeini et al. 2015: 15 bins of equal width, the answer's probability
against how often it is right, weighted by answers) on the test split, after learning all of the training split or ten
examples a class (means of ten draws). Logistic regression with C = 10 stands beside it.

Label sets: the share of items whose set holds their label, and the mean size of a set, for a coverage of 90 % and 95 %
over 20 random splits. Three ways to split, since only the first is what the conformal guarantee speaks of:
- held out: a random fifth of the training split is asked, the other four fifths are learned;
- fresh test: what is learned is the same, the whole test split is asked (its classes are not as frequent as in
  BANKING77's training split, and its texts were collected apart);
- test halves: the whole training split is learned, a random half of the test split is asked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Final, final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DATA_SETS, Split, arguments, draw, load, require_data, save, show_machine, taught
from rich.progress import track
from rich.table import Table
from sklearn_peers import logistic, quietly

import protomem

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS: Final = 15
SEEDS: Final = tuple(range(10))
ALL: Final = 0
SIZES: Final = {ALL: 2.0, 10: 5.0}
"""Examples a class, and the calibration error that they may have at most, in percent."""

COVERAGES: Final = (0.90, 0.95)
SPLITS: Final = 20
ASKED: Final = 5
"""One training example in so many is held out."""
ALLOWANCE: Final = 1.0
"""Points that the mean coverage may be off."""

HELD_OUT: Final = "held out"
FRESH_TEST: Final = "fresh test"
TEST_HALVES: Final = "test halves"

MEMORY: Final = "protomem"
PEER: Final = "LogisticRegression C=10"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sure:
    """How sure each answer was, and whether it was right: (n,) each."""

    probability: Floats
    right: Bools

    def bins(self) -> list[tuple[int, float, float]]:
        """Answers, mean probability and share right of each bin that has any."""
        number = np.minimum((self.probability * BINS).astype(int), BINS - 1)
        members = [number == some for some in range(BINS)]
        return [
            (int(mine.sum()), float(self.probability[mine].mean()), float(self.right[mine].mean()))
            for mine in members
            if mine.any()
        ]

    def error(self) -> float:
        """Expected calibration error, in percent."""
        return 100 * sum(count * abs(said - was) for count, said, was in self.bins()) / len(self.right)


@final
@dataclass(frozen=True, slots=True)
class Covered:
    """Percent of sets that hold the true label, and the mean size of a set, of one split."""

    percent: float
    size: float


Sureness = dict[tuple[str, int], dict[str, list[Sure]]]
Coverage = dict[tuple[str, str, float], list[Covered]]


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    sure = {(name, size): sureness(name, size) for name, size in product(DATA_SETS, SIZES)}
    covered: Coverage = {}
    for name in DATA_SETS:
        measure_coverage(covered, name)
    CONSOLE.print(error_table(sure))
    CONSOLE.print(coverage_table(covered))
    checked = bars(sure, covered)
    show_bars(checked)
    save(options.json, "calibration", {**numbers(sure, covered), "bars": saved_bars(checked)})


def sureness(name: str, size: int) -> dict[str, list[Sure]]:
    """Of every method, one for each draw."""
    train, test = load(name, "train"), load(name, "test")
    draws = [train] if size == ALL else [train.rows(draw(train.labels, size, seed)) for seed in SEEDS]
    steps = track(draws, f"{name}, {_size(size)}", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
    runs = [(_memory(some, test), _peer(some, test)) for some in steps]
    return {MEMORY: [mine for mine, _ in runs], PEER: [peer for _, peer in runs]}


def _memory(train: Split, test: Split) -> Sure:
    with taught(train) as memory:
        answers = memory.predict(test.vectors, top_k=1, evidence=0)
    right = [answer.label == truth for answer, truth in zip(answers, test.labels.tolist(), strict=True)]
    return Sure(np.array([answer.probability for answer in answers]), np.array(right))


def _peer(train: Split, test: Split) -> Sure:
    with quietly():
        model = logistic(10).fit(train.vectors, train.labels)
    chances = model.predict_proba(test.vectors)
    return Sure(chances.max(axis=1), model.classes_[chances.argmax(axis=1)] == test.labels)


def measure_coverage(covered: Coverage, name: str) -> None:
    """Every split of one data set."""
    train, test = load(name, "train"), load(name, "test")
    shown = track(range(SPLITS), f"{name}, sets", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
    for seed in shown:
        parts = np.random.default_rng(seed).permutation(len(train)) % ASKED
        with taught(train.rows(np.flatnonzero(parts))) as memory:
            held = train.rows(np.flatnonzero(parts == 0))
            for (way, asked), coverage in product(((HELD_OUT, held), (FRESH_TEST, test)), COVERAGES):
                _note(covered, (name, way, coverage), *_sets(memory, asked, coverage))
    with taught(train) as memory:
        for coverage in COVERAGES:
            holds, sizes = _sets(memory, test, coverage)
            for seed in range(SPLITS):
                half = np.random.default_rng(seed).permutation(len(test))[: len(test) // 2]
                _note(covered, (name, TEST_HALVES, coverage), holds[half], sizes[half])


def _sets(memory: protomem.Memory, asked: Split, coverage: float) -> tuple[Bools, npt.NDArray[np.int64]]:
    """Whether each item's set holds its label, and how many it holds."""
    answers = memory.predict(asked.vectors, top_k=1, evidence=0, coverage=coverage)
    sets = [answer.label_set or frozenset() for answer in answers]
    holds = [truth in some for some, truth in zip(sets, asked.labels.tolist(), strict=True)]
    return np.array(holds), np.array([len(some) for some in sets])


def _note(covered: Coverage, key: tuple[str, str, float], holds: Bools, sizes: npt.NDArray[np.int64]) -> None:
    covered.setdefault(key, []).append(Covered(100 * float(holds.mean()), float(sizes.mean())))


def bars(sure: Sureness, covered: Coverage) -> list[Bar]:
    """Calibration error, and how far the mean coverage of each way is off."""
    checked = [
        Bar(f"{name}, {_size(size)}: calibration error", _error(runs[MEMORY]), SIZES[size], least=False)
        for (name, size), runs in sure.items()
    ]
    for (name, way, coverage), found in covered.items():
        off = abs(_mean_percent(found) - 100 * coverage)
        checked.append(Bar(f"{name}, {way}: {coverage:.0%} coverage, off by", off, ALLOWANCE, "points", least=False))
    return checked


def error_table(sure: Sureness) -> Table:
    """A row for each method, a column for each data set and size."""
    drawn = Table(title=f"expected calibration error on the test split, percent, {BINS} bins; 10 a class: ten draws")
    drawn.add_column("method")
    for name, size in sure:
        drawn.add_column(f"{name}\n{_size(size)}", justify="right")
    for method in (MEMORY, PEER):
        drawn.add_row(method, *(f"{_error(runs[method]):.2f}" for runs in sure.values()))
    return drawn


def coverage_table(covered: Coverage) -> Table:
    """A row for each data set, way and coverage."""
    drawn = Table(title=f"label sets over {SPLITS} splits")
    for column in ("data set", "split", "asked", "covered", "least", "most", "mean size of a set"):
        drawn.add_column(column, justify="left" if column in ("data set", "split") else "right")
    for (name, way, coverage), found in covered.items():
        shares = [one.percent for one in found]
        spread = f"{_mean_percent(found):.2f} ±{np.std(shares, ddof=1):.2f}"
        size = f"{np.mean([one.size for one in found]):.2f}"
        drawn.add_row(name, way, f"{coverage:.0%}", spread, f"{min(shares):.2f}", f"{max(shares):.2f}", size)
    return drawn


def numbers(sure: Sureness, covered: Coverage) -> dict[str, object]:
    """What is saved: errors of every draw, bins over all draws, coverage of every split."""
    kept: dict[str, dict[str, object]] = {name: {} for name in DATA_SETS}
    for (name, size), runs in sure.items():
        kept[name][_size(size)] = {
            method: {"error": [one.error() for one in found], "bins": _joined(found).bins()}
            for method, found in runs.items()
        }
    sets = [
        {"data": name, "split": way, "asked": coverage, "found": [asdict(one) for one in found]}
        for (name, way, coverage), found in covered.items()
    ]
    return {"sureness": kept, "coverage": sets}


def _joined(runs: list[Sure]) -> Sure:
    return Sure(np.concatenate([one.probability for one in runs]), np.concatenate([one.right for one in runs]))


def _error(runs: list[Sure]) -> float:
    return float(np.mean([one.error() for one in runs]))


def _mean_percent(found: list[Covered]) -> float:
    return float(np.mean([one.percent for one in found]))


def _size(size: int) -> str:
    return "all" if size == ALL else f"{size} a class"


if __name__ == "__main__":
    main()
