"""The remembered examples in memory, in an order that does not depend on their history.

Examples with the same labels form a group; a group is immutable and sorted by a hash of its codes. A write replaces the
groups it touches and shares the others, so that a prediction keeps the picture it started with, and whatever was
computed from an untouched group stays valid. Where floating-point work must run over examples, it runs in this order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from protomem.codes import Codes
from protomem.lazy import lazy

__all__ = ["Examples", "Group", "Labels"]

Labels = tuple[str, ...]
"""The labels of one example, sorted and without repeats."""


@final
@dataclass(frozen=True, eq=False)
class Group:
    """The examples that carry exactly these labels, in canonical order.

    `codes` (m, d) int8, `hashes` (m, 2) uint64: BLAKE2b-128 of each row's codes. Rows are sorted by hash, equal ones by
    id; rows with equal hashes have equal codes, so that nothing computed from the codes sees the ids.
    """

    labels: Labels
    ids: tuple[str, ...]
    codes: Codes
    hashes: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, labels: Labels, ids: Sequence[str], codes: Codes, hashes: npt.NDArray[np.uint64]) -> Group:
        order = np.lexsort((np.asarray(ids), hashes[:, 1], hashes[:, 0]))
        frozen = np.ascontiguousarray(codes[order])
        frozen.setflags(write=False)
        return cls(labels, tuple(ids[row] for row in order), frozen, hashes[order])

    def with_rows(self, ids: Sequence[str], codes: Codes) -> Group:
        """This group and more examples."""
        return Group.of(
            self.labels,
            [*self.ids, *ids],
            np.concatenate([self.codes, codes]),
            np.concatenate([self.hashes, hash_codes(codes)]),
        )

    def without(self, ids: Iterable[str]) -> Group | None:
        """This group without those examples; None if nothing is left."""
        gone = set(ids)
        keep = np.array([id not in gone for id in self.ids])
        if not keep.any():
            return None
        kept = tuple(id for id in self.ids if id not in gone)
        codes = self.codes[keep]
        codes.setflags(write=False)
        return Group(self.labels, kept, codes, self.hashes[keep])


def hash_codes(codes: Codes) -> npt.NDArray[np.uint64]:
    """BLAKE2b-128 of each row: uint64 (n, 2)."""
    joined, width = codes.tobytes(), codes.shape[1]
    starts = range(0, len(joined), width)
    digests = b"".join([hashlib.blake2b(joined[start : start + width], digest_size=16).digest() for start in starts])
    return np.frombuffer(digests, dtype="<u8").reshape(len(codes), 2).astype(np.uint64)


@final
@dataclass(frozen=True, eq=False)
class Examples:
    """An immutable set of remembered examples: groups by labels, sorted by labels."""

    dimension: int
    groups: Mapping[Labels, Group] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.offsets[-1]

    def with_rows(self, ids: Sequence[str], codes: Codes, labels: Sequence[Labels]) -> Examples:
        """These examples and more; the ids must be new."""
        groups = dict(self.groups)
        for key, rows in _rows_by_labels(labels).items():
            picked = [ids[row] for row in rows]
            old = groups.get(key)
            groups[key] = (
                old.with_rows(picked, codes[rows])
                if old is not None
                else Group.of(key, picked, codes[rows], hash_codes(codes[rows]))
            )
        return Examples(self.dimension, dict(sorted(groups.items())))

    def without(self, ids: Sequence[str], labels: Sequence[Labels]) -> Examples:
        """These examples without those ids, whose labels the caller knows."""
        groups = dict(self.groups)
        for key, rows in _rows_by_labels(labels).items():
            left = groups[key].without(ids[row] for row in rows)
            if left is None:
                del groups[key]
            else:
                groups[key] = left
        return Examples(self.dimension, groups)

    def codes_of(self, ids: Sequence[str], labels: Sequence[Labels]) -> Codes:
        """The codes of these remembered examples, whose labels the caller knows: int8 (n, d)."""
        codes = np.empty((len(ids), self.dimension), dtype=np.int8)
        for key, rows in _rows_by_labels(labels).items():
            place = {id: position for position, id in enumerate(self.groups[key].ids)}
            codes[rows] = self.groups[key].codes[[place[ids[row]] for row in rows]]
        return codes

    @lazy
    def offsets(self) -> list[int]:
        """Where each group begins among all examples, and their number at the end."""
        ends = np.cumsum([0, *(len(group.ids) for group in self.groups.values())])
        return [int(end) for end in ends]

    @lazy
    def _group_list(self) -> list[Group]:
        return list(self.groups.values())

    @lazy
    def names(self) -> Labels:
        """Every label that some example carries, sorted."""
        return tuple(sorted({label for key in self.groups for label in key}))

    @lazy
    def codes(self) -> Codes:
        """All codes in canonical order, int8 (n, d)."""
        if not self.groups:
            return np.zeros((0, self.dimension), dtype=np.int8)
        return np.concatenate([group.codes for group in self.groups.values()])

    @lazy
    def indicator(self) -> csr_array:
        """For each group, which of `names` it carries: sparse float64 (groups, labels) of ones."""
        number = {name: index for index, name in enumerate(self.names)}
        columns = [number[label] for key in self.groups for label in key]
        starts = np.cumsum([0, *(len(key) for key in self.groups)])
        return csr_array((np.ones(len(columns)), columns, starts), shape=(len(self.groups), len(self.names)))

    @lazy
    def group_of_row(self) -> npt.NDArray[np.int64]:
        """The group of each example in canonical order, int64 (n,)."""
        return np.repeat(np.arange(len(self.groups)), np.diff(self.offsets))

    def label_matrix(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of `names` these examples carry: bool (rows, labels)."""
        return np.asarray(self.indicator[self.group_of_row[rows]].toarray(), dtype=bool)

    def locate(self, row: int) -> tuple[Group, int]:
        """The group of the example at this canonical position, and its place in it."""
        number = int(self.group_of_row[row])
        return self._group_list[number], row - self.offsets[number]

    def located(self, rows: npt.NDArray[np.int64]) -> list[tuple[Group, int]]:
        """The same of several (n,)."""
        groups, offsets = self._group_list, self.offsets
        numbers = self.group_of_row[rows].tolist()
        return [(groups[number], row - offsets[number]) for number, row in zip(numbers, rows.tolist(), strict=True)]

    @lazy
    def _numbers_by_label(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = {}
        for number, key in enumerate(self.groups):
            for label in key:
                numbers.setdefault(label, []).append(number)
        return numbers

    def count_of(self, label: str) -> int:
        """How many examples carry this label."""
        return sum(len(self._group_list[number].ids) for number in self._numbers_by_label[label])

    def rows_of(self, label: str) -> npt.NDArray[np.int64]:
        """Canonical positions, ascending, of the examples that carry this label."""
        numbers = self._numbers_by_label[label]
        return np.concatenate([np.arange(self.offsets[number], self.offsets[number + 1]) for number in numbers])

    def places(self, labels: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The place of each of these rows (c,) in `rows_of` of a label that it carries, a position in `names` (c,)."""
        return np.asarray(np.searchsorted(self._carried, labels * len(self) + rows) - self._starts[labels])

    @lazy
    def _carried(self) -> npt.NDArray[np.int64]:
        """label · n + row for each row of `rows_of` of each label: ascending."""
        groups, offsets = self.indicator.tocsc().indices, np.array(self.offsets)
        sizes = np.diff(offsets)[groups]
        rows = np.arange(sizes.sum()) + np.repeat(offsets[groups] - np.cumsum(sizes) + sizes, sizes)
        return np.asarray(np.repeat(np.arange(len(self.names)), np.diff(self._starts)) * len(self) + rows)

    @lazy
    def _starts(self) -> npt.NDArray[np.int64]:
        """Where those of each label begin, and their number at the end."""
        counts = self.indicator.T @ np.diff(self.offsets)
        return np.cumsum([0, *counts.astype(np.int64)])

    def groups_of(self, *labels: str) -> tuple[Group, ...]:
        """The groups that carry any of these labels, in canonical order."""
        numbers = sorted({number for label in labels for number in self._numbers_by_label[label]})
        return tuple(self._group_list[number] for number in numbers)

    def sample(self, size: int) -> npt.NDArray[np.int64]:
        """Canonical positions, ascending, of the `size` examples with the smallest hashes.

        A pure function of the examples that looks random, and changes only when one of its own members is forgotten or
        an example with a smaller hash is learned.
        """
        hashes = np.concatenate([group.hashes for group in self.groups.values()])
        return np.sort(np.lexsort((hashes[:, 1], hashes[:, 0]))[:size])


def _rows_by_labels(labels: Sequence[Labels]) -> dict[Labels, list[int]]:
    rows: dict[Labels, list[int]] = {}
    for row, key in enumerate(labels):
        rows.setdefault(key, []).append(row)
    return rows
