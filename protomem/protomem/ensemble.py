"""The ensemble: the heads' scores, added with fixed weights.

The weights were chosen on held-out training data of CLINC150 and BANKING77 at 5 examples a class and at all of them
(`tests/benchmarks/choose_ensemble.py` prints the comparison) and are the same for every memory.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes, code_lengths
from protomem.examples import Examples, Group
from protomem.heads.analytic import Analytic, Dual, Primal, choose_strength
from protomem.heads.codebooks import Codebooks
from protomem.heads.neighbours import NEIGHBOURS, Nearest, Neighbours, votes
from protomem.heads.prototypes import Prototypes
from protomem.heads.subspaces import Subspace, subspaces
from protomem.space import Space
from protomem.statistics import Statistics

__all__ = ["HEADS", "SHORTLIST", "ClassSubspaces", "Ensemble", "Items"]

Floats = npt.NDArray[np.float64]

WEIGHTS = {"analytic": 1.0, "subspaces": 1.0, "prototypes": 0.5, "neighbours": 0.1, "codebooks": 0.1}
HEADS = tuple(WEIGHTS)

SHORTLIST = 10
"""Classes, best by the other heads, for which the subspace head is asked; another class counts with the lowest of their
scores. Asking it for all changed no held-out answer in 10,000."""

STRENGTH_SAMPLE = 1_024
"""Examples on which the ridge strength is chosen: all in a small memory, those with the smallest hashes beyond."""


@final
class Items:
    """Items to score: codes as float32 (n, d), and what the heads share of them."""

    def __init__(self, space: Space, codes: Codes) -> None:
        self.codes = codes.astype(np.float32)
        self.lengths = code_lengths(self.codes)
        self.features = space.lift.features(codes)
        self.keys = space.keys.lookup(codes)

    def __len__(self) -> int:
        return len(self.codes)


@final
class ClassSubspaces:
    """The subspaces of one class, factored when first asked for."""

    def __init__(self, groups: tuple[Group, ...]) -> None:
        self.groups = groups

    @cached_property
    def parts(self) -> tuple[list[Subspace], npt.NDArray[np.int64]]:
        """The parts, and the part of each row."""
        codes = np.concatenate([group.codes for group in self.groups])
        return subspaces(codes, np.concatenate([group.hashes for group in self.groups]))

    def scores(self, items: Items, rows: npt.NDArray[np.int64]) -> Floats:
        """The best score over the parts for these rows of the items."""
        codes, lengths = items.codes[rows], items.lengths[rows]
        return np.asarray(np.max([part.scores(codes, lengths) for part in self.parts[0]], axis=0))

    def leave_one_out(self, items: Items, item: int, position: int) -> float:
        """The best score of an item that is this class's example number `position`, without itself."""
        parts, part_of_row = self.parts
        own = int(part_of_row[position])
        place = int(np.count_nonzero(part_of_row[:position] == own))
        row = np.array([item])
        others = [part.scores(items.codes[row], items.lengths[row])[0] for n, part in enumerate(parts) if n != own]
        return float(max([parts[own].leave_one_out()[place], *others]))


