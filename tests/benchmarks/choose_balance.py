"""How much should a label gain for being rare, and which heads should speak louder where labels are?

The experiment behind FEW_BALANCE and MANY_BALANCE in `protomem.balance`, in memories of few examples and of many, and
behind EVEN and UNEVEN in `protomem.panels`: macro-F1 of held-out training data, where class sizes fall geometrically
to 0.4, 2, 10 or 30 % in a random order of the classes, and where they are as they are. No test file is opened: held out
are CLINC150's validation split and folds of BANKING77's training split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Final
from unittest.mock import patch

import numpy as np
from common import CONSOLE, DATA_SETS, Split, arguments, draw, require_data, save, show_machine, solved
from held_out import splits
from imbalance import geometric
from rich.progress import Progress
from rich.table import Table
from sklearn.metrics import f1_score

from protomem.balance import FEW_BALANCE, MANY_BALANCE, Balance
from protomem.codes import quantize
from protomem.ensemble import Ensemble
from protomem.panels import EVEN, UNEVEN

LEAST: Final = (0.004, 0.02, 0.1, 0.3, 1.0)
"""The share of its examples that the rarest class keeps; 1 leaves the classes as they are."""
FEW: Final = {"CLINC150": 20, "BANKING77": 40}
"""Examples of the largest class where they are few."""
TRIED_FEW: Final = tuple(Balance(*how) for how in product((0.0, 0.4, 0.7, 1.0, 1.3), (1.0, 2.0, 3.0)))
TRIED_MANY: Final = tuple(Balance(*how) for how in product((0.0, 0.2, 0.3, 0.4), (0.4, 0.8, 1.6)))
BETWEEN: Final = {"analytic": 1.0, "rivals": 2.0, "subspaces": 1.0, "prototypes": 1.0, "codebooks": 0.1}
PANELS: Final = {"UNEVEN": UNEVEN, "between the two": BETWEEN, "EVEN": EVEN}
IN_USE: Final = "by how even they are"
FOLDS: Final = 3

Found = dict[str, dict[str, list[float]]]
"""Macro-F1 in percent by setting and what was tried, one number for each fold."""


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    few, many, panels = Found(), Found(), Found()
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name, least in progress.track(list(product(DATA_SETS, LEAST)), description="data sets and sizes"):
            setting = f"{name}\nto {least:.1%}"
            for learned, held in cut(name, FEW[name], least):
                measure(few.setdefault(setting, {}), TRIED_FEW, learned, held)
            for learned, held in cut(name, 0, least):
                measure(many.setdefault(setting, {}), TRIED_MANY, learned, held)
                weigh(panels.setdefault(setting, {}), learned, held)
    CONSOLE.print(table(few, "strength, most; few examples", named(FEW_BALANCE)))
    CONSOLE.print(table(many, "strength, most; many examples", named(MANY_BALANCE)))
    CONSOLE.print(table(panels, "weights; many examples", IN_USE))
    save(options.json, "choose_balance", {"macro_f1": {"few": few, "many": many, "panels": panels}})


def cut(name: str, size: int, least: float) -> Iterator[tuple[Split, Split]]:
    """What is learned, of so many examples a class or of all (0), and what is held out, fold by fold."""
    for seed, (learned, held) in enumerate(splits(name, 0, FOLDS)):
        some = learned.rows(draw(learned.labels, size, seed)) if size else learned
        rows = np.arange(len(some)) if least == 1 else geometric(some.labels, seed, least)
        yield some.rows(rows), held


def measure(found: dict[str, list[float]], tried: Sequence[Balance], learned: Split, held: Split) -> None:
    """Note the macro-F1 of every balance, where the memory is of the size that these are for."""
    _, ensemble = solved(learned)
    if (ensemble.logistic is None) != (tried is TRIED_MANY):
        return
    for how in tried:
        with patch.multiple("protomem.ensemble", FEW_BALANCE=how, MANY_BALANCE=how):
            note(found, named(how), ensemble, held)


def weigh(found: dict[str, list[float]], learned: Split, held: Split) -> None:
    """Note the macro-F1 of every panel of many examples, where there are so many."""
    _, ensemble = solved(learned)
    if ensemble.logistic is None:
        for panel, weights in PANELS.items():
            note(found, panel, replace(ensemble, weights=weights), held)
        note(found, IN_USE, ensemble, held)


def note(found: dict[str, list[float]], row: str, ensemble: Ensemble, held: Split) -> None:
    names, items = np.array(ensemble.names), ensemble.items(quantize(held.vectors, ensemble.space.scale))
    answers = names[ensemble.scores(items)[0].argmax(axis=1)]
    macro = f1_score(held.labels, answers, labels=names, average="macro", zero_division=0.0)
    found.setdefault(row, []).append(100 * float(macro))


def named(how: Balance) -> str:
    return f"{how.strength:g}, {how.most:g}"


def table(found: Found, tried: str, in_use: str) -> Table:
    """A row for each that was tried; settings of which no fold was of this size are left out."""
    found = {setting: rows for setting, rows in found.items() if rows}
    drawn = Table(title=f"macro-F1 of held-out training data, {tried}; class sizes fall to")
    drawn.add_column("")
    for setting in found:
        drawn.add_column(setting, justify="right")
    drawn.add_column("mean", justify="right")
    for row in next(iter(found.values())):
        cells = [float(np.mean(rows[row])) for rows in found.values()]
        drawn.add_row(row, *(f"{cell:.1f}" for cell in (*cells, np.mean(cells))), style="bold" if row == in_use else "")
    return drawn


if __name__ == "__main__":
    main()
