"""What does differential privacy of the prototypes cost in right answers?

CLINC150 by nearest class means: counts and code sums of 150 agreed labels with discrete Gaussian noise for ε = 1, 3 and
10 at δ = 1e-6 an example, and without. Held by one party; and by 20 clients (Dirichlet 0.1 over each class), whose
noise is made together under a secure sum of at least 14, or by each for itself. Nothing is chosen here. About six
minutes, nearly all of it drawing exact noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DIMENSION, Split, arguments, load, percent_right, require_data, save, show_machine
from rich.table import Table

import protomem
from protomem.codes import Codes, code_lengths, quantize
from protomem.commitment import Commitment
from protomem.federation.privacy import Protection, noise_scales, plausible, private_sums
from protomem.federation.sums import Sums
from protomem.heads.prototypes import Prototypes
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

EPSILONS: Final = (1.0, 3.0, 10.0)
CLIENTS: Final = 20
MINIMUM: Final = 14
CONCENTRATION: Final = 0.1
WIDTH: Final = 8
"""Features of the lift, which prototypes do not use."""


def parted(labels: npt.NDArray[np.str_], clients: int, seed: int) -> npt.NDArray[np.int64]:
    """The client of each example: each class is split over the clients by its own draw from Dirichlet(0.1)."""
    dice = np.random.default_rng(seed)
    owners = np.empty(len(labels), dtype=np.int64)
    for name in np.unique(labels):
        rows = np.flatnonzero(labels == name)
        owners[rows] = dice.choice(clients, size=len(rows), p=dice.dirichlet(np.full(clients, CONCENTRATION)))
    return owners


def right(sums: Sums, test: Split, codes: Codes) -> float:
    """Percent of test answers that are right by the nearest class mean."""
    names = list(sums.names)
    some = codes.astype(np.float32)
    scores = Prototypes.of(sums.statistics().labels, names, sums.space.scale).scores(some, code_lengths(some))
    return percent_right(np.array(names)[scores.argmax(axis=1)], test.labels)


def main() -> None:
    chosen = arguments(__doc__, ("--draws", {"type": int, "default": 3, "help": "draws of the noise (default: 3)"}))
    require_data()
    show_machine()
    train, test = load("CLINC150", "train"), load("CLINC150", "test")
    space = Space(SpaceSettings(DIMENSION, protomem.Vectors(DIMENSION).fingerprint, width=WIDTH, books=1, keys=2))
    codes, asked = quantize(train.vectors, space.scale), quantize(test.vectors, space.scale)
    labels = sorted({str(label) for label in train.labels})

    def sums_of(rows: npt.NDArray[np.int64]) -> Sums:
        statistics = Statistics.of(space, codes[rows], [(str(label),) for label in train.labels[rows]])
        return Sums.of(statistics, Commitment(), "prototypes")

    everything = sums_of(np.arange(len(train)))
    owners = parted(train.labels, CLIENTS, seed=0)
    parts = [sums_of(np.flatnonzero(owners == client)) for client in range(CLIENTS)]
    assert reduce(add, parts).digest() == everything.digest()

    ways: dict[str, Callable[[float], Sums]] = {
        "one party": lambda epsilon: plausible(private_sums(everything, labels, Protection(epsilon))),
        f"{CLIENTS} clients, noise made together (secure sum)": lambda epsilon: plausible(
            reduce(add, [private_sums(part, labels, Protection(epsilon, clients=MINIMUM)) for part in parts])
        ),
        f"{CLIENTS} clients, each private by itself": lambda epsilon: plausible(
            reduce(add, [private_sums(part, labels, Protection(epsilon)) for part in parts])
        ),
    }
    without = right(everything, test, asked)
    table = Table(
        "", *(f"ε = {epsilon:g}" for epsilon in EPSILONS), "no noise", title=f"CLINC150, {len(test)} items: % right"
    )
    numbers: dict[str, dict[str, float]] = {}
    for way, made in ways.items():
        reached = {
            f"{epsilon:g}": [right(made(epsilon), test, asked) for _ in range(chosen.draws)] for epsilon in EPSILONS
        }
        table.add_row(
            way, *(f"{np.mean(some):.1f} ± {np.std(some):.1f}" for some in reached.values()), f"{without:.1f}"
        )
        numbers[way] = {epsilon: float(np.mean(some)) for epsilon, some in reached.items()} | {"inf": without}
    CONSOLE.print(table)
    for epsilon in EPSILONS:
        scales = noise_scales(DIMENSION, Protection(epsilon))
        CONSOLE.print(
            f"ε = {epsilon:g}: noise of one party {scales.counts:.1f} on counts, {scales.codes:.0f} on code sums"
        )
    save(chosen.json, "the cost of differential privacy", {"percent right": numbers})


if __name__ == "__main__":
    main()
