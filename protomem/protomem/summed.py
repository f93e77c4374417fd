"""Answers from the sums alone: where nothing is kept of an example, and what is merged from others.

Three heads need no examples: analytic, prototypes and codebooks, added as in the ensemble. The ridge strength comes
from generalised cross-validation, which is a function of the sums. Without examples there is nobody to compare an item
with: no evidence, no novelty and no conformal sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer
from protomem.blas import one_blas_thread
from protomem.calibration import softmax
from protomem.codes import Codes
from protomem.ensemble import MANY, combine
from protomem.heads.analytic import Analytic, solve_sums
from protomem.heads.codebooks import Codebooks
from protomem.heads.prototypes import Prototypes
from protomem.items import Items
from protomem.predicting import BATCH, Question, allowed, ranked
from protomem.space import Space
from protomem.statistics import Statistics

__all__ = ["SUMMED_HEADS", "SummedPredictor"]

SUMMED_HEADS = ("analytic", "prototypes", "codebooks")

TEMPERATURE = 0.105
"""Of the softmax. On held-out training data of CLINC150 and BANKING77, at 5 and 10 examples a class and at all, the
best lay between 0.092 and 0.128."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class SummedPredictor:
    """An immutable picture of a memory's sums that answers questions, from any number of threads."""

    version: int
    space: Space
    names: tuple[str, ...]
    analytic: Analytic
    prototypes: Prototypes
    codebooks: Codebooks

    @classmethod
    def of(cls, statistics: Statistics, version: int) -> SummedPredictor:
        """The picture of these sums, of at least one example."""
        sums, names = statistics.labels, tuple(sorted(statistics.labels))
        moments = np.stack([sums[name].features for name in names], axis=1)
        counts = np.array([sums[name].count for name in names])
        with one_blas_thread():
            return cls(
                version=version,
                space=statistics.space,
                names=names,
                analytic=solve_sums(statistics.gram, moments, counts, statistics.count),
                prototypes=Prototypes.of(sums, names, statistics.space.scale),
                codebooks=Codebooks.of(sums, names),
            )

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d). An item's answer does not depend on what else is in the batch."""
        parts = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
        with one_blas_thread():
            return [answer for part in parts for answer in self._batch(part, question)]

    def _batch(self, codes: Codes, question: Question) -> list[Answer]:
        items = Items(self.space, codes)
        heads = {
            "analytic": self.analytic.scores(items.features),
            "prototypes": self.prototypes.scores(items.codes, items.lengths),
            "codebooks": self.codebooks.scores(items.keys),
        }
        scores = combine(MANY, heads)
        some = allowed(question.among, self.names)
        if some is not None:
            scores[:, ~some] = -np.inf
        return [self._answer(question, row) for row in softmax(scores, TEMPERATURE)]

    def _answer(self, question: Question, probabilities: npt.NDArray[np.float64]) -> Answer:
        ranking: Sequence[tuple[str, float]] = ranked(probabilities, self.names, question)
        return Answer(
            label=ranking[0][0],
            probability=ranking[0][1],
            ranking=tuple(ranking[: question.top_k]),
            label_set=None,
            novelty=None,
            abstained=False,
            evidence=(),
            heads=SUMMED_HEADS,
        )
