"""The layout of a secure sum: which word of the vector stands for which sum.

The labels are agreed on beforehand and public, since a vector as long as what a client happens to know would tell which
labels it has. A client fills zeros for labels that it does not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from protomem.commitment import LANES, Commitment
from protomem.errors import InvalidInput, InvalidLabel
from protomem.federation.masks import Words
from protomem.space import Space, SpaceSettings
from protomem.statistics import LabelSums, Statistics

__all__ = ["Layout", "Level"]

Integers = npt.NDArray[np.int64]

Level = Literal["prototypes", "codebooks", "full"]
"""How much is shared of each label: count and code sum; the counts of keys too; or everything."""

CARRIED: Final[dict[Level, tuple[str, ...]]] = {
    "prototypes": ("codes",),
    "codebooks": ("codes", "keys"),
    "full": ("codes", "features", "keys", "mode_counts", "mode_codes"),
}
"""The arrays of `LabelSums` that a level carries besides the count, in their order."""

LANE_SHIFT: Final = np.uint64(48)
"""A lane counts modulo 2¹⁶, and so it does in the top 16 bits of a word: the total tells no more than the lane."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """What a secure sum adds up: the sums of a level, in one space, of `labels` (sorted, distinct, at least one).

    Raises `InvalidLabel` for labels that are not so, `InvalidInput` for a level that there is not.
    """

    space: SpaceSettings
    level: Level
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            raise InvalidInput(f"there is no level {self.level!r}: choose one of {', '.join(get_args(Level))}")
        if not self.labels or any(not label or "\0" in label for label in self.labels):
            raise InvalidLabel("a secure sum needs an agreed list of at least one label, none of them empty")
        if list(self.labels) != sorted(set(self.labels)):
            raise InvalidLabel("the agreed labels must be sorted and distinct, so that all clients mean the same words")

    def digest(self) -> bytes:
        """SHA-256 of the layout: clients whose digests are equal mean the same by every word."""
        named = {"version": 1, "space": self.space.fingerprint(), "level": self.level, "labels": self.labels}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).digest()

    @property
    def length(self) -> int:
        """Words in the vector."""
        return 1 + len(self.labels) * self._words_a_label() + self._shared_words()

    def words(self, statistics: Statistics, commitment: Commitment) -> Words:
        """The vector (length,) of these sums; negative numbers in two's complement.

        Raises `InvalidInput` for sums of another space, `InvalidLabel` for a label that was not agreed on: leaving it
        out would send a Gram matrix that does not match.
        """
        if statistics.space.settings != self.space:
            raise InvalidInput("these sums are of another space than the agreed one: open the memory with its settings")
        if extra := sorted(set(statistics.labels) - set(self.labels)):
            raise InvalidLabel(
                f"not among the agreed labels: {extra[0]!r}, {len(extra)} in all; agree on a longer list"
            )
        vector = np.zeros(self.length, dtype=np.int64)
        vector[0] = statistics.count
        rest = vector[1:]
        for label in self.labels:
            if label in statistics.labels:
                _fill(rest, self._of_label(statistics.labels[label]))
            rest = rest[self._words_a_label() :]
        if self.level == "full":
            _fill(rest, [*_columns(statistics.gram), _as_words(commitment)])
        return vector.view(np.uint64)

    def statistics(self, words: Words) -> tuple[Statistics, Commitment]:
        """The sums and the commitment of a vector (length,); what the level does not carry is zero.

        Raises `InvalidInput` for a vector of another length.
        """
        if words.shape != (self.length,):
            raise InvalidInput(f"the vector has shape {words.shape}, but this layout has {self.length} words")
        vector = words.view(np.int64)
        space = Space(self.space)
        statistics, commitment = Statistics(space), Commitment()
        statistics.count = int(vector[0])
        rest = vector[1:]
        for label in self.labels:
            sums = LabelSums.zero(space)
            sums.count = int(rest[0])
            rest = _read(rest[1:], [getattr(sums, name) for name in CARRIED[self.level]])
            if not sums.is_zero():
                statistics.labels[label] = sums
        if self.level == "full":
            rest = _read(rest, list(_columns(statistics.gram)))
            commitment = Commitment.of_lanes((rest.view(np.uint64) >> LANE_SHIFT).astype(np.uint16))
        return statistics, commitment

    def _of_label(self, sums: LabelSums) -> list[Integers]:
        return [np.array([sums.count]), *(getattr(sums, name) for name in CARRIED[self.level])]

    def _words_a_label(self) -> int:
        fixed = self.space
        sizes = {
            "codes": fixed.dimension,
            "features": fixed.width,
            "keys": fixed.books * fixed.keys,
            "mode_counts": fixed.modes,
            "mode_codes": fixed.modes * fixed.dimension,
        }
        return 1 + sum(sizes[name] for name in CARRIED[self.level])

    def _shared_words(self) -> int:
        width = self.space.width
        return width * (width + 1) // 2 + LANES if self.level == "full" else 0


def _columns(gram: Integers) -> Iterator[Integers]:
    """The columns of the lower triangle, views of the matrix."""
    return (gram[start:, start] for start in range(len(gram)))


def _as_words(commitment: Commitment) -> Integers:
    return (commitment.lanes().astype(np.uint64) << LANE_SHIFT).view(np.int64)


def _fill(vector: Integers, arrays: list[Integers]) -> None:
    """Write the arrays one after the other to the front of the vector."""
    start = 0
    for array in arrays:
        vector[start : start + array.size] = array.reshape(-1)
        start += array.size


def _read(vector: Integers, arrays: list[Integers]) -> Integers:
    """Read what `_fill` wrote into the arrays; what is left of the vector."""
    start = 0
    for array in arrays:
        array[...] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return vector[start:]
