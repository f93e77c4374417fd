"""The ensemble: the heads' scores, added with the weights of a panel.

Neighbours give the evidence; as voters they added nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.balance import FEW_BALANCE, MANY_BALANCE, Balance, balance
from protomem.beside import Later, beside
from protomem.classwise import AHEAD, AllRivals, ClassSubspaces, class_subspaces
from protomem.codes import Codes
from protomem.examples import Examples
from protomem.heads.analytic import Analytic, Dual, Primal, choose_strength
from protomem.heads.codebooks import Codebooks
from protomem.heads.logistic import Logistic
from protomem.heads.neighbours import VOTERS, Nearest, Neighbours, votes
from protomem.heads.prototypes import Prototypes
from protomem.heads.rivals import Rivals
from protomem.items import Items
from protomem.lazy import lazy
from protomem.over_all import SOLVED_HERE, Close, SolveOverAll, Solving
from protomem.panels import Weights, panel
from protomem.ranking import largest
from protomem.small_classes import SmallClasses
from protomem.space import Space
from protomem.statistics import Statistics

__all__ = [
    "SHORTLIST",
    "Ensemble",
    "combine",
    "spread",
    "total",
    "weighted",
]

Floats = npt.NDArray[np.float64]

SHORTLIST = 10
"""Classes, best by the other heads, for which the subspace head is asked; another class counts with the lowest of their
scores. Asking it for all changed about one held-out answer in 10,000."""

RIVALS_BESIDE = 8
"""Groups of rivals that are solved while the ridge is factored, which takes as long as some ten of them. A change of
one class touches fewer; where one touches all, as many again may never be asked for."""

STRENGTH_SAMPLE = 1_024
"""Examples on which the ridge strength is chosen: all in a small memory, those with the smallest hashes beyond."""


@final
@dataclass(frozen=True, eq=False)
class Ensemble:
    """Solved heads of one state of a memory. Immutable: predictions may share it across threads.

    `counts` (labels,) are those of the examples that carry each of `names`. A head that takes long to solve is there
    only if it has a weight; the ridge is solved beside the rest, and its `solution` waited for when first asked for.
    """

    space: Space
    examples: Examples
    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    weights: Weights
    solution: Later[Analytic] | None
    close: Close | None
    logistic: Logistic | None
    kernel: Rivals | None
    prototypes: Prototypes
    codebooks: Codebooks
    neighbours: Neighbours
    subspaces: dict[str, ClassSubspaces]
    rivals: AllRivals
    sample_signature: bytes

    @classmethod
    def fit(
        cls,
        statistics: Statistics,
        examples: Examples,
        previous: Ensemble | None = None,
        solving: Solving = SOLVED_HERE,
    ) -> tuple[Ensemble, Later[Primal | Dual] | None]:
        """The heads of these statistics and examples (at least one), and the ridge problem with its factor, if solved.

        The statistics must stay as they are until the problem is there.

        `previous` saves work, never changes the result: what it computed from the same inputs is taken over.
        """
        space, names = statistics.space, examples.names
        sums = statistics.labels
        counts = np.array([sums[name].count for name in names])
        weights = panel(len(examples), counts, solving.kernel_rows)
        signature, problem, solution = b"", None, None
        if "analytic" in weights:
            signature, strength = _strength(space, examples, previous)
            problem = beside(partial(_problem, statistics, examples, strength))
            solution = beside(partial(_solve, problem))
        close = Close.of(examples.codes, centred="analytic" not in weights) if "kernel" in weights else None
        logistic, kernel = _over_all(examples, close, solving.solve_over_all)
        prototypes = Prototypes.of(sums, names, space.scale)
        rivals = AllRivals(examples, prototypes, previous.rivals if previous else None)
        codebooks, neighbours = Codebooks.of(sums, names), Neighbours.of(examples.codes)
        if "rivals" in weights and previous is not None:
            rivals.solve_as(previous.rivals, RIVALS_BESIDE)
        ensemble = cls(
            space=space,
            examples=examples,
            names=names,
            counts=counts,
            weights=weights,
            solution=solution,
            close=close,
            logistic=logistic,
            kernel=kernel,
            prototypes=prototypes,
            codebooks=codebooks,
            neighbours=neighbours,
            subspaces=class_subspaces(examples, previous.subspaces if previous else {}),
            rivals=rivals,
            sample_signature=signature,
        )
        return ensemble, problem

    @property
    def balance(self) -> Balance:
        """How much labels gain for being rare."""
        return MANY_BALANCE if "analytic" in self.weights else FEW_BALANCE

    @property
    def votes(self) -> float:
        """The sum of the heads' weights, with which scores grow."""
        return sum(self.weights.values())

    @property
    def analytic(self) -> Analytic | None:
        """The analytic head, if it votes."""
        return None if self.solution is None else self.solution()

    def scores(self, items: Items, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Floats, Floats]:
        """The ensemble's scores (n, labels) and the best subspace scores (n,).

        `allowed` (labels,) restricts the answer: the other labels get minus infinity.
        """
        parts, best = self.parts(items, allowed)
        return total(parts, allowed), best

    def parts(self, items: Items, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[dict[str, Floats], Floats]:
        """Each head's weighted scores (n, labels) and what labels gain for being rare, "balance", which add up to the
        ensemble's scores; and the best subspace scores (n,).
        """
        parts = weighted(self.weights, self.everywhere(items))
        parts["balance"] = np.tile(balance(self.counts, self.balance), (len(items), 1))
        base = total(parts, allowed)
        shortlist = self.shortlist(base, None if allowed is None else int(allowed.sum()))
        shortlisted = self.shortlisted(items, shortlist)
        parts["subspaces"] = self.weights["subspaces"] * spread(shortlisted, shortlist, len(self.names))
        if "rivals" in self.weights:
            first = (base + parts["subspaces"]).argmax(axis=1)
            rivals = self.rivals.scores(items.codes, items.lengths, first, len(self.names))
            parts["rivals"] = self.weights["rivals"] * rivals
        return parts, shortlisted.max(axis=1)

    def everywhere(self, items: Items) -> dict[str, Floats]:
        """The scores (n, labels) of the heads that vote on every class, unweighted."""
        scores = {}
        if self.analytic is not None:
            scores["analytic"] = self.analytic.scores(items.features)
        if self.close is not None:
            cosines = self.close.cosines(items)
            if self.logistic is not None:
                scores["logistic"] = self.logistic.scores(cosines)
            if self.kernel is not None:
                scores["kernel"] = self.kernel.scores(cosines)
        if "prototypes" in self.weights:
            scores["prototypes"] = self.prototypes.scores(items.codes, items.lengths)
        if "codebooks" in self.weights:
            scores["codebooks"] = self.codebooks.scores(items.keys)
        return scores

    def shortlist(self, base: Floats, allowed: int | None = None) -> npt.NDArray[np.int64]:
        """The classes for which the subspaces are asked, best first, equal ones in the order of names.

        (n, SHORTLIST) positions in `names`; fewer columns where fewer labels are remembered or allowed.
        """
        return largest(base, min(SHORTLIST, allowed or SHORTLIST))

    def shortlisted(self, items: Items, shortlist: npt.NDArray[np.int64]) -> Floats:
        """The subspace head's scores for the shortlist: (n, SHORTLIST)."""
        rows = np.repeat(np.arange(len(items)), shortlist.shape[1])
        return self.subspace_scores(items, rows, shortlist.ravel()).reshape(shortlist.shape)

    def subspace_scores(self, items: Items, rows: npt.NDArray[np.int64], classes: npt.NDArray[np.int64]) -> Floats:
        """The subspace head's scores of these rows of the items, each for one class, a position in `names`: (k,)."""
        scores = np.empty(len(rows))
        large = np.arange(len(rows))
        if self.close is not None and items.products is not None:
            places = self.small_classes.place[classes]
            small, large = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
            scores[small] = self.small_classes.scores(
                items.products, items.lengths, self.close.lengths, rows[small], places[small]
            )
        large = large[np.argsort(classes[large], kind="stable")]
        numbers, starts = np.unique(classes[large], return_index=True)
        for number, cells in zip(numbers, np.split(large, starts[1:]), strict=False):
            scores[cells] = self.subspaces[self.names[number]].scores(items, rows[cells])
        return scores

    @lazy
    def small_classes(self) -> SmallClasses:
        """The subspaces of those classes that are small."""
        return SmallClasses.of(
            [self.subspaces[name] for name in self.names], [self.examples.rows_of(name) for name in self.names]
        )

    def nearest(self, items: Items, count: int) -> Nearest:
        """The `count` examples nearest to each item."""
        if items.products is not None:
            return self.neighbours.nearest_by(items.products, items.lengths, count)
        return self.neighbours.nearest(items.codes, items.lengths, count)

    def items(self, codes: Codes) -> Items:
        """Items with these codes (n, d), as the heads take them."""
        is_few = self.close is not None and self.close.centre is not None
        return Items(self.space, codes, self.close.against if self.close is not None and is_few else None)

    def warm_as(self, previous: Ensemble) -> None:
        """Solve now the parts of classes that `previous` had solved."""
        for name, subspaces in self.subspaces.items():
            if name in previous.subspaces and previous.subspaces[name].is_solved:
                subspaces.solve()
        self.rivals.solve_as(previous.rivals, AHEAD)

    def problem(self, statistics: Statistics) -> Later[Primal | Dual] | None:
        """The ridge problem of these statistics, which the ensemble was fitted to, with its factor as it was then."""
        if self.analytic is None:
            return None
        return beside(partial(_problem, statistics, self.examples, self.analytic.strength))

    @property
    def regression(self) -> str:
        """The head that regresses every label by itself, so that its score for one takes nothing from another's."""
        return "analytic" if "analytic" in self.weights else "kernel"

    def head_scores(self, codes: Codes) -> dict[str, Floats]:
        """Each head's own scores (n, labels), unweighted, of those that are solved; rivals are those of the nearest
        prototype.
        """
        items = self.items(codes)
        nearest = self.nearest(items, VOTERS)
        every = np.tile(np.arange(len(self.names)), (len(items), 1))
        close = self.prototypes.scores(items.codes, items.lengths)
        return self.everywhere(items) | {
            "rivals": self.rivals.scores(items.codes, items.lengths, close.argmax(axis=1), len(self.names)),
            "subspaces": self.shortlisted(items, every),
            "prototypes": close,
            "neighbours": votes(nearest, self.examples),
            "codebooks": self.codebooks.scores(items.keys),
        }


def combine(weights: Weights, scores: Mapping[str, Floats]) -> Floats:
    """The weighted sum of heads' scores, always in the order of the weights."""
    return total(weighted(weights, scores))


def weighted(weights: Weights, scores: Mapping[str, Floats]) -> dict[str, Floats]:
    """The heads' scores times their weights, in the order of the weights, in which they are added."""
    return {head: weights[head] * scores[head] for head in weights if head in scores}


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
    if previous is not None and previous.analytic is not None and previous.sample_signature == signature:
        return signature, previous.analytic.strength
    return signature, choose_strength(space.lift.features(codes), targets)


def _over_all(
    examples: Examples, close: Close | None, solve_over_all: SolveOverAll
) -> tuple[Logistic | None, Rivals | None]:
    """The heads that are solved over all examples, where they vote."""
    if close is None:
        return None, None
    targets = examples.label_matrix(np.arange(len(examples)))
    solved = solve_over_all(examples.codes, targets, centred=close.centre is not None)
    return solved.logistic, solved.kernel


def _solve(problem: Later[Primal | Dual]) -> Analytic:
    return problem().solve()


def _problem(statistics: Statistics, examples: Examples, strength: float) -> Primal | Dual:
    """The smaller form of the same problem."""
    if statistics.count > statistics.space.settings.width:
        moments = np.stack([statistics.labels[name].features for name in examples.names], axis=1)
        return Primal(statistics.gram, moments, statistics.count, strength)
    rows = np.arange(len(examples))
    return Dual(statistics.space.lift.features(examples.codes), examples.label_matrix(rows), strength)
