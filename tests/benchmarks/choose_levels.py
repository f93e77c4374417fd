"""Which temperature makes probabilities at each level of sums true, and what does a contribution weigh?

The experiment behind TEMPERATURE in `protomem.summed`: the mean negative log-likelihood of held-out training data, at 5
and 10 examples a class and at all. No test file is opened: held out are CLINC150's validation split and folds of
BANKING77's training split. The bytes are those of CLINC150's training split dealt to 20 clients by Dirichlet 0.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
from common import CONSOLE, DATA_SETS, DIMENSION, Split, arguments, draw, load, require_data, save, show_machine
from held_out import splits
from rich.progress import Progress
from rich.table import Table

import protomem
from protomem.balance import SUMMED_BALANCE, balance
from protomem.calibration import softmax
from protomem.codes import quantize
from protomem.commitment import Commitment
from protomem.ensemble import MANY, total, weighted
from protomem.federation.levels import LEVELS, Level
from protomem.federation.sums import Sums
from protomem.items import Items
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics
from protomem.summed import SummedPredictor

TRIED: Final = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.105, 0.12, 0.14)
SIZES: Final = (5, 10, 0)
"""Examples a class; 0 for all."""
CLIENTS, ALPHA = 20, 0.1


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    found: dict[str, list[float]] = {}
    space = Space(SpaceSettings(DIMENSION, "choose_levels"))
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name, size in progress.track(list(product(DATA_SETS, SIZES)), description="data sets and sizes"):
            for learned, held in splits(name, 0, 1):
                rows = draw(learned.labels, size, 0) if size else np.arange(len(learned))
                for level in LEVELS:
                    key = f"{name}, {size or 'all'}, {level}"
                    found[key] = losses(space, learned.rows(rows), held, level)
    CONSOLE.print(table(found))
    weights = list(bytes_a_label())
    CONSOLE.print(
        f"bytes a label and client at the level prototypes: {np.mean(weights):.0f} of all, by client {weights}"
    )
    save(options.json, "choose_levels", {"losses": found, "bytes": weights})


def losses(space: Space, learned: Split, held: Split, level: Level) -> list[float]:
    """The mean negative log-likelihood of the held-out labels at each temperature."""
    statistics = Statistics.of(space, quantize(learned.vectors, space.scale), [(str(one),) for one in learned.labels])
    solved = SummedPredictor.of(Sums.of(statistics, Commitment(), level).statistics(), 0, level)
    items = Items(space, quantize(held.vectors, space.scale))
    scored = {"prototypes": solved.prototypes.scores(items.codes, items.lengths)}
    if solved.analytic is not None:
        scored["analytic"] = solved.analytic.scores(items.features)
    if solved.codebooks is not None:
        scored["codebooks"] = solved.codebooks.scores(items.keys)
    parts = weighted(MANY, scored)
    counts = np.array([solved.labels[name].count for name in solved.names])
    parts["balance"] = np.tile(balance(counts, SUMMED_BALANCE), (len(held), 1))
    scores = total(parts)
    right = np.searchsorted(solved.names, held.labels)
    rows = np.arange(len(held))
    return [float(-np.log(softmax(scores, one)[rows, right] + 1e-12).mean()) for one in TRIED]


def bytes_a_label() -> Iterator[float]:
    """Of each client of CLINC150 that has examples."""
    data, dice = load("CLINC150", "train"), np.random.default_rng(0)
    names = np.unique(data.labels)
    owner = np.empty(len(data), dtype=np.int64)
    for label in names:
        rows = np.flatnonzero(data.labels == label)
        owner[rows] = dice.choice(CLIENTS, size=len(rows), p=dice.dirichlet(np.full(CLIENTS, ALPHA)))
    for client in range(CLIENTS):
        rows = np.flatnonzero(owner == client)
        with protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory:
            memory.learn(data.vectors[rows], data.labels[rows].tolist())
            part = memory.contribution(f"client {client}", "prototypes")
            yield round(len(part.to_bytes()) / part.labels)


def table(found: dict[str, list[float]]) -> Table:
    shown = Table("", *(str(one) for one in TRIED), box=None, pad_edge=False, title="negative log-likelihood")
    for key, row in found.items():
        shown.add_row(key, *(f"[b]{one:.3f}[/b]" if one == min(row) else f"{one:.3f}" for one in row))
    return shown


if __name__ == "__main__":
    main()
