"""Answers from the sums alone: where nothing is kept of an example, and what is merged from others.

Three heads need no examples: analytic, prototypes and codebooks, added as in the ensemble. The ridge strength comes
from generalised cross-validation, which is a function of the sums. Without examples there is nobody to compare an item
with: no evidence, no novelty and no conformal sets.
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
from protomem.calibration import softmax
from protomem.codes import Codes
from protomem.decisions import Decision, Decisions, allowed
from protomem.ensemble import MANY, total, weighted
from protomem.federation.levels import Level
from protomem.heads.analytic import Analytic, solve_sums
from protomem.heads.codebooks import Codebooks
from protomem.heads.prototypes import Prototypes
from protomem.items import Items
from protomem.name_prior import name_scores
from protomem.predicting import BATCH
from protomem.questions import Question
from protomem.space import Space
from protomem.statistics import LabelSums, Statistics

__all__ = ["SUMMED_HEADS", "SummedPredictor"]

Floats = npt.NDArray[np.float64]

SUMMED_HEADS = ("analytic", "prototypes", "codebooks")

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

    A head that the `level` of the sums is not enough for is None.
    """

    version: int
    space: Space
    level: Level
    names: tuple[str, ...]
    analytic: Analytic | None
    prototypes: Prototypes
    codebooks: Codebooks | None
    labels: Mapping[str, LabelSums]

    @classmethod
    def of(cls, statistics: Statistics, version: int, level: Level = "full") -> SummedPredictor:
        """The picture of these sums, of at least one example, which are not to be changed any more.

        What the level does not have is zero in them.
        """
        sums, names, heads = statistics.labels, tuple(sorted(statistics.labels)), HEADS_AT[level]
        moments = np.stack([sums[name].features for name in names], axis=1)
        counts = np.array([sums[name].count for name in names])
        with one_blas_thread():
            return cls(
                version=version,
                space=statistics.space,
                level=level,
                names=names,
                analytic=solve_sums(statistics.gram, moments, counts, statistics.count)
                if "analytic" in heads
                else None,
                prototypes=Prototypes.of(sums, names, statistics.space.scale),
                codebooks=Codebooks.of(sums, names) if "codebooks" in heads else None,
                labels=sums,
            )

    @property
    def heads(self) -> dict[str, Any]:
        """The heads that there are, by name."""
        return {name: getattr(self, name) for name in HEADS_AT[self.level]}

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d). An item's answer does not depend on what else is in the batch."""
        parts = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
        decisions = Decisions(question, self.names)
        with one_blas_thread():
            return [answer for part in parts for answer in self._batch(part, question, decisions)]

    def _batch(self, codes: Codes, question: Question, decisions: Decisions) -> list[Answer]:
        items = Items(self.space, codes)
        scores = {"prototypes": self.prototypes.scores(items.codes, items.lengths)}
        if self.analytic is not None:
            scores["analytic"] = self.analytic.scores(items.features)
        if self.codebooks is not None:
            scores["codebooks"] = self.codebooks.scores(items.keys)
        parts = weighted(MANY, scores)
        counts = np.array([self.labels[name].count for name in self.names])
        parts["balance"] = np.tile(balance(counts, SUMMED_BALANCE), (len(items), 1))
        if question.names is not None:
            parts["names"] = name_scores(items.codes, items.lengths, question.names, counts)
        probabilities = softmax(total(parts, allowed(question.among, self.names)), TEMPERATURE[self.level])
        decided = [decisions.of(row) for row in probabilities]
        heads = tuple(head for head in (*SUMMED_HEADS, "names") if head in parts)
        told = self._explanations(items, parts, decided) if question.explain else [None] * len(items)
        return [_answer(question, heads, *row) for row in zip(decided, told, strict=True)]

    def _explanations(self, items: Items, parts: dict[str, Floats], decided: Sequence[Decision]) -> list[Explanation]:
        found = contrasts(parts, TEMPERATURE[self.level], [one.order for one in decided])
        return explanations(found, items, self.names, self._profile, self.space.scale)

    def _profile(self, label: str) -> Profile:
        return profile_of_sums(self.space, self.labels[label])


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
