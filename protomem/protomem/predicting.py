"""From solved heads to answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer, Evidence
from protomem.blas import one_blas_thread
from protomem.calibration import Calibration
from protomem.codes import Codes
from protomem.ensemble import Ensemble
from protomem.items import Items
from protomem.state import State

__all__ = ["BATCH", "Predictor", "Question", "allowed", "ranked"]

Floats = npt.NDArray[np.float64]

BATCH = 1_024
"""Items scored at a time: matrix products run at full speed, and the scores of 10,000 classes fit in 80 MB."""


@final
@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about each item; see `Memory.predict`."""

    top_k: int
    evidence: int
    coverage: float | None
    false_alarm: float | None
    among: tuple[str, ...] | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """An immutable picture of a memory that answers questions, from any number of threads."""

    version: int
    ensemble: Ensemble
    calibration: Calibration

    @property
    def names(self) -> tuple[str, ...]:
        """Every label it can answer, sorted."""
        return self.ensemble.names

    @classmethod
    def of(cls, state: State, previous: Predictor | None, kernel_rows: int = 0) -> Predictor:
        """The picture of this state; `kernel_rows` is as in `protomem.open`.

        `previous` saves work, never changes an answer.
        """
        statistics = state.statistics()
        with one_blas_thread():
            old = previous.ensemble if previous else None
            ensemble, problem = Ensemble.fit(statistics, state.examples, old, kernel_rows)
            return cls(state.version, ensemble, Calibration.fit(statistics, ensemble, problem))

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d). An item's answer does not depend on what else is in the batch."""
        parts = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
        with one_blas_thread():
            return [answer for part in parts for answer in self._batch(part, question)]

    def _batch(self, codes: Codes, question: Question) -> list[Answer]:
        ensemble = self.ensemble
        items = Items(ensemble.space, codes)
        scores, best = ensemble.scores(items, allowed(question.among, self.names))
        probabilities = self.calibration.probabilities(scores)
        novelty = self.calibration.novelty(scores, best)
        evidence = self._evidence(items, question.evidence)
        rows = zip(probabilities, novelty.tolist(), evidence, strict=True)
        return [self._answer(question, *row) for row in rows]

    def _answer(
        self,
        question: Question,
        probabilities: Floats,
        novelty: float,
        evidence: tuple[Evidence, ...],
    ) -> Answer:
        ranking = ranked(probabilities, self.names, question)
        abstained = question.false_alarm is not None and novelty < question.false_alarm
        return Answer(
            label=None if abstained else ranking[0][0],
            probability=ranking[0][1],
            ranking=tuple(ranking[: question.top_k]),
            label_set=self._label_set(question.coverage, ranking),
            novelty=novelty,
            abstained=abstained,
            evidence=evidence,
            heads=tuple(self.ensemble.weights),
        )

    def _label_set(self, coverage: float | None, ranking: Sequence[tuple[str, float]]) -> frozenset[str] | None:
        if coverage is None:
            return None
        least = self.calibration.threshold(coverage)
        return frozenset(name for name, probability in ranking if probability >= least)

    def _evidence(self, items: Items, count: int) -> list[tuple[Evidence, ...]]:
        """The nearest examples of each item."""
        if not count:
            return [()] * len(items)
        nearest = self.ensemble.neighbours.nearest(items.codes, items.lengths, count)
        locate = self.ensemble.examples.locate
        return [
            tuple(
                Evidence(group.ids[place], group.labels, cosine)
                for (group, place), cosine in zip(map(locate, rows), cosines, strict=True)
            )
            for rows, cosines in zip(nearest.rows.tolist(), nearest.cosines.tolist(), strict=True)
        ]


def allowed(among: Sequence[str] | None, names: Sequence[str]) -> npt.NDArray[np.bool_] | None:
    """Which of these labels may be answered: bool (labels,), or None for all."""
    return None if among is None else np.isin(np.array(names), np.array(among))


def ranked(probabilities: Floats, names: Sequence[str], question: Question) -> list[tuple[str, float]]:
    """The labels that may be answered with their probabilities, best first, equal ones in the order of names."""
    order = np.argsort(-probabilities, kind="stable")
    if question.among is not None:
        order = order[: len(question.among)]
    return [(names[number], float(probabilities[number])) for number in order]
