"""Are probabilities as often right as they say?

The expected calibration error (Naeini et al. 2015: 15 bins of equal width, the answer's probability against how often
it is right, weighted by answers) on the test split, after learning all of the training split or ten examples a class
(means of ten draws). Logistic regression with C = 10 stands beside it. `coverage.py` asks about label sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DATA_SETS, DRAWS, Split, arguments, draw, load, require_data, save, show_machine, taught
from rich.progress import track
from rich.table import Table
from sklearn_peers import logistic, quietly

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS: Final = 15
ALL: Final = 0
SIZES: Final = {ALL: 2.0, 10: 5.0}
"""Examples a class, and the calibration error that they may have at most, in percent."""

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


Sureness = dict[tuple[str, int], dict[str, list[Sure]]]


def main() -> None:
    options = arguments(__doc__, DRAWS)
    require_data()
    show_machine()
    sure = {(name, size): sureness(name, size, options.draws) for name, size in product(DATA_SETS, SIZES)}
    CONSOLE.print(table(sure, options.draws))
    checked = bars(sure)
    show_bars(checked)
    save(options.json, "calibration", {"sureness": numbers(sure), "bars": saved_bars(checked)})


def sureness(name: str, size: int, draws: int) -> dict[str, list[Sure]]:
    """Of every method, one for each draw."""
    train, test = load(name, "train"), load(name, "test")
    learned = [train] if size == ALL else [train.rows(draw(train.labels, size, seed)) for seed in range(draws)]
    steps = track(learned, f"{name}, {_size(size)}", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
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


def bars(sure: Sureness) -> list[Bar]:
    """The mean calibration error of each data set and size."""
    return [
        Bar(f"{name}, {_size(size)}: calibration error", _error(runs[MEMORY]), SIZES[size], least=False)
        for (name, size), runs in sure.items()
    ]


def table(sure: Sureness, draws: int) -> Table:
    """A row for each method, a column for each data set and size."""
    title = f"expected calibration error on the test split, percent, {BINS} bins\n10 a class: mean, draws: {draws}"
    drawn = Table(title=title)
    drawn.add_column("method")
    for name, size in sure:
        drawn.add_column(f"{name}\n{_size(size)}", justify="right")
    for method in (MEMORY, PEER):
        drawn.add_row(method, *(f"{_error(runs[method]):.2f}" for runs in sure.values()))
    return drawn


def numbers(sure: Sureness) -> dict[str, dict[str, dict[str, object]]]:
    """What is saved: errors of every draw, and the bins over all draws."""
    kept: dict[str, dict[str, dict[str, object]]] = {name: {} for name in DATA_SETS}
    for (name, size), runs in sure.items():
        kept[name][_size(size)] = {
            method: {"error": [one.error() for one in found], "bins": _joined(found).bins()}
            for method, found in runs.items()
        }
    return kept


def _joined(runs: list[Sure]) -> Sure:
    return Sure(np.concatenate([one.probability for one in runs]), np.concatenate([one.right for one in runs]))


def _error(runs: list[Sure]) -> float:
    return float(np.mean([one.error() for one in runs]))


def _size(size: int) -> str:
    return "all" if size == ALL else f"{size} a class"


if __name__ == "__main__":
    main()