@final
@dataclass(frozen=True, eq=False)
class Ensemble:
    """Solved heads of one state of a memory. Immutable: predictions may share it across threads."""

    space: Space
    examples: Examples
    names: tuple[str, ...]
    analytic: Analytic
    prototypes: Prototypes
    codebooks: Codebooks
    neighbours: Neighbours
    subspaces: tuple[ClassSubspaces, ...]
    sample_signature: bytes

    @classmethod
    def fit(
        cls, statistics: Statistics, examples: Examples, previous: Ensemble | None = None
    ) -> tuple[Ensemble, Primal | Dual]:
        """The heads of these statistics and examples (at least one), and the ridge problem with its factor.

        `previous` saves work, never changes the result: what it computed from the same inputs is taken over.
        """
        space, names = statistics.space, examples.names
        sums = statistics.labels
        signature, strength = _strength(space, examples, previous)
        problem = _problem(statistics, examples, strength)
        ensemble = cls(
            space=space,
            examples=examples,
            names=names,
            analytic=problem.solve(),
            prototypes=Prototypes.of(sums, names, space.scale),
            codebooks=Codebooks.of(sums, names),
            neighbours=Neighbours.of(examples.codes),
            subspaces=_subspaces(examples, previous),
            sample_signature=signature,
        )
        return ensemble, problem

    def scores(
        self, items: Items, nearest: Nearest, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Floats, Floats]:
        """The ensemble's scores (n, labels) and the best subspace scores (n,).

        `allowed` (labels,) restricts the answer: the other labels get minus infinity.
        """
        base = self.base(items, nearest)
        if allowed is not None:
            base[:, ~allowed] = -np.inf
        shortlist = self.shortlist(base, None if allowed is None else int(allowed.sum()))
        shortlisted = self.shortlisted(items, shortlist)
        total = base + WEIGHTS["subspaces"] * spread(shortlisted, shortlist, len(self.names))
        return total, shortlisted.max(axis=1)

    def base(self, items: Items, nearest: Nearest) -> Floats:
        """The weighted scores of every head but the subspaces: (n, labels)."""
        return combine(
            analytic=self.analytic.scores(items.features),
            prototypes=self.prototypes.scores(items.codes, items.lengths),
            neighbours=votes(nearest, self.examples),
            codebooks=self.codebooks.scores(items.keys),
        )

    def shortlist(self, base: Floats, allowed: int | None = None) -> npt.NDArray[np.int64]:
        """The classes for which the subspaces are asked, best first, equal ones in the order of names.

        (n, SHORTLIST) positions in `names`; fewer columns where fewer labels are remembered or allowed.
        """
        return np.argsort(-base, axis=1, kind="stable")[:, : min(SHORTLIST, allowed or SHORTLIST)]

    def shortlisted(self, items: Items, shortlist: npt.NDArray[np.int64]) -> Floats:
        """The subspace head's scores for the shortlist: (n, SHORTLIST)."""
        scores = np.empty(shortlist.shape)
        order = np.argsort(shortlist, axis=None, kind="stable")
        classes, starts = np.unique(shortlist.ravel()[order], return_index=True)
        for number, cells in zip(classes, np.split(order, starts[1:]), strict=True):
            rows, columns = np.divmod(cells, shortlist.shape[1])
            scores[rows, columns] = self.subspaces[number].scores(items, rows)
        return scores

    def head_scores(self, codes: Codes) -> dict[str, Floats]:
        """Each head's own scores (n, labels), unweighted; the subspaces for every class."""
        items = Items(self.space, codes)
        nearest = self.neighbours.nearest(items.codes, items.lengths, NEIGHBOURS)
        every = np.tile(np.arange(len(self.names)), (len(items), 1))
        return {
            "analytic": self.analytic.scores(items.features),
            "subspaces": self.shortlisted(items, every),
            "prototypes": self.prototypes.scores(items.codes, items.lengths),
            "neighbours": votes(nearest, self.examples),
            "codebooks": self.codebooks.scores(items.keys),
        }


def combine(**scores: Floats) -> Floats:
    """The weighted sum of heads' scores, always in the same order."""
    return np.asarray(sum(WEIGHTS[head] * scores[head] for head in HEADS if head in scores))


def spread(shortlisted: Floats, shortlist: npt.NDArray[np.int64], labels: int) -> Floats:
    """Scores of the shortlist (n, SHORTLIST) as (n, labels), the others at the lowest of them."""
    scores = np.repeat(shortlisted.min(axis=1, keepdims=True), labels, axis=1)
    np.put_along_axis(scores, shortlist, shortlisted, axis=1)
    return scores


def _strength(space: Space, examples: Examples, previous: Ensemble | None) -> tuple[bytes, float]:
    rows = examples.sample(STRENGTH_SAMPLE)
    codes, targets = examples.codes[rows], examples.label_matrix(rows)
    signature = hashlib.sha256(repr(examples.names).encode() + targets.tobytes() + codes.tobytes()).digest()
    if previous is not None and previous.sample_signature == signature:
        return signature, previous.analytic.strength
    return signature, choose_strength(space.lift.features(codes), targets)


def _problem(statistics: Statistics, examples: Examples, strength: float) -> Primal | Dual:
    """The smaller form of the same problem."""
    if statistics.count > statistics.space.settings.width:
        moments = np.stack([statistics.labels[name].features for name in examples.names], axis=1)
        return Primal(statistics.gram, moments, statistics.count, strength)
    rows = np.arange(len(examples))
    return Dual(statistics.space.lift.features(examples.codes), examples.label_matrix(rows), strength)


def _subspaces(examples: Examples, previous: Ensemble | None) -> tuple[ClassSubspaces, ...]:
    kept = dict(zip(previous.names, previous.subspaces, strict=True)) if previous else {}
    fresh = []
    for name in examples.names:
        groups = examples.groups_of(name)
        old = kept.get(name)
        same = old is not None and len(old.groups) == len(groups) and all(map(_is, old.groups, groups))
        fresh.append(old if same and old is not None else ClassSubspaces(groups))
    return tuple(fresh)


def _is(left: Group, right: Group) -> bool:
    return left is right
