"""Statistics: everything that is learned, as integer sums over the remembered examples.

They form an abelian group: learning adds an example's statistics, forgetting subtracts them, and since integers do not
round, equal examples give equal bytes whatever the order, the batches and what was forgotten in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from protomem.codes import Codes
from protomem.lift import Features
from protomem.products import products
from protomem.space import Space

__all__ = ["CHUNK_ROWS", "LabelSums", "Statistics"]

Integers = npt.NDArray[np.int64]

CHUNK_ROWS = 4_096
"""Rows lifted at a time: 8 MB of features at the default width. Sums of products stay exact in float32 (GRAM_ROWS),
and so does every sum of codes of a label."""


@final
@dataclass(slots=True)
class LabelSums:
    """The sums over the examples of one label.

    `codes` (d,) is the prototype times its count, `features` (D,) the label's row of the cross-moment ΦᵀY, `keys`
    (books, keys) how often each frozen key was met, `mode_counts` (modes,) and `mode_codes` (modes, d) the
    sub-prototypes. All int64.
    """

    count: int
    codes: Integers
    features: Integers
    keys: Integers
    mode_counts: Integers
    mode_codes: Integers

    @classmethod
    def zero(cls, space: Space) -> LabelSums:
        fixed = space.settings
        return cls(
            count=0,
            codes=np.zeros(fixed.dimension, dtype=np.int64),
            features=np.zeros(fixed.width, dtype=np.int64),
            keys=np.zeros((fixed.books, fixed.keys), dtype=np.int64),
            mode_counts=np.zeros(fixed.modes, dtype=np.int64),
            mode_codes=np.zeros((fixed.modes, fixed.dimension), dtype=np.int64),
        )

    def arrays(self) -> Iterator[Integers]:
        """The sums in the order in which they are hashed, the count first."""
        yield np.array([self.count], dtype=np.int64)
        yield from (self.codes, self.features, self.keys, self.mode_counts, self.mode_codes)

    def merge(self, other: LabelSums, sign: int) -> None:
        """Add `sign` times the other sums in place."""
        self.count += sign * other.count
        for mine, theirs in zip(list(self.arrays())[1:], list(other.arrays())[1:], strict=True):
            np.add(mine, sign * theirs, out=mine)

    def is_zero(self) -> bool:
        return not any(array.any() for array in self.arrays())


@final
class Statistics:
    """The group element of a set of examples in a fixed space.

    `count` examples, `gram` the Gram matrix ΦᵀΦ as int64 (D, D) with only its lower triangle filled, `labels` the sums
    of every label that is not zero.
    """

    def __init__(self, space: Space) -> None:
        width = space.settings.width
        self.space = space
        self.count = 0
        self.gram: Integers = np.zeros((width, width), dtype=np.int64, order="F")
        self.labels: dict[str, LabelSums] = {}

    @classmethod
    def of(cls, space: Space, codes: Codes, labels: Sequence[Sequence[str]]) -> Statistics:
        """The statistics of these examples: codes (n, d) int8, and one or several distinct labels for each."""
        total = cls(space)
        total.learn(codes, labels)
        return total

    def learn(self, codes: Codes, labels: Sequence[Sequence[str]]) -> None:
        """Add examples in place."""
        self._fold(codes, labels, 1)

    def forget(self, codes: Codes, labels: Sequence[Sequence[str]]) -> None:
        """Subtract examples in place: the inverse of `learn`, to the bit."""
        self._fold(codes, labels, -1)

    def copy(self) -> Statistics:
        return self + Statistics(self.space)

    def __add__(self, other: Statistics) -> Statistics:
        return self._combine(other, 1)

    def __sub__(self, other: Statistics) -> Statistics:
        return self._combine(other, -1)

    def __neg__(self) -> Statistics:
        return Statistics(self.space) - self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statistics):
            return NotImplemented
        return self.digest() == other.digest()

    __hash__ = None  # type: ignore[assignment]  # it changes in place

    def digest(self) -> str:
        """SHA-256 (hex) of the space's fingerprint and of every sum, labels in sorted order."""
        sha = hashlib.sha256()
        sha.update(self.space.settings.fingerprint().encode())
        sha.update(self.count.to_bytes(16, "little", signed=True))
        sha.update(_bytes(self.gram.T))
        for label in sorted(self.labels):
            name = label.encode()
            sha.update(len(name).to_bytes(4, "little") + name)
            for array in self.labels[label].arrays():
                sha.update(_bytes(array))
        return sha.hexdigest()

    def _combine(self, other: Statistics, sign: int) -> Statistics:
        if self.space.settings != other.space.settings:
            raise ValueError("statistics of different spaces cannot be added: their features mean different things")
        total = Statistics(self.space)
        total._merge(self, 1)
        total._merge(other, sign)
        return total

    def _merge(self, other: Statistics, sign: int) -> None:
        self.count += sign * other.count
        self.gram += sign * other.gram
        for label, sums in other.labels.items():
            self._merge_label(label, sums, sign)

    def _merge_label(self, label: str, sums: LabelSums, sign: int) -> None:
        mine = self.labels.setdefault(label, LabelSums.zero(self.space))
        mine.merge(sums, sign)
        if mine.is_zero():
            del self.labels[label]

    def _fold(self, codes: Codes, labels: Sequence[Sequence[str]], sign: Literal[1, -1]) -> None:
        for start in range(0, len(codes), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            features = self.space.lift.features(codes[chunk])
            _add_products(self.gram, features, sign)
            for label, sums in _label_sums(self.space, codes[chunk], features, labels[chunk]):
                self._merge_label(label, sums, sign)
        self.count += sign * len(codes)


def _add_products(gram: Integers, features: Features, sign: Literal[1, -1]) -> None:
    """Add `sign` times the lower triangle of FᵀF: exact products, moved to int64."""
    add = np.add if sign == 1 else np.subtract
    for start, sums in products().gram_panels(features):
        height = len(sums)
        sums[:, :height] = np.triu(sums[:, :height])
        rows = gram.T[start : start + height, start:]
        add(rows, sums, out=rows, dtype=np.int64, casting="unsafe")


def _label_sums(
    space: Space, codes: Codes, features: Features, labels: Sequence[Sequence[str]]
) -> Iterator[tuple[str, LabelSums]]:
    """The sums of each label met in a chunk. An example with several labels counts in full for each."""
    names = sorted({label for some in labels for label in some})
    number = {name: index for index, name in enumerate(names)}
    rows = np.repeat(np.arange(len(labels)), [len(some) for some in labels])
    owners = np.array([number[label] for some in labels for label in some], dtype=np.int64)

    fixed = space.settings
    code_sums = _sum_rows(owners, rows, codes, len(names))
    feature_sums = _sum_rows(owners, rows, features, len(names))

    cells = owners[:, None] * fixed.books + np.arange(fixed.books)
    cells = cells * fixed.keys + space.keys.lookup(codes)[rows]
    keys = np.bincount(cells.ravel(), minlength=len(names) * fixed.books * fixed.keys)
    keys = keys.reshape(len(names), fixed.books, fixed.keys)

    corners = owners * fixed.modes + space.modes.lookup(codes)[rows, 0]
    mode_counts = np.bincount(corners, minlength=len(names) * fixed.modes).reshape(len(names), fixed.modes)
    mode_codes = _sum_rows(corners, rows, codes, len(names) * fixed.modes)
    mode_codes = mode_codes.reshape(len(names), fixed.modes, fixed.dimension)

    for name, index in number.items():
        yield (
            name,
            LabelSums(
                count=int(mode_counts[index].sum()),
                codes=code_sums[index],
                features=feature_sums[index],
                keys=keys[index],
                mode_counts=mode_counts[index],
                mode_codes=mode_codes[index],
            ),
        )


def _sum_rows(owners: Integers, rows: Integers, values: npt.NDArray[np.int8], size: int) -> Integers:
    """Sum `values[rows]` by owner: int64 (size, columns), exact because a chunk's sums stay below 2²⁴."""
    indicator = csr_array((np.ones(len(rows), dtype=np.float32), (owners, rows)), shape=(size, len(values)))
    return np.asarray(indicator @ values.astype(np.float32)).astype(np.int64)


def _bytes(array: npt.NDArray[np.int64]) -> memoryview:
    return np.ascontiguousarray(array, dtype="<i8").data.cast("B")
