"""Answers from the sums alone: where nothing is kept of an example, and what is merged from others.

Four heads need no examples: analytic, discriminant (while no example carries several labels), prototypes and codebooks.
The ridge strength comes from generalised cross-validation, which is a function of the sums. Without examples there is
nobody to compare an item with: no evidence, no novelty and no conformal sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer, Explanation
from protomem.attribution import Profile, contrasts, explanations, profile_of_sums
from protomem.balance import SUMMED_BALANCE, balance
from protomem.blas import one_blas_thread
from protomem.codes import Codes
from protomem.decisions import Decision, Decisions, allowed
from protomem.ensemble import total, weighted
from protomem.federation.levels import Level
from protomem.heads.analytic import Analytic, problem_of_sums
from protomem.heads.codebooks import Codebooks
from protomem.heads.discriminant import Discriminant
from protomem.heads.prototypes import Prototypes
from protomem.items import Items
from protomem.name_prior import name_scores
from protomem.panels import Weights
from protomem.predicting import BATCH
from protomem.questions import Question
from protomem.softmax import softmax
from protomem.space import Space
from protomem.statistics import LabelSums, Statistics

__all__ = ["SUMMED_HEADS", "SummedPredictor"]

Floats = npt.NDArray[np.float64]

SUMMED_HEADS = ("analytic", "discriminant", "prototypes", "codebooks")

SUMMED: Final[Weights] = MappingProxyType({"analytic": 1.0, "discriminant": 0.5, "prototypes": 1.0, "codebooks": 0.1})
"""Weights of the heads. On held-out training data of BANKING77 and CLINC150 the discriminant adds 0.1 points at all
examples, with weights from 0.3 to 0.7 alike, and nothing at 5 and 10 a class, where its scores are next to nothing
(tests/benchmarks/choose_levels.py)."""

PROTOTYPES_UNTIL = 15
"""Examples a label, in the mean, up to which prototypes have their whole weight beside the analytic head; beyond, that
times this over their number. Least squares overtakes class means as examples come: on held-out training data the lesser
weight adds 0.1 points on BANKING77, at 30 a class and at all, and nothing on CLINC150; 8 and 25 are no better."""

HEADS_AT: Final[Mapping[Level, tuple[str, ...]]] = MappingProxyType(
    {"prototypes": ("prototypes",), "codebooks": ("prototypes", "codebooks"), "full": SUMMED_HEADS}
)
"""The heads that sums at a level are enough for."""

TEMPERATURE: Final[Mapping[Level, float]] = MappingProxyType({"prototypes": 0.04, "codebooks": 0.045, "full": 0.105})
"""Of the softmax, by level. On held-out training data of CLINC150 and BANKING77, at 5 and 10 examples a class and at
all, the best lay between 0.092 and 0.128 at the full level, and at 0.04 and from 0.04 to 0.05 at the reduced ones
(tests/benchmarks/choose_levels.py)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class SummedPredictor:
    """An immutable picture of a memory's sums that answers questions, from any number of threads.

    A head that the sums are not enough for is None. `counts` (labels,) are the examples of each of `names`.
    """

    version: int
    space: Space
    level: Level
    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    analytic: Analytic | None
    discriminant: Discriminant | None
    prototypes: Prototypes
    codebooks: Codebooks | None
    labels: Mapping[str, LabelSums]

    @classmethod
    def of(cls, statistics: Statistics, version: int, level: Level = "full") -> SummedPredictor:
        """The picture of these sums, of at least one example, which are not to be changed any more.

        What the level does not have is zero in them.
        """
        sums, names, heads = statistics.labels, tuple(sorted(statistics.labels)), HEADS_AT[level]
        counts = np.array([sums[name].count for name in names])
        with one_blas_thread():
            analytic, discriminant = _solved(statistics, names, counts) if "analytic" in heads else (None, None)
            return cls(
                version=version,
                space=statistics.space,
                level=level,
                names=names,
                counts=counts,
                analytic=analytic,
                discriminant=discriminant,
                prototypes=Prototypes.of(sums, names, statistics.space.scale),
                codebooks=Codebooks.of(sums, names) if "codebooks" in heads else None,
                labels=sums,
            )

    def serves(self, question: Question) -> bool:
        """Whether it can answer this question."""
        return not question.compares

    @property
    def heads(self) -> dict[str, Any]:
        """The heads that there are, by name."""
        there = {name: getattr(self, name) for name in SUMMED_HEADS}
        return {name: head for name, head in there.items() if head is not None}

    @property
    def weights(self) -> Weights:
        """The weights of the heads."""
        if self.analytic is None:
            return SUMMED
        return {**SUMMED, "prototypes": min(1.0, PROTOTYPES_UNTIL / float(self.counts.mean()))}

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d). An item's answer does not depend on what else is in the batch."""
        parts = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
        decisions = Decisions(question, self.names)
        with one_blas_thread():
            return [answer for part in parts for answer in self._batch(part, question, decisions)]

    def _batch(self, codes: Codes, question: Question, decisions: Decisions) -> list[Answer]:
        items = Items(self.space, codes)
        parts = self.parts(items)
        if question.names is not None:
            parts["names"] = name_scores(items.codes, items.lengths, question.names, self.counts)
        probabilities = softmax(total(parts, allowed(question.among, self.names)) / TEMPERATURE[self.level])
        decided = decisions.of(probabilities)
        heads = tuple(head for head in (*SUMMED_HEADS, "names") if head in parts)
        told = self._explanations(items, parts, decided) if question.explain else [None] * len(items)
        return [_answer(question, heads, *row) for row in zip(decided, told, strict=True)]

    def parts(self, items: Items) -> dict[str, Floats]:
        """Each head's weighted scores (n, labels) and what labels gain for being rare, "balance": they add up."""
        scores = {"prototypes": self.prototypes.scores(items.codes, items.lengths)}
        if self.analytic is not None:
            scores["analytic"] = self.analytic.scores(items.features)
        if self.discriminant is not None:
            scores["discriminant"] = self.discriminant.scores(items.features)
        if self.codebooks is not None:
            scores["codebooks"] = self.codebooks.scores(items.keys)
        parts = weighted(self.weights, scores)
        parts["balance"] = np.tile(balance(self.counts, SUMMED_BALANCE), (len(items), 1))
        return parts

    def _explanations(self, items: Items, parts: dict[str, Floats], decided: Sequence[Decision]) -> list[Explanation]:
        found = contrasts(parts, TEMPERATURE[self.level], [one.order for one in decided])
        return explanations(found, items, self.names, self._profile, self.space.scale)

    def _profile(self, label: str) -> Profile:
        return profile_of_sums(self.space, self.labels[label])


def _solved(
    statistics: Statistics, names: Sequence[str], counts: npt.NDArray[np.int64]
) -> tuple[Analytic, Discriminant | None]:
    """The heads that are solved from the Gram matrix, with one ridge."""
    moments = np.stack([statistics.labels[name].features for name in names], axis=1)
    problem = problem_of_sums(statistics.gram, moments, counts, statistics.count)
    return problem.solve(), Discriminant.of(problem, statistics.gram, counts)


def _answer(question: Question, heads: tuple[str, ...], decided: Decision, told: Explanation | None) -> Answer:
    return Answer(
        label=decided.label,
        probability=decided.probability,
        ranking=tuple(decided.ranking[: question.top_k]),
        label_set=None,
        novelty=None,
        abstained=decided.label is None,
        evidence=(),
        heads=heads,
        explanation=told,
    )
