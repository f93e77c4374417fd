"""Do label sets hold the true label as often as asked, and how many labels does it take?

For a coverage of 90 % and 95 %: the share of items whose set holds their label, the mean size of a set, and the share
held of the class at the worst tenth, over 20 random splits. Three ways to split, since only the first is what the
conformal guarantee speaks of, and what the bars are about:
- held out: a random fifth of the training split is asked, the other four fifths are learned;
- fresh test: what is learned is the same, the whole test split is asked (its classes are not as frequent as in
  BANKING77's training split, and its texts were collected apart);
- test halves: the whole training split is learned, a random half of the test split is asked.

Sets per class (`per_class=True`) hold each label so often, the hard ones too: held out, over the first five splits, as
they leave out up to a hundred examples of every class, which takes some seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DATA_SETS, Names, Split, arguments, load, require_data, save, show_machine, taught
from rich.progress import track
from rich.table import Table

import protomem

COVERAGES: Final = (0.90, 0.95)
SPLITS: Final = 20
PER_CLASS_SPLITS: Final = 5
ASKED: Final = 5
"""One training example in so many is held out."""
ALLOWANCE: Final = 1.0
"""Points that the mean coverage may be off."""

HELD_OUT: Final = "held out"
PER_CLASS: Final = "held out, per class"
FRESH_TEST: Final = "fresh test"
TEST_HALVES: Final = "test halves"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """What was asked, (n,) each: whether the label set holds the label, how many it holds, and the label."""

    holds: npt.NDArray[np.bool_]
    sizes: npt.NDArray[np.int64]
    labels: Names

    def rows(self, rows: npt.NDArray[np.int64]) -> Sets:
        """These of them."""
        return Sets(self.holds[rows], self.sizes[rows], self.labels[rows])

    def covered(self) -> Covered:
        by_class = [float(self.holds[self.labels == label].mean()) for label in np.unique(self.labels)]
        worst = float(np.quantile(by_class, 0.1))
        return Covered(100 * float(self.holds.mean()), float(self.sizes.mean()), 100 * worst)


@final
@dataclass(frozen=True, slots=True)
class Covered:
    """Of one split: percent of sets that hold the label, their mean size, percent held of the class at the worst tenth.

    That class has nine in ten classes above it, interpolated.
    """

    percent: float
    size: float
    worst: float


Found = dict[tuple[str, str, float], list[Covered]]
"""By data set, way to split and coverage asked: one for each split."""


def main() -> None:
    splits = {"type": int, "default": SPLITS, "help": f"random splits of each data set, {SPLITS} by default"}
    options = arguments(__doc__, ("--splits", splits))
    require_data()
    show_machine()
    found: Found = {key: [] for key in product(DATA_SETS, (HELD_OUT, PER_CLASS, FRESH_TEST, TEST_HALVES), COVERAGES)}
    for name in DATA_SETS:
        measure(found, name, options.splits)
    CONSOLE.print(table(found))
    checked, beyond = bars(found, HELD_OUT), [*bars(found, FRESH_TEST), *bars(found, TEST_HALVES)]
    show_bars(checked)
    show_bars(beyond, "beyond the bars: texts of the test split, which are not exchangeable with those learned")
    save(
        options.json,
        "coverage",
        {"coverage": numbers(found), "bars": saved_bars(checked), "beyond": saved_bars(beyond)},
    )


def measure(found: Found, name: str, splits: int) -> None:
    """Every way and every split of one data set."""
    train, test = load(name, "train"), load(name, "test")
    for seed in track(range(splits), name, console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal):
        parts = np.random.default_rng(seed).permutation(len(train)) % ASKED
        held = train.rows(np.flatnonzero(parts == 0))
        with taught(train.rows(np.flatnonzero(parts))) as memory:
            for coverage in COVERAGES:
                found[name, HELD_OUT, coverage].append(label_sets(memory, held, coverage).covered())
                found[name, FRESH_TEST, coverage].append(label_sets(memory, test, coverage).covered())
                if seed < PER_CLASS_SPLITS:
                    by_class = label_sets(memory, held, coverage, per_class=True)
                    found[name, PER_CLASS, coverage].append(by_class.covered())
    with taught(train) as memory:
        for coverage in COVERAGES:
            every = label_sets(memory, test, coverage)
            halves = [np.random.default_rng(seed).permutation(len(test))[: len(test) // 2] for seed in range(splits)]
            found[name, TEST_HALVES, coverage] += [every.rows(half).covered() for half in halves]


def label_sets(memory: protomem.Memory, asked: Split, coverage: float, *, per_class: bool = False) -> Sets:
    """The sets of these items."""
    answers = memory.predict(asked.vectors, top_k=1, evidence=0, coverage=coverage, per_class=per_class)
    sets = [answer.label_set or frozenset() for answer in answers]
    holds = [truth in some for some, truth in zip(sets, asked.labels.tolist(), strict=True)]
    return Sets(np.array(holds), np.array([len(some) for some in sets]), asked.labels)


def bars(found: Found, way: str) -> list[Bar]:
    """How far the mean coverage is off, for one way to split."""
    return [
        Bar(
            f"{name}, {way}: {coverage:.0%} coverage, off by",
            abs(_mean_percent(found[name, way, coverage]) - 100 * coverage),
            ALLOWANCE,
            "points",
            least=False,
        )
        for name, coverage in product(DATA_SETS, COVERAGES)
    ]


def table(found: Found) -> Table:
    """A row for each data set, way and coverage."""
    drawn = Table(title="label sets: percent of items whose set holds their label, and how many labels a set has")
    columns = ("data set", "split", "asked", "splits", "held", "least", "most", "worst tenth\nof classes", "mean size")
    for column in columns:
        drawn.add_column(column, justify="left" if column in ("data set", "split") else "right")
    for (name, way, coverage), splits in found.items():
        held = [one.percent for one in splits]
        spread = f" ±{np.std(held, ddof=1):.2f}" if len(held) > 1 else ""
        numbers = [f"{number:.2f}" for number in (min(held), max(held))]
        worst, size = (float(np.mean([getattr(one, part) for one in splits])) for part in ("worst", "size"))
        mean = f"{_mean_percent(splits):.2f}{spread}"
        drawn.add_row(name, way, f"{coverage:.0%}", str(len(splits)), mean, *numbers, f"{worst:.2f}", f"{size:.2f}")
    return drawn


def numbers(found: Found) -> list[dict[str, Any]]:
    """What is saved: every split."""
    return [
        {"data": name, "split": way, "asked": coverage, "found": [asdict(one) for one in splits]}
        for (name, way, coverage), splits in found.items()
    ]


def _mean_percent(splits: list[Covered]) -> float:
    return float(np.mean([one.percent for one in splits]))


if __name__ == "__main__":
    main()
