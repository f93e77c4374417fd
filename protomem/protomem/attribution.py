"""Why an answer is what it is: what each head adds, and the prototypes and keys of the label that made it.

Everything is computed from the remembered examples, or their sums, at the moment of asking; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.answers import Explanation, KeyEvidence, PrototypeEvidence
from protomem.codes import Codes, quantize
from protomem.heads.codebooks import log_frequency
from protomem.heads.prototypes import MODE_COUNT
from protomem.items import Items
from protomem.multi_label import PlattScaling
from protomem.space import Space
from protomem.statistics import LabelSums

__all__ = ["Contrast", "Profile", "alone", "contrasts", "explanations", "profile_of_codes", "profile_of_sums"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PROTOTYPES_SHOWN = 3
KEYS_SHOWN = 5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a label's examples have in common: `count` of them, `keys` int64 (books, keys) how many have each key.

    `modes` are the frozen modes of its prototypes, None for the mean of all, `members` how many examples each is of,
    and `directions` int8 (prototypes, d) the prototypes on the grid of the codes.
    """

    count: int
    keys: Integers
    modes: tuple[int | None, ...]
    members: tuple[int, ...]
    directions: Codes


def profile_of_codes(space: Space, codes: Codes) -> Profile:
    """The profile of a label with these examples, codes (n, d)."""
    fixed = space.settings
    cells = space.keys.lookup(codes) + np.arange(fixed.books) * fixed.keys
    keys = np.bincount(cells.ravel(), minlength=fixed.books * fixed.keys).reshape(fixed.books, fixed.keys)
    mode = space.modes.lookup(codes)[:, 0]
    mode_codes = np.zeros((fixed.modes, fixed.dimension), dtype=np.int64)
    np.add.at(mode_codes, mode, codes)
    mode_counts = np.bincount(mode, minlength=fixed.modes)
    return _profile(space, len(codes), keys, mode_codes.sum(axis=0), mode_counts, mode_codes)


def profile_of_sums(space: Space, sums: LabelSums) -> Profile:
    """The profile of a label with these sums."""
    return _profile(space, sums.count, sums.keys, sums.codes, sums.mode_counts, sums.mode_codes)


def _profile(
    space: Space, count: int, keys: Integers, total: Integers, mode_counts: Integers, mode_codes: Integers
) -> Profile:
    large = np.flatnonzero(mode_counts >= MODE_COUNT).tolist()
    named = [
        (None, count, total),
        *((mode, int(mode_counts[mode]), mode_codes[mode]) for mode in large),
    ]
    there = [one for one in named if one[2].any()]  # opposites have no direction
    sums = np.array([total for _, _, total in there], dtype=np.float64).reshape(-1, space.settings.dimension)
    directions = quantize(sums, space.scale) if len(sums) else np.zeros(sums.shape, dtype=np.int8)
    return Profile(count, keys, tuple(one[0] for one in there), tuple(one[1] for one in there), directions)


@final
@dataclass(frozen=True, slots=True)
class Contrast:
    """The best label of an item against the second, as positions among the labels, and each head's part of the odds."""

    label: int
    against: int | None
    parts: tuple[tuple[str, float], ...]


def contrasts(parts: Mapping[str, Floats], temperature: float, ranked: Sequence[Sequence[int]]) -> list[Contrast]:
    """The first label of each item against the second, as they are ranked; `parts` (n, labels) add up to the scores."""
    return [
        _contrast({head: scores[row] / temperature for head, scores in parts.items()}, *order[:2])
        for row, order in enumerate(ranked)
    ]


def alone(curve: PlattScaling, head: str, scores: Floats, ranked: Sequence[Sequence[int]]) -> list[Contrast]:
    """The first label of each item against its absence, by the one head that has these `scores` (n, labels)."""
    return [
        Contrast(order[0], None, ((head, curve.slope * float(scores[row, order[0]])), ("shift", curve.shift)))
        for row, order in enumerate(ranked)
    ]


def _contrast(parts: Mapping[str, Floats], label: int, against: int | None = None) -> Contrast:
    if against is None:
        return Contrast(label, None, ())
    return Contrast(label, against, tuple((head, float(part[label] - part[against])) for head, part in parts.items()))


def explanations(
    found: Sequence[Contrast], items: Items, names: Sequence[str], profile: Callable[[str], Profile], scale: int
) -> list[Explanation]:
    """The explanation of each item; `profile` is asked once for each label that is first or second."""
    wanted = sorted({label for one in found for label in (one.label, one.against) if label is not None})
    profiles = {label: profile(names[label]) for label in wanted}
    return [_explanation(contrast, items, row, names, profiles, scale) for row, contrast in enumerate(found)]


def _explanation(
    contrast: Contrast, items: Items, row: int, names: Sequence[str], profiles: Mapping[int, Profile], scale: int
) -> Explanation:
    mine = profiles[contrast.label]
    against = contrast.against
    return Explanation(
        label=names[contrast.label],
        against=None if against is None else names[against],
        log_odds=sum(part for _, part in contrast.parts) if contrast.parts else None,
        parts=contrast.parts,
        prototypes=_nearest(items.codes[row], float(items.lengths[row]), mine, scale),
        keys=_speaking(items.keys[row], mine, None if against is None else profiles[against]),
    )


def _nearest(codes: npt.NDArray[np.float32], length: float, mine: Profile, scale: int) -> tuple[PrototypeEvidence, ...]:
    """The prototypes of a label nearest to an item; the inner products are exact integers."""
    cosines = mine.directions.astype(np.float64) @ codes.astype(np.float64) / (length * scale)
    nearest = np.argsort(-cosines, kind="stable")[:PROTOTYPES_SHOWN].tolist()
    return tuple(PrototypeEvidence(mine.modes[one], float(cosines[one]), mine.members[one]) for one in nearest)


def _speaking(keys: Integers, mine: Profile, against: Profile | None) -> tuple[KeyEvidence, ...]:
    """The item's keys that speak most for a label, those that its examples have."""
    books = np.arange(len(keys))
    met = mine.keys[books, keys]
    weight = _log_frequency(mine, keys) - (0.0 if against is None else _log_frequency(against, keys))
    for_it = (met > 0) if against is None else (met > 0) & (weight > 0)
    order = [book for book in np.argsort(-weight, kind="stable").tolist() if for_it[book]][:KEYS_SHOWN]
    return tuple(KeyEvidence(book, int(keys[book]), int(met[book]), mine.count) for book in order)


def _log_frequency(profile: Profile, keys: Integers) -> Floats:
    books, size = profile.keys.shape
    return log_frequency(profile.keys[np.arange(books), keys], np.array(profile.count), size)
