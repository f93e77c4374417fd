"""The heads that are solved class by class: each part when first asked for, and again only when its examples change.

What was solved for untouched groups is taken over from the state before, which saves work and never changes a result:
a part is a pure function of the groups it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import code_lengths
from protomem.examples import Examples, Group
from protomem.heads.cosines import cosines
from protomem.heads.prototypes import Prototypes
from protomem.heads.rivals import MOST_CLASSES, RIVAL_ROWS, Rivals, choose_rivals
from protomem.heads.subspaces import Subspace, subspaces
from protomem.items import Items
from protomem.lazy import lazy

__all__ = ["AHEAD", "AllRivals", "ClassSubspaces", "RivalGroup", "class_subspaces", "picked"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

AHEAD = 256
"""Classes whose rivals are looked for before anybody asks: each takes a search among all classes, 0.3 ms of 10,000."""


@final
class ClassSubspaces:
    """The subspaces of one class."""

    def __init__(self, groups: tuple[Group, ...]) -> None:
        self.groups = groups

    @lazy
    def parts(self) -> tuple[list[Subspace], Rows]:
        """The parts, and the part of each row."""
        codes = np.concatenate([group.codes for group in self.groups])
        return subspaces(codes, np.concatenate([group.hashes for group in self.groups]))

    @property
    def is_solved(self) -> bool:
        """Whether the parts were asked for."""
        return "parts" in vars(self)

    @property
    def is_divided(self) -> bool:
        """Whether there is more than one part."""
        return len(self.parts[0]) > 1

    def solve(self) -> None:
        """Ask for the parts, which are kept from then on."""
        _ = self.parts

    @lazy
    def leverages(self) -> Floats:
        """The leverage of each example in its part: (m,)."""
        parts, part_of_row = self.parts
        every = np.empty(len(part_of_row))
        for number, part in enumerate(parts):
            every[part_of_row == number] = part.leverages()
        return every

    @lazy
    def left_out(self) -> Floats:
        """The score of each example by its own part without it: (m,)."""
        parts, part_of_row = self.parts
        every = np.empty(len(part_of_row))
        for number, part in enumerate(parts):
            every[part_of_row == number] = part.leave_one_out()
        return every

    def scores(self, items: Items, rows: Rows) -> Floats:
        """The best score over the parts for these rows of the items."""
        codes, lengths = items.codes[rows], items.lengths[rows]
        return np.asarray(np.max([part.scores(codes, lengths) for part in self.parts[0]], axis=0))

    def leave_one_out(self, items: Items, rows: Rows, positions: Rows) -> Floats:
        """The best scores of items (m,) that are this class's examples at `positions` (m,), each without itself."""
        parts, part_of_row = self.parts
        own, best = part_of_row[positions], self.left_out[positions]
        for number, part in enumerate(parts):
            others = np.flatnonzero(own != number)
            if len(others):
                codes, lengths = items.codes[rows[others]], items.lengths[rows[others]]
                best[others] = np.maximum(best[others], part.scores(codes, lengths))
        return best


def class_subspaces(examples: Examples, old: dict[str, ClassSubspaces]) -> dict[str, ClassSubspaces]:
    """The subspaces of every class, those of untouched classes taken over."""
    fresh = {}
    for name in examples.names:
        groups = examples.groups_of(name)
        kept = old.get(name)
        fresh[name] = kept if kept is not None and _same(kept.groups, groups) else ClassSubspaces(groups)
    return fresh


