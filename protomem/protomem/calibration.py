"""Probabilities, label sets and novelty, from the scores that remembered examples would get without themselves.

Leave-one-out scores are closed-form for every head, so nothing is held out and nothing is fitted to data that could be
forgotten: calibration is a pure function of the remembered examples, computed on those with the smallest hashes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from protomem.ensemble import WEIGHTS, Ensemble, combine, spread
from protomem.heads import codebooks, prototypes
from protomem.heads.analytic import Dual, Primal
from protomem.items import Items
from protomem.statistics import Statistics

__all__ = ["CALIBRATION_SAMPLE", "Calibration", "analytic_left_out", "can_be_left_out", "leave_one_out", "softmax"]

Floats = npt.NDArray[np.float64]

CALIBRATION_SAMPLE = 128
"""Examples left out in turn. One temperature needs no more, and each costs a triangular solve at every change."""

USUAL_TEMPERATURE = 0.3
"""Near what the leave-one-out fit finds on all training data of CLINC150 (0.28) and BANKING77 (0.39); used as it is
when no example can be left out."""

PRIOR_WEIGHT = 10.0
"""The usual temperature counts as much as this many examples."""

TEMPERATURE_RANGE = (0.01, 10.0)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The temperature of the softmax, and the sorted leave-one-out values that new items are compared with.

    `own` holds the probabilities of true labels, `strangeness` the negated best subspace scores; both (m,), ascending,
    m at most CALIBRATION_SAMPLE and 0 where no class has two examples.
    """

    temperature: float
    own: Floats
    strangeness: Floats

    @classmethod
    def fit(cls, statistics: Statistics, ensemble: Ensemble, problem: Primal | Dual) -> Calibration:
        """Calibrate the ensemble of these statistics on its own examples, left out one by one."""
        rows = can_be_left_out(statistics, ensemble, ensemble.examples.sample(CALIBRATION_SAMPLE))
        if not len(rows):
            return cls(USUAL_TEMPERATURE, np.zeros(0), np.zeros(0))
        targets = ensemble.examples.label_matrix(rows)
        scores, best = leave_one_out(statistics, ensemble, problem, rows, targets)
        temperature = _temperature(scores, targets)
        own = np.where(targets, softmax(scores, temperature), np.inf).min(axis=1)
        return cls(temperature, np.sort(own), np.sort(-best))

    def probabilities(self, scores: Floats) -> Floats:
        """Probabilities of scores (n, labels); rows add up to 1."""
        return softmax(scores, self.temperature)

    def novelty(self, best: Floats) -> Floats:
        """Conformal p-values of items with these best subspace scores (n,); small means strange."""
        total = len(self.strangeness)
        stranger = total - np.searchsorted(self.strangeness, -best, side="left")
        return np.asarray((1 + stranger) / (1 + total))

    def threshold(self, coverage: float) -> float:
        """The least probability of a label in the set of this coverage; 0 with too few examples to tell."""
        rank = math.floor((len(self.own) + 1) * (1 - coverage))
        return float(self.own[rank - 1]) if rank >= 1 else 0.0


def can_be_left_out(statistics: Statistics, ensemble: Ensemble, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Those of these remembered examples without which every label of theirs still has an example."""
    counts = np.array([statistics.labels[name].count for name in ensemble.names])
    targets = ensemble.examples.label_matrix(rows)
    return rows[(~targets | (counts >= 2)).all(axis=1)]


def leave_one_out(
    statistics: Statistics,
    ensemble: Ensemble,
    problem: Primal | Dual,
    rows: npt.NDArray[np.int64],
    targets: npt.NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """Scores (m, labels) and best subspace scores (m,) of remembered examples, each without itself."""
    items = Items(ensemble.space, ensemble.examples.codes[rows])
    modes = ensemble.space.modes.lookup(ensemble.examples.codes[rows])[:, 0]
    scores = {
        "analytic": analytic_left_out(ensemble, problem, items, targets),
        "prototypes": ensemble.prototypes.scores(items.codes, items.lengths),
        "codebooks": ensemble.codebooks.scores(items.keys),
    }
    for item, label in np.argwhere(targets):
        sums = statistics.labels[ensemble.names[label]]
        codes = ensemble.examples.codes[rows[item]]
        scores["prototypes"][item, label] = prototypes.leave_one_out(sums, codes, modes[item], ensemble.space.scale)
        scores["codebooks"][item, label] = codebooks.leave_one_out(sums, items.keys[item])

    base = combine(**scores)
    shortlist = ensemble.shortlist(base)
    shortlisted = ensemble.shortlisted(items, shortlist)
    for item, column in np.argwhere(np.take_along_axis(targets, shortlist, axis=1)):
        name = ensemble.names[shortlist[item, column]]
        position = int(np.searchsorted(ensemble.examples.rows_of(name), rows[item]))
        shortlisted[item, column] = ensemble.subspaces[name].leave_one_out(items, item, position)
    total = base + WEIGHTS["subspaces"] * spread(shortlisted, shortlist, len(ensemble.names))
    total += WEIGHTS["rivals"] * _rivals(ensemble, items, rows, total.argmax(axis=1))
    return total, shortlisted.max(axis=1)


def softmax(scores: Floats, temperature: float) -> Floats:
    """exp(score / temperature), normalised over each row."""
    scaled = scores / temperature
    return np.asarray(np.exp(scaled - logsumexp(scaled, axis=1, keepdims=True)))


def analytic_left_out(
    ensemble: Ensemble, problem: Primal | Dual, items: Items, targets: npt.NDArray[np.bool_]
) -> Floats:
    """The analytic head's scores (m, labels) of remembered examples, each without itself."""
    leverage = problem.leverages(items.features)[:, None]
    return np.asarray((ensemble.analytic.scores(items.features) - leverage * targets) / (1 - leverage))


def _rivals(ensemble: Ensemble, items: Items, rows: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> Floats:
    """The rival head's scores of remembered examples, each without itself where it is one of the group's."""
    scores = np.empty((len(items), len(ensemble.names)))
    strangers = []
    for item, (row, label) in enumerate(zip(rows.tolist(), first.tolist(), strict=True)):
        classes, group = ensemble.rivals.of(label)
        left_out = group.leave_one_out(*ensemble.examples.locate(row))
        if left_out is None:
            strangers.append(item)
        else:
            scores[item] = left_out.min()
            scores[item, list(classes)] = left_out
    some = np.array(strangers, dtype=np.int64)
    scores[some] = ensemble.rivals.scores(items.codes[some], items.lengths[some], first[some], len(ensemble.names))
    return scores


def _temperature(scores: Floats, targets: npt.NDArray[np.bool_]) -> float:
    """The temperature of least negative log-likelihood, drawn towards the usual one by its prior."""
    usual = math.log(USUAL_TEMPERATURE)

    def loss(log_temperature: float) -> float:
        scaled = scores / math.exp(log_temperature)
        hit = logsumexp(np.where(targets, scaled, -np.inf), axis=1)
        doubt = float((logsumexp(scaled, axis=1) - hit).sum())
        return doubt + PRIOR_WEIGHT * (log_temperature - usual) ** 2

    low, high = (math.log(end) for end in TEMPERATURE_RANGE)
    return math.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4}).x)
