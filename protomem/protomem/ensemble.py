"""The ensemble: the heads' scores, added with fixed weights.

The weights were chosen on held-out data, never on a test split, and are the same for every memory: CLINC150's
validation split after all training data and after 5 and 10 examples a class, and folds of BANKING77's training data
likewise (`tests/benchmarks/choose_ensemble.py` prints the comparison). Neighbours give the evidence; as voters they
added nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.classwise import AllRivals, ClassSubspaces, class_subspaces
from protomem.codes import Codes
from protomem.examples import Examples
from protomem.heads.analytic import Analytic, Dual, Primal, choose_strength
from protomem.heads.codebooks import Codebooks
from protomem.heads.neighbours import VOTERS, Neighbours, votes
from protomem.heads.prototypes import Prototypes
from protomem.items import Items
from protomem.space import Space
from protomem.statistics import Statistics

__all__ = ["HEADS", "SHORTLIST", "Ensemble"]

Floats = npt.NDArray[np.float64]

WEIGHTS = {
    "analytic": 1.0,
    "rivals": 2.0,
    "subspaces": 0.5,
    "prototypes": 1.0,
    "codebooks": 0.1,
}
HEADS = tuple(WEIGHTS)

SHORTLIST = 10
"""Classes, best by the other heads, for which the subspace head is asked; another class counts with the lowest of their
scores. Asking it for all changed about one held-out answer in 10,000."""

STRENGTH_SAMPLE = 1_024
"""Examples on which the ridge strength is chosen: all in a small memory, those with the smallest hashes beyond."""


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
    subspaces: dict[str, ClassSubspaces]
    rivals: AllRivals
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
        prototypes = Prototypes.of(sums, names, space.scale)
        ensemble = cls(
            space=space,
            examples=examples,
            names=names,
            analytic=problem.solve(),
            prototypes=prototypes,
            codebooks=Codebooks.of(sums, names),
            neighbours=Neighbours.of(examples.codes),
            subspaces=class_subspaces(examples, previous.subspaces if previous else {}),
            rivals=AllRivals(examples, prototypes, previous.rivals if previous else None),
            sample_signature=signature,
        )
        return ensemble, problem

    def scores(self, items: Items, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Floats, Floats]:
        """The ensemble's scores (n, labels) and the best subspace scores (n,).

        `allowed` (labels,) restricts the answer: the other labels get minus infinity.
        """
        parts, best = self.parts(items, allowed)
        return total(parts, allowed), best

    def parts(self, items: Items, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[dict[str, Floats], Floats]:
        """Each head's weighted scores (n, labels), whose sum the ensemble's are, and the best subspace scores (n,)."""
        parts = self.base_parts(items)
        base = total(parts, allowed)
        shortlist = self.shortlist(base, None if allowed is None else int(allowed.sum()))
        shortlisted = self.shortlisted(items, shortlist)
        parts["subspaces"] = WEIGHTS["subspaces"] * spread(shortlisted, shortlist, len(self.names))
        first = (base + parts["subspaces"]).argmax(axis=1)
        rivals = self.rivals.scores(items.codes, items.lengths, first, len(self.names))
        parts["rivals"] = WEIGHTS["rivals"] * rivals
        return parts, shortlisted.max(axis=1)

    def base(self, items: Items) -> Floats:
        """The weighted scores of the heads that are asked about every class: (n, labels)."""
        return total(self.base_parts(items))

    def base_parts(self, items: Items) -> dict[str, Floats]:
        """The same, head by head."""
        return weighted(
            analytic=self.analytic.scores(items.features),
            prototypes=self.prototypes.scores(items.codes, items.lengths),
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
            scores[rows, columns] = self.subspaces[self.names[number]].scores(items, rows)
        return scores

    def problem(self, statistics: Statistics) -> Primal | Dual:
        """The ridge problem of these statistics, which the ensemble was fitted to, with its factor as it was then."""
        return _problem(statistics, self.examples, self.analytic.strength)

    def head_scores(self, codes: Codes) -> dict[str, Floats]:
        """Each head's own scores (n, labels), unweighted; rivals are those of the nearest prototype."""
        items = Items(self.space, codes)
        nearest = self.neighbours.nearest(items.codes, items.lengths, VOTERS)
        every = np.tile(np.arange(len(self.names)), (len(items), 1))
        first = self.prototypes.scores(items.codes, items.lengths).argmax(axis=1)
        return {
            "analytic": self.analytic.scores(items.features),
            "rivals": self.rivals.scores(items.codes, items.lengths, first, len(self.names)),
            "subspaces": self.shortlisted(items, every),
            "prototypes": self.prototypes.scores(items.codes, items.lengths),
            "neighbours": votes(nearest, self.examples),
            "codebooks": self.codebooks.scores(items.keys),
        }


def combine(**scores: Floats) -> Floats:
    """The weighted sum of heads' scores, always in the same order."""
    return total(weighted(**scores))


def weighted(**scores: Floats) -> dict[str, Floats]:
    """The heads' scores times their weights, in the order in which they are added."""
    return {head: WEIGHTS[head] * scores[head] for head in HEADS if head in scores}


def total(parts: Mapping[str, Floats], allowed: npt.NDArray[np.bool_] | None = None) -> Floats:
    """The sum of weighted scores (n, labels), with minus infinity for labels that are not `allowed` (labels,)."""
    scores = np.asarray(sum(parts.values()))
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    return scores


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