def picked(arrays: Sequence[Floats], which: Rows, places: Rows) -> Floats:
    """The numbers at these `places` (c,) of these arrays, `which` (c,) of them."""
    starts = np.cumsum([0, *map(len, arrays)])
    return np.concatenate(arrays)[starts[which] + places]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The solved ridge of one group, and the examples it is of: codes (m, d), lengths (m,)."""

    codes: npt.NDArray[np.float32]
    lengths: Floats
    rivals: Rivals

    def scores(self, codes: npt.NDArray[np.float32], lengths: Floats) -> Floats:
        """Scores of items with these codes (n, d) and lengths (n,), near 1 for a class: (n, classes)."""
        return self.rivals.scores(cosines(codes, lengths, self.codes, self.lengths))


@final
class RivalGroup:
    """A class and its rivals, by their labels."""

    def __init__(self, names: tuple[str, ...], groups: tuple[Group, ...]) -> None:
        self.names = names
        self.groups = groups

        self.rows_each = max(1, RIVAL_ROWS // len(groups))

    @lazy
    def solved(self) -> Solved:
        parts = [group.codes[: self.rows_each] for group in self.groups[:RIVAL_ROWS]]
        targets = [[name in group.labels for name in self.names] for group in self.groups[:RIVAL_ROWS]]
        codes = np.concatenate(parts).astype(np.float32)
        lengths = code_lengths(codes)
        every = np.repeat(targets, [len(part) for part in parts], axis=0)
        return Solved(codes, lengths, Rivals.of(cosines(codes, lengths, codes, lengths), every))

    @property
    def is_solved(self) -> bool:
        """Whether the solution was asked for."""
        return "solved" in vars(self)

    def solve(self) -> None:
        """Ask for the solution, which is kept from then on."""
        _ = self.solved

    def leave_one_out(self, group: Group, place: int) -> Floats | None:
        """The scores (classes,) of the example at this place of a group, without itself; None if it is not in it."""
        start = 0
        for mine in self.groups[:RIVAL_ROWS]:
            if mine is group:
                return self.solved.rivals.left_out[start + place] if place < self.rows_each else None
            start += min(len(mine.ids), self.rows_each)
        return None


@final
class AllRivals:
    """The rivals of every class. `old` is that of the state before."""

    def __init__(self, examples: Examples, prototypes: Prototypes, old: AllRivals | None) -> None:
        self._examples = examples
        self._prototypes = prototypes
        self._of_class: dict[int, tuple[tuple[int, ...], RivalGroup]] = {}
        current = {id(group) for group in examples.groups.values()}
        kept = list(old._by_names.items()) if old is not None else []  # a copy: others may be answering with it
        # Only what came from groups that are all still there: nothing of a forgotten example stays in the cache.
        self._by_names: dict[tuple[str, ...], RivalGroup] = {
            names: group for names, group in kept if all(id(some) in current for some in group.groups)
        }

    def of(self, label: int) -> tuple[tuple[int, ...], RivalGroup]:
        """The classes of this class's group, as positions in the sorted labels, ascending, and the group."""
        if label not in self._of_class:
            nearest = self._prototypes.nearest_classes(label, MOST_CLASSES)
            counts = [self._examples.count_of(self._examples.names[number]) for number in nearest]
            classes = tuple(choose_rivals(nearest, counts))
            names = tuple(self._examples.names[number] for number in classes)
            groups = self._examples.groups_of(*names)
            kept = self._by_names.get(names)
            if kept is None or not _same(kept.groups, groups):
                kept = self._by_names[names] = RivalGroup(names, groups)
            self._of_class[label] = (classes, kept)
        return self._of_class[label]

    def solve_as(self, old: AllRivals, most: int) -> None:
        """Solve now at most so many groups of classes whose groups were solved there; AHEAD classes are looked at."""
        asked = {old._examples.names[label] for label, (_, group) in list(old._of_class.items()) if group.is_solved}
        again = [label for label, name in enumerate(self._examples.names) if name in asked]
        fresh = [group for label in again[:AHEAD] if not (group := self.of(label)[1]).is_solved]
        for group in fresh[:most]:
            group.solve()

    def scores(self, codes: npt.NDArray[np.float32], lengths: Floats, first: Rows, labels: int) -> Floats:
        """Scores (n, labels) of items, codes (n, d), whose best class so far is `first` (n,): of it and its rivals.

        Another class counts with the lowest of them.
        """
        scores = np.empty((len(codes), labels))
        for label in np.unique(first):
            rows = np.flatnonzero(first == label)
            classes, group = self.of(int(label))
            some = group.solved.scores(codes[rows], lengths[rows])
            scores[rows] = some.min(axis=1, keepdims=True)
            scores[np.ix_(rows, np.array(classes))] = some
        return scores


def _same(left: tuple[Group, ...], right: tuple[Group, ...]) -> bool:
    return len(left) == len(right) and all(one is other for one, other in zip(left, right, strict=True))
