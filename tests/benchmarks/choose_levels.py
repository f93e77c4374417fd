"""Which heads and weights answer best from sums alone, which temperature makes each level true, what do sums weigh?

The experiments behind `protomem.summed` and NEARLY_LEAST in `protomem.heads.analytic`. First the percent right of
held-out training data at 5, 10 and 30 examples a class and at all, as the ridge, the discriminant's weight and that of
prototypes change one at a time, and by a memory that keeps codes. Then the mean negative log-likelihood at each
temperature. No test file is opened: held out are CLINC150's validation split and folds of BANKING77's training split.
The bytes are those of CLINC150's training split dealt to 20 clients by Dirichlet 0.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, final

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
    named,
    percent_right,
    require_data,
    save,
    show_machine,
)
from held_out import FOLDS, Floats, splits
from rich.progress import Progress
from rich.table import Table

import protomem
from protomem.codes import quantize
from protomem.commitment import Commitment
from protomem.ensemble import total, weighted
from protomem.federation.levels import LEVELS, Level
from protomem.federation.sums import Sums
from protomem.heads.analytic import NEARLY_LEAST, STRENGTHS, Primal
from protomem.heads.discriminant import Discriminant
from protomem.items import Items
from protomem.softmax import softmax
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics
from protomem.summed import PROTOTYPES_UNTIL, SUMMED, SummedPredictor

Integers = npt.NDArray[np.int64]

TRIED: Final = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.105, 0.12, 0.14)
SIZES: Final = (5, 10, 0)
"""Examples a class; 0 for all."""
COMPARED: Final = (5, 10, 30, 0)
CLIENTS, ALPHA = 20, 0.1


@final
@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer from the sums: how near to the least its ridge is, and the weights of two heads."""

    nearly: float = NEARLY_LEAST
    discriminant: float = SUMMED["discriminant"]
    until: float = PROTOTYPES_UNTIL


IN_USE: Final = Way()
WAYS: Final = {
    "in use": IN_USE,
    **{f"ridge at {one} of the least": replace(IN_USE, nearly=one) for one in (1.0, 1.05, 1.15)},
    **{f"discriminant {one}": replace(IN_USE, discriminant=one) for one in (0.0, 0.3, 0.7, 1.0)},
    **{f"prototypes until {one}": replace(IN_USE, until=one) for one in (8, 25, np.inf)},
    "none of the three": Way(1.0, 0.0, np.inf),
}
KEPT: Final = "codes kept"


def main() -> None:
    options = arguments(
        __doc__,
        ("--folds", {"type": int, "choices": range(1, FOLDS + 1), "default": FOLDS, "help": f"fewer than {FOLDS}"}),
        ("--width", {"type": int, "default": 2048, "help": "features of the lift"}),
    )
    require_data()
    show_machine()
    found: dict[str, list[float]] = {}
    right: dict[str, dict[str, list[float]]] = {}
    space = Space(SpaceSettings(DIMENSION, "choose_levels", width=options.width))
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name, size in progress.track(list(product(DATA_SETS, COMPARED)), description="ways to answer"):
            for learned, held in splits(name, size, options.folds):
                for way, percent in compared(space, learned, held).items():
                    right.setdefault(way, {}).setdefault(f"{name}, {size or 'all'}", []).append(percent)
    CONSOLE.print(comparison(right))
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
    save(options.json, "choose_levels", {"right": right, "losses": found, "bytes": weights})


def compared(space: Space, learned: Split, held: Split) -> dict[str, float]:
    """Percent right by each of WAYS, and by a memory that keeps codes."""
    statistics = Statistics.of(space, quantize(learned.vectors, space.scale), [(str(one),) for one in learned.labels])
    solved = SummedPredictor.of(statistics, 0)
    items = Items(space, quantize(held.vectors, space.scale))
    counts = solved.counts
    scores = solved.parts(items)
    alone = {head: scores[head] / solved.weights[head] for head in ("prototypes", "codebooks")}
    moments = np.stack([statistics.labels[name].features for name in solved.names], axis=1)
    problems = [Primal(statistics.gram, moments, statistics.count, strength) for strength in STRENGTHS]
    errors = [problem.cross_validation(statistics.count) for problem in problems]
    ridges: dict[float, dict[str, Floats]] = {}
    found = {}
    for name, way in WAYS.items():
        if way.nearly not in ridges:
            problem = next(
                one for one, error in zip(problems, errors, strict=True) if error <= way.nearly * min(errors)
            )
            ridges[way.nearly] = of_gram(problem, statistics, counts, items)
        weights = dict(SUMMED) | {
            "discriminant": way.discriminant,
            "prototypes": min(1.0, way.until / float(counts.mean())),
        }
        parts = weighted(weights, ridges[way.nearly] | alone) | {"balance": scores["balance"]}
        found[name] = percent_right(np.array(solved.names)[total(parts).argmax(axis=1)], held.labels)
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=space.settings.width) as memory:
        memory.learn(learned.vectors, learned.labels.tolist())
        found[KEPT] = percent_right(named(memory.predict(held.vectors)), held.labels)
    return found


def of_gram(problem: Primal, statistics: Statistics, counts: Integers, items: Items) -> dict[str, Floats]:
    """The scores of the heads that are solved from the Gram matrix."""
    discriminant = Discriminant.of(problem, statistics.gram, counts)
    if discriminant is None:
        raise ValueError("an example carries several labels, where one was expected")
    return {
        "analytic": problem.solve().scores(items.features),
        "discriminant": discriminant.scores(items.features),
    }


def comparison(right: dict[str, dict[str, list[float]]]) -> Table:
    """A column for each data set and size: percent right as it is in use, and what another way has more."""
    in_use = {key: np.array(folds) for key, folds in right["in use"].items()}
    shown = Table("", *in_use, box=None, pad_edge=False, title="percent right, and the difference")
    for way, settings in right.items():
        more = [np.mean(folds - in_use[key]) for key, folds in settings.items()]
        cells = (
            [f"{np.mean(one):.2f}" for one in in_use.values()] if way == "in use" else [f"{one:+.2f}" for one in more]
        )
        shown.add_row(way, *cells)
    return shown


def losses(space: Space, learned: Split, held: Split, level: Level) -> list[float]:
    """The mean negative log-likelihood of the held-out labels at each temperature."""
    statistics = Statistics.of(space, quantize(learned.vectors, space.scale), [(str(one),) for one in learned.labels])
    solved = SummedPredictor.of(Sums.of(statistics, Commitment(), level).statistics(), 0, level)
    items = Items(space, quantize(held.vectors, space.scale))
    scores = total(solved.parts(items))
    right = np.searchsorted(solved.names, held.labels)
    rows = np.arange(len(held))
    return [float(-np.log(softmax(scores / one)[rows, right] + 1e-12).mean()) for one in TRIED]


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
