"""From solved heads to answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer, Evidence, Explanation
from protomem.attribution import Profile, alone, contrasts, explanations, profile_of_codes
from protomem.blas import one_blas_thread
from protomem.calibration import Calibration
from protomem.codes import Codes
from protomem.decisions import Decision, Decisions, allowed
from protomem.ensemble import Ensemble, total
from protomem.items import Items
from protomem.left_out import LeftOut, Needs
from protomem.multi_label import PlattScaling
from protomem.name_prior import name_scores
from protomem.over_all import SOLVED_HERE, Solving
from protomem.questions import Question
from protomem.state import State

__all__ = ["BATCH", "Predictor"]

Floats = npt.NDArray[np.float64]

BATCH = 1_024
"""Items scored at a time: matrix products run at full speed, and the scores of 10,000 classes fit in 80 MB."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """An immutable picture of a memory that answers questions, from any number of threads.

    `left_out` holds what only some questions need: `prepared` makes a picture that has it.
    """

    version: int
    ensemble: Ensemble
    calibration: Calibration
    left_out: LeftOut = field(default_factory=LeftOut)

    @property
    def names(self) -> tuple[str, ...]:
        """Every label it can answer, sorted."""
        return self.ensemble.names

    @classmethod
    def of(cls, state: State, previous: Predictor | None, solving: Solving = SOLVED_HERE) -> Predictor:
        """The picture of this state. `previous` saves work, never changes an answer."""
        statistics = state.statistics()
        with one_blas_thread():
            old = previous.ensemble if previous else None
            ensemble, problem = Ensemble.fit(statistics, state.examples, old, solving)
            known = previous.calibration if previous else None
            calibration = Calibration.fit(statistics, ensemble, problem, known)
            _ = ensemble.analytic  # solved by now where anything could be left out, and in any case on one thread
            return cls(state.version, ensemble, calibration)

    def serves(self, question: Question) -> bool:
        """Whether it holds what this question needs."""
        return not any(self.left_out.lacks(Needs.of(question)))

    def prepared(self, needs: Needs, state: State) -> Predictor:
        """This picture with what is needed; `state` is the one it is of."""
        if not any(self.left_out.lacks(needs)):
            return self
        with one_blas_thread():
            left_out = self.left_out.with_needed(needs, state.statistics(), self.ensemble, self.calibration)
        return replace(self, left_out=left_out)

    def warm_as(self, previous: Predictor) -> None:
        """Solve now the parts that `previous` had been asked for: others are solved when they are first asked for."""
        with one_blas_thread():
            self.ensemble.warm_as(previous.ensemble)

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d). An item's answer does not depend on what else is in the batch."""
        parts = (codes[start : start + BATCH] for start in range(0, len(codes), BATCH))
        decisions = Decisions(question, self.names)
        with one_blas_thread():
            return [answer for part in parts for answer in self._batch(part, question, decisions)]

    def _batch(self, codes: Codes, question: Question, decisions: Decisions) -> list[Answer]:
        items = self.ensemble.items(codes)
        some = allowed(question.among, self.names)
        parts, best = self.ensemble.parts(items, some)
        novelty = self.calibration.novelty(total(parts, some), best)
        if question.multi_label:
            head = self.ensemble.regression
            parts = {head: self.ensemble.everywhere(items)[head]}
            probabilities = self._curve.probabilities(parts[head])
        else:
            if question.names is not None:
                parts["names"] = name_scores(items.codes, items.lengths, question.names, self.ensemble.counts)
            probabilities = self.calibration.probabilities(total(parts, some))
        decided = decisions.of(probabilities)
        rows = zip(
            decided,
            novelty.tolist(),
            self._label_sets(decided, question),
            self._evidence(items, question.evidence),
            self._explanations(items, parts, decided, question),
            strict=True,
        )
        heads = tuple(head for head in (*self.ensemble.weights, "names") if head in parts)
        return [_answer(question, heads, *row) for row in rows]

    @property
    def _curve(self) -> PlattScaling:
        if self.left_out.platt is None:
            raise AssertionError("a question of probabilities by label needs a picture that is prepared for it")
        return self.left_out.platt

    def _label_sets(self, decided: Sequence[Decision], question: Question) -> list[frozenset[str] | None]:
        if question.coverage is None:
            return [one.likely for one in decided]
        least = self.left_out.least(question.coverage, self.names, per_class=question.per_class)
        return [frozenset(label for label, p in one.ranking if p >= least[label]) for one in decided]

    def _explanations(
        self, items: Items, parts: dict[str, Floats], decided: Sequence[Decision], question: Question
    ) -> Sequence[Explanation | None]:
        if not question.explain:
            return [None] * len(items)
        ranked = [one.order for one in decided]
        if question.multi_label:
            found = alone(self._curve, self.ensemble.regression, parts[self.ensemble.regression], ranked)
        else:
            found = contrasts(parts, self.calibration.temperature, ranked)
        return explanations(found, items, self.names, self._profile, self.ensemble.space.scale)

    def _profile(self, label: str) -> Profile:
        codes = np.concatenate([group.codes for group in self.ensemble.examples.groups_of(label)])
        return profile_of_codes(self.ensemble.space, codes)

    def _evidence(self, items: Items, count: int) -> list[tuple[Evidence, ...]]:
        """The nearest examples of each item."""
        if not count:
            return [()] * len(items)
        nearest = self.ensemble.nearest(items, count)
        found = self.ensemble.examples.located(nearest.rows.ravel())
        cosines = nearest.cosines.ravel().tolist()
        every = [
            Evidence(group.ids[place], group.labels, cosine)
            for (group, place), cosine in zip(found, cosines, strict=True)
        ]
        count = nearest.rows.shape[1]
        return [tuple(every[start : start + count]) for start in range(0, len(every), count)]


def _answer(
    question: Question,
    heads: tuple[str, ...],
    decided: Decision,
    novelty: float,
    label_set: frozenset[str] | None,
    evidence: tuple[Evidence, ...],
    explanation: Explanation | None,
) -> Answer:
    strange = question.false_alarm is not None and novelty < question.false_alarm
    return Answer(
        label=None if strange else decided.label,
        probability=decided.ranking[0][1] if strange else decided.probability,
        ranking=tuple(decided.ranking[: question.top_k]),
        label_set=label_set,
        novelty=novelty,
        abstained=strange or decided.label is None,
        evidence=evidence,
        heads=heads,
        explanation=explanation,
    )
