"""Random codes and labels for the tests of the heads, and a small space they live in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from protomem.balance import Balance
from protomem.codes import Codes, code_scale, quantize
from protomem.space import Space, SpaceSettings

SPACE = Space(SpaceSettings(12, "an encoder", width=40, books=5, keys=8, modes=4))
NAMES = ("a", "b", "c")


def drawn_codes(seed: int, count: int, dimension: int = 12) -> Codes:
    return quantize(np.random.default_rng(seed).normal(size=(count, dimension)), code_scale(dimension))


def drawn_targets(seed: int, count: int) -> np.ndarray:
    """One label each, and for every fifth row two."""
    dice = np.random.default_rng(seed)
    targets = np.eye(3, dtype=bool)[dice.integers(0, 3, count)]
    targets[::5, 0] = True
    return targets


def label_sets(targets: np.ndarray) -> list[tuple[str, ...]]:
    return [tuple(name for name, there in zip(NAMES, row, strict=True) if there) for row in targets]


def by_rarity(labels: Iterable[Iterable[str]], how: Balance) -> np.ndarray:
    """What each label, in the order of names, gains for being rare among these examples: (labels,)."""
    counts = Counter(label for some in labels for label in some)
    mean = sum(counts.values()) / len(counts)
    gained = [-how.strength * math.log(counts[label] / mean) for label in sorted(counts)]
    return np.array([max(-how.most, min(how.most, one)) for one in gained])
