"""What is asked of examples left out, one by one, beyond the temperature that every answer needs.

Label sets and probabilities by label want more of them than one temperature does, and are asked for rarely: each is
computed when a question first needs it, and kept with the picture of the memory that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from protomem.beside import Later
from protomem.calibration import Calibration, can_be_left_out, leave_one_out, regression_left_out
from protomem.conformal import least_probability, marginal_rows, per_class_rows
from protomem.ensemble import Ensemble
from protomem.heads.analytic import Dual, Primal
from protomem.multi_label import PLATT_SAMPLE, PlattScaling
from protomem.questions import Question
from protomem.statistics import Statistics

__all__ = ["LeftOut", "Needs"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BATCH = 1_024
"""Examples scored at a time, so that the scores of 10,000 classes fit in 80 MB."""


class Needs(NamedTuple):
    """What is needed of examples left out: for label sets over all labels, for sets by class, for a curve by label."""

    marginal: bool = False
    per_class: bool = False
    curve: bool = False

    @classmethod
    def of(cls, question: Question) -> Needs:
        """What this question needs."""
        return cls(question.coverage is not None and not question.per_class, question.per_class, question.multi_label)

    @classmethod
    def of_all(cls, asked: Iterable[Needs]) -> Needs:
        """What any of them needs."""
        return cls(*map(any, zip(cls(), *asked, strict=True)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """`marginal` holds the probabilities of true labels, ascending, over all labels; `per_class` those of each label in
    the order of names; `platt` the curve of probabilities by label. None until asked for.
    """

    marginal: Floats | None = None
    per_class: tuple[Floats, ...] | None = None
    platt: PlattScaling | None = None

    def lacks(self, needs: Needs) -> Needs:
        """What of it is not held here."""
        held = (self.marginal, self.per_class, self.platt)
        return Needs(*(needed and one is None for needed, one in zip(needs, held, strict=True)))

    def with_needed(
        self, needs: Needs, statistics: Statistics, ensemble: Ensemble, calibration: Calibration
    ) -> LeftOut:
        """This and what is needed; `statistics` are those of the ensemble."""
        lacks = self.lacks(needs)
        problem = ensemble.problem(statistics)
        found = self
        if lacks.marginal:
            rows = marginal_rows(ensemble.examples)
            places, _, own = _true_labels(statistics, ensemble, problem, calibration, rows)
            lowest = np.full(len(rows), np.inf)
            np.minimum.at(lowest, places, own)
            found = replace(found, marginal=np.sort(lowest))
        if lacks.per_class:
            rows = per_class_rows(ensemble.examples)
            _, labels, own = _true_labels(statistics, ensemble, problem, calibration, rows)
            by_label = tuple(np.sort(own[labels == label]) for label in range(len(ensemble.names)))
            found = replace(found, per_class=by_label)
        if lacks.curve:
            found = replace(found, platt=_platt(ensemble, problem))
        return found

    def least(self, coverage: float, names: Sequence[str], *, per_class: bool) -> dict[str, float]:
        """The least probability of each label in a set of this coverage, which a question was asked about before."""
        if per_class:
            return {
                name: least_probability(own, coverage) for name, own in zip(names, self.per_class or (), strict=True)
            }
        if self.marginal is None:
            raise AssertionError("a question of label sets needs a picture that is prepared for it")
        return dict.fromkeys(names, least_probability(self.marginal, coverage))


def _true_labels(
    statistics: Statistics,
    ensemble: Ensemble,
    problem: Later[Primal | Dual] | None,
    calibration: Calibration,
    rows: Rows,
) -> tuple[Rows, Rows, Floats]:
    """Every true label of these examples and its probability without the example: place in rows, label, probability.

    It is 0 where the label has no other example: without this one it would not be known.
    """
    targets = ensemble.examples.label_matrix(rows)
    probabilities = np.zeros(np.count_nonzero(targets))
    starts = np.concatenate([[0], np.cumsum(targets.sum(axis=1))])
    usable = np.flatnonzero(np.isin(rows, can_be_left_out(ensemble, rows)))
    for start in range(0, len(usable), BATCH):
        some = usable[start : start + BATCH]
        scores, _ = leave_one_out(statistics, ensemble, problem, rows[some], targets[some])
        own = calibration.probabilities(scores)[targets[some]]
        places = np.concatenate([np.arange(starts[place], starts[place + 1]) for place in some])
        probabilities[places] = own
    places, labels = np.nonzero(targets)
    return places, labels, probabilities


def _platt(ensemble: Ensemble, problem: Later[Primal | Dual] | None) -> PlattScaling:
    rows = can_be_left_out(ensemble, ensemble.examples.sample(PLATT_SAMPLE))
    targets = ensemble.examples.label_matrix(rows)
    if not len(rows):
        return PlattScaling.fit(np.zeros(targets.shape), targets)
    return PlattScaling.fit(regression_left_out(ensemble, problem, rows, targets), targets)
