"""The discriminant head: each label a Gaussian around its mean, all of one covariance, from the sums alone.

    d(x, c) = (μ_c - μ)ᵀ S⁻¹ x - ½ (μ_c - μ)ᵀ S⁻¹ (μ_c + μ) + ½ h / (n_c (1 - h))
    S = ΦᵀΦ - Σ_c n_c μ_c μ_cᵀ + γI                  scatter within the labels, and the ridge of the analytic head
    score = (1 - h)² n d(x, c) / (τ + 5),            τ = Σ_c n_c (μ_c - μ)ᵀ S⁻¹ (μ_c - μ)

n · d is the logarithm of how much likelier features x are around the mean μ_c of a label than around the mean μ of all.
A mean of n_c examples lies off the true one, so that its label looks farther away than it is: the last term gives that
back, where h is the analytic head's degrees of freedom over n. Gaussians are the surer of themselves the farther apart
labels are, which τ measures: divided by it, a score has no unit. Examples scatter less around what was fitted to them
than new ones will, by (1 - h)² in the reckoning of generalised cross-validation: that makes the head all but silent
while there are fewer examples than features.

Where an example carries several labels, the scatter within one cannot be told from the sums, and there is no such head.

Sources: regularised discriminant analysis, Friedman 1989; on random features, RanPAC (arXiv 2307.02251); the loss of
rare labels to the noise of their means, Moran and Murphy 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.heads.analytic import Analytic, Primal
from protomem.lapack import factored, solved
from protomem.lift import Features

__all__ = ["Discriminant"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

OVERLAP = 5.0
"""Added to the separation τ, which is 500 to 7,000 on BANKING77 and CLINC150. Where labels overlap so much that it is
near 0, the head's weighted score over the temperature is then n · d itself, and no surer."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Discriminant:
    """Solved directions (D, labels), on the same grid as the analytic head's weights, and `shift` (labels,)."""

    directions: Analytic
    shift: Floats

    @classmethod
    def of(cls, problem: Primal, gram: Integers, counts: Integers) -> Discriminant | None:
        """The head of the ridge problem of this Gram matrix, int64 (D, D), lower triangle, with `counts` (labels,)
        examples of each label; None where examples carry several.
        """
        if int(counts.sum()) != problem.count:
            return None
        count, moments = problem.count, problem.moments
        total = moments.sum(axis=1, keepdims=True)
        apart = moments / counts - total / count
        directions = solved(_within(problem, gram, counts), apart)
        separation = float(counts @ (directions * apart).sum(axis=0))
        free = problem.freedom / count
        scale = count * (1 - free) ** 2 / (separation + OVERLAP)
        middles = 0.5 * (directions * (moments / counts + total / count)).sum(axis=0)
        shift = 0.5 * free / (1 - free) / counts - middles
        return cls(Analytic.rounded(scale * directions, problem.strength), scale * shift)

    def scores(self, features: Features) -> Floats:
        """Scores of features (n, D), above 0 where a label is likelier than the mean of all: (n, labels)."""
        return self.directions.scores(features) + self.shift


def _within(problem: Primal, gram: Integers, counts: Integers) -> Floats:
    """The Cholesky factor of S."""
    scatter = gram.astype(np.float64, order="F")
    moments = problem.moments.astype(np.float64)
    scatter -= (moments / counts) @ moments.T
    scatter[np.diag_indices_from(scatter)] += problem.ridge
    return factored(scatter)
