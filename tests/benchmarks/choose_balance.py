"""How much should a label gain for being rare?

The experiment behind BALANCE in `protomem.balance`: macro-F1 of held-out training data, where class sizes fall
geometrically to 2, 10 or 30 % in a random order of the classes, and where they are as they are. No test file is opened:
held out are CLINC150's validation split and folds of BANKING77's training split.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from common import CONSOLE, DATA_SETS, Split, arguments, require_data, save, show_machine, solved
from held_out import splits
from imbalance import geometric
from rich.progress import Progress
from rich.table import Table
from sklearn.metrics import f1_score

from protomem.balance import BALANCE, balance
from protomem.codes import quantize
from protomem.ensemble import total
from protomem.items import Items

LEAST: Final = (0.02, 0.1, 0.3, 1.0)
"""The share of its examples that the rarest class keeps; 1 leaves the classes as they are."""
TRIED: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
FOLDS: Final = 3

Found = dict[str, dict[str, list[float]]]
"""Macro-F1 in percent by setting and strength, one number for each fold."""


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    found: Found = {}
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name, least in progress.track(list(product(DATA_SETS, LEAST)), description="data sets and sizes"):
            for learned, held in cut(name, least):
                measure(found.setdefault(f"{name}\nto {least:.0%}", {}), learned, held)
    CONSOLE.print(table(found))
    save(options.json, "choose_balance", {"macro_f1": found})


def cut(name: str, least: float) -> Iterator[tuple[Split, Split]]:
    """What is learned and what is held out, fold by fold."""
    for seed, (learned, held) in enumerate(splits(name, 0, FOLDS)):
        rows = np.arange(len(learned)) if least == 1 else geometric(learned.labels, seed, least)
        yield learned.rows(rows), held


def measure(found: dict[str, list[float]], learned: Split, held: Split) -> None:
    """Note the macro-F1 of every strength."""
    _, ensemble = solved(learned)
    names = np.array(ensemble.names)
    parts, _ = ensemble.parts(Items(ensemble.space, quantize(held.vectors, ensemble.space.scale)))
    for strength in TRIED:
        scores = total(parts | {"balance": np.tile(balance(ensemble.counts, strength), (len(held), 1))})
        answers = names[scores.argmax(axis=1)]
        macro = f1_score(held.labels, answers, labels=names, average="macro", zero_division=0.0)
        found.setdefault(f"{strength:g}", []).append(100 * float(macro))


def table(found: Found) -> Table:
    """A row for each strength."""
    drawn = Table(title=f"macro-F1 of held-out training data, means of {FOLDS}; class sizes fall to")
    drawn.add_column("strength")
    for setting in found:
        drawn.add_column(setting, justify="right")
    drawn.add_column("mean", justify="right")
    for strength in map("{:g}".format, TRIED):
        cells = [float(np.mean(rows[strength])) for rows in found.values()]
        style = "bold" if strength == f"{BALANCE:g}" else ""
        drawn.add_row(strength, *(f"{cell:.1f}" for cell in cells), f"{np.mean(cells):.1f}", style=style)
    return drawn


if __name__ == "__main__":
    main()
