"""The sums that are shared, at one level: an abelian group like `protomem.statistics`, kept as few large arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.commitment import Commitment
from protomem.federation.levels import LABEL_ARRAYS, LEVELS, Level, Shapes
from protomem.space import Space
from protomem.state import digest_of
from protomem.statistics import LabelSums, Statistics

__all__ = ["Sums"]

Integers = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """The sums over `count` examples, as far as the level has them; a difference may hold negative numbers.

    `names` are the labels, sorted, without any whose numbers are all zero; `counts` int64 (labels,) and `arrays`, by
    the names of `LABEL_ARRAYS`, int64 (labels, ...) their sums. At the full level `gram` int64 (D·(D+1)/2,) is the
    lower triangle of the Gram matrix, column by column, and `lanes` uint16 (LANES,) the commitment; else both
    are empty.
    """

    space: Space
    level: Level
    count: int
    names: tuple[str, ...]
    counts: Integers
    arrays: Mapping[str, Integers]
    gram: Integers
    lanes: npt.NDArray[np.uint16]

    @classmethod
    def zero(cls, space: Space, level: Level) -> Sums:
        """The sums over no examples."""
        return cls.of(Statistics(space), Commitment(), level)

    @classmethod
    def of(cls, statistics: Statistics, commitment: Commitment, level: Level) -> Sums:
        """What a level has of these statistics and of the commitment to the same examples."""
        space, shapes = statistics.space, Shapes(statistics.space.settings)
        names = tuple(sorted(statistics.labels))
        labels = [statistics.labels[name] for name in names]
        stacked = {
            name: np.array([getattr(one, name) for one in labels], dtype=np.int64).reshape(len(names), *shapes[name])
            for name in LABEL_ARRAYS[level]
        }
        counts = np.array([one.count for one in labels], dtype=np.int64)
        is_full = level == "full"
        gram = _lower(statistics.gram) if is_full else np.zeros(0, dtype=np.int64)
        lanes = commitment.lanes() if is_full else np.zeros(0, dtype=np.uint16)
        return cls(space, level, statistics.count, names, counts, stacked, gram, lanes)

    def statistics(self) -> Statistics:
        """The statistics, with zeros for what the level does not have."""
        total = Statistics(self.space)
        total.count = self.count
        for row, name in enumerate(self.names):
            label = total.labels[name] = LabelSums.zero(self.space)
            label.count = int(self.counts[row])
            for array, values in self.arrays.items():
                getattr(label, array)[...] = values[row]
        _fill_lower(total.gram, self.gram)
        return total

    def commitment(self) -> Commitment:
        """The commitment to the examples; at a reduced level, that to none."""
        return Commitment.of_lanes(self.lanes) if self.level == "full" else Commitment()

    def reduced(self, level: Level) -> Sums:
        """What a level, this one or a lower one, has of these sums."""
        if LEVELS.index(level) > LEVELS.index(self.level):
            raise ValueError(f"sums at level {self.level} have nothing that only {level} has")
        if level == self.level:
            return self
        kept = {name: self.arrays[name] for name in LABEL_ARRAYS[level]}
        return Sums(self.space, level, self.count, self.names, self.counts, kept, self.gram[:0], self.lanes[:0])

    def without(self, labels: frozenset[str]) -> Sums:
        """These sums at a reduced level without some labels, whose examples carry no other label."""
        if self.level == "full":
            raise ValueError("a Gram matrix does not tell the labels apart")
        gone = np.array([name in labels for name in self.names], dtype=bool)
        count = self.count - int(self.counts[gone].sum())
        return self._with_rows(
            count, self.names, self.counts * ~gone, {k: _masked(v, gone) for k, v in self.arrays.items()}
        )

    def __add__(self, other: Sums) -> Sums:
        return self._combined(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        return self._combined(other, -1)

    def digest(self) -> str:
        """SHA-256 (hex) of these sums; at the full level the `digest()` of a memory of the same examples."""
        if self.level == "full":
            return digest_of(self.statistics(), self.commitment())
        sha = hashlib.sha256(f"protomem sums 1 {self.level}\n{self.space.settings.fingerprint()}\n".encode())
        sha.update(self.count.to_bytes(16, "little", signed=True))
        for row, label in enumerate(self.names):
            name = label.encode()
            sha.update(len(name).to_bytes(4, "little") + name)
            for array in (self.counts, *(self.arrays[one] for one in LABEL_ARRAYS[self.level])):
                sha.update(np.ascontiguousarray(array[row], dtype="<i8").tobytes())
        return sha.hexdigest()

    def _combined(self, other: Sums, sign: int) -> Sums:
        if (self.level, self.space.settings) != (other.level, other.space.settings):
            raise ValueError("sums of different levels or spaces cannot be added: they mean different things")
        names = tuple(sorted({*self.names, *other.names}))
        both = partial(_placed, names, self.names, other.names, sign)
        total = self._with_rows(
            self.count + sign * other.count,
            names,
            both(self.counts, other.counts),
            {name: both(mine, other.arrays[name]) for name, mine in self.arrays.items()},
        )
        lanes = self.lanes + other.lanes if sign == 1 else self.lanes - other.lanes  # modulo 2¹⁶
        gram = self.gram + sign * other.gram
        return Sums(self.space, self.level, total.count, total.names, total.counts, total.arrays, gram, lanes)

    def _with_rows(self, count: int, names: tuple[str, ...], counts: Integers, arrays: Mapping[str, Integers]) -> Sums:
        """These sums with other labels, of which those are left out whose numbers are all zero."""
        there = counts != 0
        for array in arrays.values():
            there = there | array.any(axis=tuple(range(1, array.ndim)))
        kept = {name: array[there] for name, array in arrays.items()}
        left = tuple(name for name, is_there in zip(names, there.tolist(), strict=True) if is_there)
        return Sums(self.space, self.level, count, left, counts[there], kept, self.gram, self.lanes)


def _placed(
    names: tuple[str, ...],
    mine: tuple[str, ...],
    theirs: tuple[str, ...],
    sign: int,
    first: Integers,
    second: Integers,
) -> Integers:
    """The rows of two arrays added where they are of the same label."""
    place = {name: row for row, name in enumerate(names)}
    total = np.zeros((len(names), *first.shape[1:]), dtype=np.int64)
    total[[place[name] for name in mine]] = first
    total[[place[name] for name in theirs]] += sign * second
    return total


def _masked(array: Integers, gone: npt.NDArray[np.bool_]) -> Integers:
    return np.where(gone.reshape(-1, *[1] * (array.ndim - 1)), 0, array)


def _lower(gram: Integers) -> Integers:
    return np.concatenate([gram[column:, column] for column in range(len(gram))])


def _fill_lower(gram: Integers, packed: Integers) -> None:
    start = 0
    for column in range(len(gram) if len(packed) else 0):
        end = start + len(gram) - column
        gram[column:, column] = packed[start:end]
        start = end
