"""How many answers are right, beside scikit-learn on the same vectors?

Trains on the training split, or on 5 or 10 random examples a class of it (means of five draws), and answers the whole
test split. Everything of protomem is as `protomem.open` sets it. The best C of logistic regression is picked on the
test split, in its favour; nothing of protomem is picked there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from common import (
    CONSOLE,
    DATA_SETS,
    DIMENSION,
    Split,
    arguments,
    draw,
    load,
    require_data,
    save,
    show_machine,
    solved,
)
from rich.progress import track
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

import protomem
from protomem.codes import quantize

Names = npt.NDArray[np.str_]
Percent = dict[str, float]

SIZES: Final = (0, 10, 5)
"""Examples a class; 0 is all of them."""
SEEDS: Final = (0, 1, 2, 3, 4)

MEMORY: Final = "protomem"
LOGISTIC: Final = {f"LogisticRegression C={C}": C for C in (1, 10, 100)}
BEST: Final = "LogisticRegression, best of the three"

FLOORS: Final = {"CLINC150": 95.2, "BANKING77": 93.8}
FEW_SHOT_ALLOWANCE: Final = 1.0
"""Points that five and ten examples a class may lie under the best logistic regression."""


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """One accuracy that a release has to reach."""

    what: str
    measured: float
    floor: float

    @property
    def met(self) -> bool:
        return self.measured >= self.floor


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    results = {(name, size): measure(name, size) for name in DATA_SETS for size in SIZES}
    CONSOLE.print(table(results))
    CONSOLE.print(bars_table(bars(results)))
    numbers = {f"{name}, {_size(size)}": runs for (name, size), runs in results.items()}
    met = [{"what": bar.what, "measured": bar.measured, "floor": bar.floor, "met": bar.met} for bar in bars(results)]
    save(options.json, "accuracy", {"percent": numbers, "bars": met})


def measure(name: str, size: int) -> dict[str, list[float]]:
    """Percent right of every method, one number for each draw."""
    train, test = load(name, "train"), load(name, "test")
    draws = [train.rows(draw(train.labels, size, seed)) for seed in SEEDS] if size else [train]
    steps = track(draws, f"{name}, {_size(size)}", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
    runs = [_run(some, test) for some in steps]
    return {method: [run[method] for run in runs] for method in runs[0]}


def _run(train: Split, test: Split) -> Percent:
    result = {MEMORY: _right(_memory(train, test), test.labels), **_heads(train, test)}
    for method, predict in _rivals().items():
        result[method] = _right(predict(train, test), test.labels)
    return result


def _memory(train: Split, test: Split) -> Names:
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory:
        memory.learn(train.vectors, train.labels.tolist())
        return np.array([answer.label for answer in memory.predict(test.vectors)])


def _heads(train: Split, test: Split) -> Percent:
    _, ensemble = solved(train)
    scores = ensemble.head_scores(quantize(test.vectors, ensemble.space.scale))
    names = np.array(ensemble.names)
    return {f"  {head} alone": _right(names[scores[head].argmax(axis=1)], test.labels) for head in scores}


def _rivals() -> dict[str, Callable[[Split, Split], Names]]:
    logistic = {method: _fitted(partial(LogisticRegression, C=C, max_iter=300)) for method, C in LOGISTIC.items()}
    return {
        **logistic,
        "RidgeClassifier": _fitted(RidgeClassifier),
        "NearestCentroid (cosine)": _nearest_class_mean,
        "KNeighborsClassifier k=1": _fitted(partial(KNeighborsClassifier, 1, metric="cosine")),
        "KNeighborsClassifier k=10": _fitted(partial(KNeighborsClassifier, 10, metric="cosine", weights="distance")),
    }


def _fitted(make: Callable[[], Any]) -> Callable[[Split, Split], Names]:
    def predict(train: Split, test: Split) -> Names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 300 steps are what the bar names
            return np.asarray(make().fit(train.vectors, train.labels).predict(test.vectors))

    return predict


def _nearest_class_mean(train: Split, test: Split) -> Names:
    """Centroids brought to length 1, so that the nearest one to a unit vector is the one of the largest cosine."""
    model = NearestCentroid().fit(train.vectors, train.labels)
    model.centroids_ /= np.linalg.norm(model.centroids_, axis=1, keepdims=True)
    return np.asarray(model.predict(test.vectors))


def _right(answers: Names, truth: Names) -> float:
    return 100 * float(np.mean(answers == truth))


def bars(results: dict[tuple[str, int], dict[str, list[float]]]) -> list[Bar]:
    """The bars with what was measured for each."""
    checked = [Bar(f"{name}, {_size(0)}", _mean(results[name, 0][MEMORY]), floor) for name, floor in FLOORS.items()]
    for (name, size), runs in results.items():
        if size:
            floor = max(_mean(runs[method]) for method in LOGISTIC) - FEW_SHOT_ALLOWANCE
            checked.append(Bar(f"{name}, {_size(size)}", _mean(runs[MEMORY]), floor))
    return checked


def table(results: dict[tuple[str, int], dict[str, list[float]]]) -> Table:
    """A row for each method, a column for each data set and size."""
    drawn = Table(title="percent right on the test split; few examples: mean of five draws ± standard deviation")
    drawn.add_column("method")
    for name, size in results:
        drawn.add_column(f"{name}\n{_size(size)}", justify="right")
    for method in next(iter(results.values())):
        style = "bold" if method == MEMORY else ""
        drawn.add_row(method, *(_cell(runs[method]) for runs in results.values()), style=style)
        if method == list(LOGISTIC)[-1]:
            drawn.add_row(BEST, *(_cell(max((runs[one] for one in LOGISTIC), key=_mean)) for runs in results.values()))
    return drawn


def bars_table(checked: list[Bar]) -> Table:
    """Each bar, and whether it is met."""
    drawn = Table(title="bars; with few examples the floor is the best logistic regression less 1.0")
    for column in ("bar", "floor", "protomem", ""):
        drawn.add_column(column, justify="left" if column in ("bar", "") else "right")
    for bar in checked:
        met = "[green]met[/]" if bar.met else "[red]missed[/]"
        drawn.add_row(bar.what, f"{bar.floor:.2f}", f"{bar.measured:.2f}", met)
    return drawn


def _cell(values: list[float]) -> str:
    return f"{_mean(values):.2f}" + (f" ±{np.std(values, ddof=1):.2f}" if len(values) > 1 else "")


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _size(size: int) -> str:
    return f"{size} a class" if size else "all"


if __name__ == "__main__":
    main()
