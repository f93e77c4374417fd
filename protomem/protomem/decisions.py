"""From the probabilities of labels to the label that is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.hierarchy import Hierarchy
from protomem.questions import Question
from protomem.ranking import largest

__all__ = ["LIKELY", "Decision", "Decisions", "allowed"]

Floats = npt.NDArray[np.float64]
Ranking = list[tuple[str, float]]

LIKELY = 0.5
"""The probability from which on a label of several counts as there, unless `thresholds` says otherwise."""


AGAINST = 2
"""An explanation sets the best label against the second."""


@final
@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered: a label and its probability, or None and that of the best label.

    `ranking` holds the labels that may be answered, best first, as far as the question looks, `order` their positions,
    and `likely` those that are there by themselves, where several may be.
    """

    label: str | None
    probability: float
    ranking: Ranking
    order: list[int]
    likely: frozenset[str] | None


@final
class Decisions:
    """How one question is decided for every item, among the labels `names`."""

    def __init__(self, question: Question, names: Sequence[str]) -> None:
        self._names = names
        self._thresholds: Mapping[str, float] = question.thresholds
        self._multi_label = question.multi_label
        self._certainty = question.certainty
        some = allowed(question.among, names)
        self._answerable = np.arange(len(names)) if some is None else np.flatnonzero(some)
        looks_at_all = question.coverage is not None or question.multi_label
        self._depth = len(names) if looks_at_all else max(question.top_k, AGAINST)
        self._hierarchy = None if question.certainty is None else Hierarchy.of(names, question.separator)

    def of(self, probabilities: Floats) -> list[Decision]:
        """The decision on each item, from the probabilities (n, labels) of all labels. Equal ones go by name."""
        orders = self._answerable[largest(probabilities[:, self._answerable], self._depth)]
        ranked = np.take_along_axis(probabilities, orders, axis=1).tolist()
        return [self._of(*one) for one in zip(probabilities, orders.tolist(), ranked, strict=True)]

    def _of(self, probabilities: Floats, order: list[int], ranked: list[float]) -> Decision:
        ranking = list(zip([self._names[number] for number in order], ranked, strict=True))
        likely = self._likely(ranking) if self._multi_label else None
        found = self._found(probabilities, ranking, likely)
        label, probability = (None, ranking[0][1]) if found is None else found
        return Decision(label, probability, ranking, order, likely)

    def _likely(self, ranking: Ranking) -> frozenset[str]:
        return frozenset(label for label, probability in ranking if probability >= self._least(label, LIKELY))

    def _found(
        self, probabilities: Floats, ranking: Ranking, likely: frozenset[str] | None
    ) -> tuple[str, float] | None:
        if likely is not None:
            return next((pair for pair in ranking if pair[0] in likely), None)
        if self._hierarchy is not None and self._certainty is not None:
            return self._hierarchy.deepest(probabilities, self._thresholds, self._certainty)
        best = ranking[0]
        return best if best[1] >= self._least(best[0], 0.0) else None

    def _least(self, label: str, otherwise: float) -> float:
        return self._thresholds.get(label, otherwise)


def allowed(among: Sequence[str] | None, names: Sequence[str]) -> npt.NDArray[np.bool_] | None:
    """Which of these labels may be answered: bool (labels,), or None for all."""
    return None if among is None else np.isin(np.array(names), np.array(among))
