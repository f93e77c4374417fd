"""How many answers are right, beside scikit-learn on the same vectors?

Trains on the training split, or on 1, 5 or 10 random examples a class of it (means of ten draws), and answers the whole
test split. Everything of protomem is as `protomem.open` sets it; beside it, for the whole training split, a memory that
is asked by `kernel_rows=` to solve all examples as one kernel, which takes minutes and 6 GB. The best C and the best k
of a peer are picked on the test split, in its favour; nothing of protomem is picked there.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from bars import Bar, Option, saved_bars, show_bars
from common import (
    CONSOLE,
    DATA_SETS,
    DRAWS,
    Split,
    arguments,
    draw,
    load,
    named,
    percent_right,
    require_data,
    save,
    show_machine,
    solved,
    taught,
)
from rich.progress import track
from rich.table import Table
from sklearn_peers import BAR_FAMILIES, FAMILIES, LOGISTIC, best_member

from protomem.codes import quantize

Runs = dict[str, list[float]]
"""Percent right by method, one number for each draw."""
Results = dict[tuple[str, int], Runs]

ALL: Final = 0
SIZES: Final = (ALL, 10, 5, 1)
"""Examples a class."""

MEMORY: Final = "protomem"
KERNEL_ROWS: Final = 16_384
"""Enough for all 15,000 training examples of CLINC150."""
WHOLE: Final = f"protomem, kernel_rows={KERNEL_ROWS:,}"
ALONE: Final = "  {} alone"

GOALS: Final = {"CLINC150": 96.0, "BANKING77": 94.0}
FLOORS: Final = {"CLINC150": 95.2, "BANKING77": 93.8}
FLOOR_SIZES: Final = (10, 5)
FLOOR_DRAWS: Final = 5
FLOOR_ALLOWANCE: Final = 1.0
"""Points that few examples a class may lie under the best logistic regression, in the mean of the first draws."""


def main() -> None:
    options = arguments(__doc__, DRAWS)
    require_data()
    show_machine()
    results = {(name, size): measure(name, size, options.draws) for name in DATA_SETS for size in SIZES}
    CONSOLE.print(table(results, options.draws))
    show_bars(goals(results), "bars: with few examples, the best of every peer but ridge")
    show_bars(floors(results), f"floors: with few examples, the best logistic regression less {FLOOR_ALLOWANCE}")
    numbers = {name: {_size(size): results[name, size] for size in SIZES} for name in DATA_SETS}
    save(options.json, "accuracy", {"percent": numbers, "bars": saved_bars([*goals(results), *floors(results)])})


def measure(name: str, size: int, draws: int) -> Runs:
    """Percent right of every method, one number for each draw."""
    train, test = load(name, "train"), load(name, "test")
    learned = [train] if size == ALL else [train.rows(draw(train.labels, size, seed)) for seed in range(draws)]
    steps = track(learned, f"{name}, {_size(size)}", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
    runs = [_run(some, test, whole=size == ALL) for some in steps]
    return {method: [run[method] for run in runs] for method in runs[0]}


def _run(train: Split, test: Split, *, whole: bool) -> dict[str, float]:
    """Percent right of every method; of a memory with KERNEL_ROWS too, if `whole`."""
    result = {MEMORY: _memory(train, test, 0)}
    if whole:
        result[WHOLE] = _memory(train, test, KERNEL_ROWS)
    result |= _heads(train, test, KERNEL_ROWS if whole else 0)
    for family in FAMILIES.values():
        for method, predict in family.items():
            result[method] = percent_right(predict(train, test), test.labels)
    return result


def _memory(train: Split, test: Split, kernel_rows: int) -> float:
    with taught(train, kernel_rows) as memory:
        return percent_right(named(memory.predict(test.vectors, evidence=0)), test.labels)


def _heads(train: Split, test: Split, kernel_rows: int) -> dict[str, float]:
    """Each head that is solved at this size, by itself."""
    _, ensemble = solved(train, kernel_rows=kernel_rows)
    scores = ensemble.head_scores(quantize(test.vectors, ensemble.space.scale))
    names = np.array(ensemble.names)
    return {ALONE.format(head): percent_right(names[scores[head].argmax(axis=1)], test.labels) for head in scores}


def goals(results: Results) -> list[Bar]:
    """All training data: a fixed accuracy. Few examples: not below the best peer of the same run."""
    checked = [_fixed(name, results, goal) for name, goal in GOALS.items()]
    for (name, size), runs in results.items():
        if size != ALL:
            family, member = best_peer(runs)
            what = f"{_title(name, size)}: best of {family}"
            checked.append(Bar(what, _mean(runs[MEMORY]), _mean(runs[member])))
    return checked


def _fixed(name: str, results: Results, bound: float) -> Bar:
    """A bar of the default after all training data, with what the option reaches beside it."""
    runs = results[name, ALL]
    return Bar(_title(name, ALL), _mean(runs[MEMORY]), bound, option=Option(WHOLE, _mean(runs[WHOLE])))


def best_peer(runs: Runs) -> tuple[str, str]:
    """The family, and its member, with the highest mean over the draws."""
    members = {name: best_member(family, runs) for name, family in BAR_FAMILIES.items()}
    return max(members.items(), key=lambda found: _mean(runs[found[1]]))


def floors(results: Results) -> list[Bar]:
    """What an earlier release reached, which none may fall under."""
    checked = [_fixed(name, results, floor) for name, floor in FLOORS.items()]
    for (name, size), runs in results.items():
        if size in FLOOR_SIZES:
            first = {method: numbers[:FLOOR_DRAWS] for method, numbers in runs.items()}
            floor = _mean(first[best_member(LOGISTIC, first)]) - FLOOR_ALLOWANCE
            draws = len(first[MEMORY])
            checked.append(Bar(f"{_title(name, size)}, draws: {draws}", _mean(first[MEMORY]), floor))
    return checked


def table(results: Results, draws: int) -> Table:
    """A row for each method, a column for each data set and size; the best of each family of peers below.

    Blank where a head is not solved at a size.
    """
    title = f"percent right on the test split; few examples: mean ± standard deviation, draws: {draws}"
    drawn = Table(title=title)
    drawn.add_column("method")
    for name, size in results:
        drawn.add_column(f"{name}\n{_size(size)}", justify="right")
    for method in sorted({method: None for runs in results.values() for method in runs}, key=_kind):
        style = "bold" if method == MEMORY else ""
        drawn.add_row(method, *(_cell(runs.get(method)) for runs in results.values()), style=style)
    for name, family in FAMILIES.items():
        if len(family) > 1:
            best = (_cell(runs[best_member(family, runs)]) for runs in results.values())
            drawn.add_row(f"best of them: {name}", *best, style="italic")
    return drawn


def _kind(method: str) -> int:
    """Memories first, then the heads, then the peers."""
    return 0 if method.startswith(MEMORY) else 1 if method.startswith(ALONE[:2]) else 2


def _cell(values: list[float] | None) -> str:
    if values is None:
        return ""
    return f"{_mean(values):.2f}" + (f" ±{np.std(values, ddof=1):.2f}" if len(values) > 1 else "")


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _title(name: str, size: int) -> str:
    return f"{name}, {_size(size)}"


def _size(size: int) -> str:
    return "all" if size == ALL else f"{size} a class"


if __name__ == "__main__":
    main()
