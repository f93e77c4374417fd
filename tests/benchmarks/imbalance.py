"""How well are rare classes answered, beside scikit-learn on the same vectors?

BANKING77 with class sizes that fall geometrically from 100 % of a class to 2 %, in a random order of the classes; means
of five orders. Macro-F1 over the whole test split, where every class counts the same. The peers of `accuracy.py` stand
beside their variants that weigh every class the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, Split, arguments, load, named, require_data, save, show_machine, taught
from rich.progress import track
from rich.table import Table
from sklearn.metrics import f1_score
from sklearn_peers import BALANCED, BAR_FAMILIES, FAMILIES, Family, best_member

Runs = dict[str, list[float]]

ORDERS: Final = 5
LEAST: Final = 0.02
"""Of its examples, the rarest class keeps this share; the most frequent one keeps all."""
RARE: Final = 20
"""Classes looked at apart: those that keep the least."""

MEMORY: Final = "protomem"
COMPARED: Final = {**FAMILIES, **BALANCED}
BEYOND: Final = {name: family for name, family in COMPARED.items() if name not in BAR_FAMILIES}


def main() -> None:
    orders = {"type": int, "default": ORDERS, "help": f"random orders of the classes, {ORDERS} by default"}
    options = arguments(__doc__, ("--orders", orders))
    require_data()
    show_machine()
    train, test = load("BANKING77", "train"), load("BANKING77", "test")
    overall: Runs = {}
    rare: Runs = {}
    for seed in track(
        range(options.orders), "BANKING77", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal
    ):
        measure(overall, rare, train, test, seed)
    CONSOLE.print(table(overall, rare, len(geometric(train.labels, 0)), options.orders))
    checked, beyond = bars(overall, BAR_FAMILIES), bars(overall, BEYOND)
    show_bars(checked)
    show_bars(beyond, "beyond the bars: every class weighed the same, and ridge")
    numbers = {"macro_f1": overall, "macro_f1_rare": rare}
    save(options.json, "imbalance", {**numbers, "bars": saved_bars(checked), "beyond": saved_bars(beyond)})


def measure(overall: Runs, rare: Runs, train: Split, test: Split, seed: int) -> None:
    """Note the macro-F1 of every method for one order of the classes."""
    kept = train.rows(geometric(train.labels, seed))
    names, counts = np.unique(kept.labels, return_counts=True)
    rarest = names[np.argsort(counts, kind="stable")[:RARE]]
    for method, answers in _answers(kept, test).items():
        scores = f1_score(test.labels, answers, labels=names, average=None, zero_division=0.0)
        overall.setdefault(method, []).append(100 * float(scores.mean()))
        rare.setdefault(method, []).append(100 * float(scores[np.isin(names, rarest)].mean()))


def geometric(labels: npt.NDArray[np.str_], seed: int, least: float = LEAST) -> npt.NDArray[np.int64]:
    """Rows of a training split in which class sizes fall from all to this share of a class."""
    dice = np.random.default_rng(seed)
    names = dice.permutation(np.unique(labels))
    order = dice.permutation(len(labels))
    shares = least ** (np.arange(len(names)) / (len(names) - 1))
    mine = [order[labels[order] == name] for name in names]
    return np.sort(
        np.concatenate([rows[: max(1, round(share * len(rows)))] for rows, share in zip(mine, shares, strict=True)])
    )


def _answers(train: Split, test: Split) -> dict[str, npt.NDArray[np.str_]]:
    with taught(train) as memory:
        found = {MEMORY: named(memory.predict(test.vectors, evidence=0))}
    peers = {method: predict for family in COMPARED.values() for method, predict in family.items()}
    return found | {method: predict(train, test) for method, predict in peers.items()}


def bars(overall: Runs, families: dict[str, Family]) -> list[Bar]:
    """Beside the best member of each of these families."""
    mine = float(np.mean(overall[MEMORY]))
    bests = {name: best_member(family, overall) for name, family in families.items()}
    return [Bar(f"macro-F1, beside {name}", mine, float(np.mean(overall[best]))) for name, best in bests.items()]


def table(overall: Runs, rare: Runs, learned: int, orders: int) -> Table:
    """A row for each method."""
    title = f"BANKING77, {learned:,} examples of 10,003: macro-F1 on the test split"
    drawn = Table(title=f"{title}\nmean ± standard deviation, orders: {orders}")
    for column in ("method", "all 77 classes", f"the {RARE} rarest"):
        drawn.add_column(column, justify="left" if column == "method" else "right")
    for method in overall:
        cells = (_cell(overall[method]), _cell(rare[method]))
        drawn.add_row(method, *cells, style="bold" if method == MEMORY else "")
    return drawn


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.2f}" + (f" ±{np.std(values, ddof=1):.2f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
