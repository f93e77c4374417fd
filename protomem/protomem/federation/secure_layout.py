"""The layout of a secure sum: which word of the vector stands for which sum.

The labels are agreed on beforehand and public, since a vector as long as what a client happens to know would tell which
labels it has. A client fills zeros for labels that it does not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from protomem.commitment import LANES
from protomem.errors import InvalidInput, InvalidLabel
from protomem.federation.levels import LABEL_ARRAYS, Level, Shapes, check_level
from protomem.federation.masks import Words
from protomem.federation.sums import Sums
from protomem.inputs import check_name
from protomem.space import Space, SpaceSettings

__all__ = ["Layout", "agreed_labels", "check_agreed"]

Integers = npt.NDArray[np.int64]

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
        check_level(self.level)
        check_agreed(self.labels)

    def digest(self) -> bytes:
        """SHA-256 of the layout: clients whose digests are equal mean the same by every word."""
        named = {"version": 1, "space": self.space.fingerprint(), "level": self.level, "labels": self.labels}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).digest()

    @property
    def length(self) -> int:
        """Words in the vector."""
        shapes = Shapes(self.space)
        each = sum(int(np.prod(shapes[name])) for name in LABEL_ARRAYS[self.level])
        shared = shapes.gram + LANES if self.level == "full" else 0
        return 1 + len(self.labels) * (1 + each) + shared

    def words(self, sums: Sums) -> Words:
        """The vector (length,) of these sums; negative numbers in two's complement.

        Raises `InvalidInput` for sums of another space or level, `InvalidLabel` for a label that was not agreed on.
        """
        if (sums.space.settings, sums.level) != (self.space, self.level):
            raise InvalidInput("these sums are of another space or level than agreed on: compare the memory's settings")
        rows = agreed_labels(sums, self.labels)
        arrays = [sums.counts, *(sums.arrays[name] for name in LABEL_ARRAYS[self.level])]
        of_labels = [_placed(array, rows, len(self.labels)).reshape(-1) for array in arrays]
        lanes = (sums.lanes.astype(np.uint64) << LANE_SHIFT).view(np.int64)
        return np.concatenate([np.array([sums.count]), *of_labels, sums.gram, lanes]).view(np.uint64)

    def sums(self, words: Words) -> Sums:
        """The sums of a vector (length,). Raises `InvalidInput` for one of another length."""
        if words.shape != (self.length,):
            raise InvalidInput(f"the vector has shape {words.shape}, but this layout has {self.length} words")
        zero, shapes = Sums.zero(Space(self.space), self.level), Shapes(self.space)
        of_labels = {name: (len(self.labels), *shapes[name]) for name in LABEL_ARRAYS[self.level]}
        sizes = [1, len(self.labels), *(int(np.prod(shape)) for shape in of_labels.values()), len(zero.gram)]
        count, counts, *arrays, gram, lanes = np.split(words.view(np.int64), np.cumsum(sizes))
        filled = Sums(
            space=zero.space,
            level=self.level,
            count=int(count[0]),
            names=self.labels,
            counts=counts,
            arrays={name: array.reshape(of_labels[name]) for name, array in zip(of_labels, arrays, strict=True)},
            gram=gram,
            lanes=(lanes.view(np.uint64) >> LANE_SHIFT).astype(np.uint16),
        )
        return zero + filled  # without the labels that nobody had


def check_agreed(labels: Sequence[str]) -> None:
    """Raise `InvalidLabel` for an agreed list of labels that is empty, not sorted, not distinct, or holds no label."""
    for label in labels:
        check_name(label, "an agreed label", InvalidLabel)
    if not labels or list(labels) != sorted(set(labels)):
        raise InvalidLabel(
            "an agreed list of labels is needed, sorted and distinct, of at least one label: all clients must mean the "
            "same by it, and which labels a client has would else be told"
        )


def agreed_labels(sums: Sums, labels: Sequence[str]) -> npt.NDArray[np.intp]:
    """The place of each label of the sums among the agreed ones.

    Raises `InvalidLabel` for one that is not there: without it, the count or the Gram matrix would not match the rest.
    """
    if extra := sorted(set(sums.names) - set(labels)):
        raise InvalidLabel(f"not among the agreed labels: {extra[0]!r}, {len(extra)} in all; agree on a longer list")
    place = {label: row for row, label in enumerate(labels)}
    return np.array([place[name] for name in sums.names], dtype=np.intp)


def _placed(array: Integers, rows: npt.NDArray[np.intp], labels: int) -> Integers:
    """The rows of an array at these places among so many labels, and zeros elsewhere."""
    placed = np.zeros((labels, *array.shape[1:]), dtype=np.int64)
    placed[rows] = array
    return placed
