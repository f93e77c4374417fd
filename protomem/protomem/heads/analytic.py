"""The analytic head: ridge regression of the labels on the features, in closed form.

    W = (ΦᵀΦ + γI)⁻¹ ΦᵀY                      primal, from the Gram matrix and the cross-moment
      = Φᵀ(ΦΦᵀ + γI)⁻¹ Y                      dual, the same W, from the remembered codes where n ≤ D

γ = s · trace(ΦᵀΦ) / n: the strength s is a ratio of noise to signal, whatever the scale of the features and their
number. It enters when solving and is never part of what is stored.

Source: ACU (arXiv 2505.12239); leave-one-out residuals (Y - Ŷ) / (1 - h) with the leverage h, Cook and Weisberg 1982.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.lapack import factored, inverse_diagonal, inverse_factor, solved, solved_half
from protomem.lazy import lazy
from protomem.lift import FEATURE_MAX, Features
from protomem.products import products

__all__ = ["STRENGTHS", "Analytic", "Dual", "Primal", "choose_strength", "problem_of_sums"]

Floats = npt.NDArray[np.float64]

STRENGTHS = (0.01, 0.03, 0.1, 0.3)
"""Candidates of s. On the training data of CLINC150 and BANKING77 the best lies inside at every size from 5 examples a
class to all of them, and neighbours differ by under 0.3 points, so a finer grid would choose among noise."""

NEARLY_LEAST = 1.1
"""From the sums alone, the smallest strength is taken whose cross-validated square is at most so many times the least:
squares want more shrinkage than decisions do. On held-out training data (`tests/benchmarks/choose_levels.py`) that adds
0.2 points at all examples of BANKING77 and CLINC150, 0.1 and 0.4 at 10 a class, and costs 0.1 and 0.2 at 5, which is
noise; 1.05 and 1.15 are level with it. For all of BANKING77 it takes 0.01; with a tenth and with a third of the labels
wrong, 0.03 and 0.1."""

MANTISSA = 53
"""Integers below 2⁵³ are exact in float64, in any order of summation."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Analytic:
    """Solved weights on a fixed-point grid: `weights` (D, labels) holds integers, W = weights · 2^-exponent.

    Scores are then sums of integers, so that an item's score is the same to the bit alone and in any batch.
    """

    weights: Floats
    exponent: int
    strength: float

    @classmethod
    def rounded(cls, solved: Floats, strength: float) -> Analytic:
        """Weights on the finest grid for which no score can leave the exact integers of float64."""
        width = len(solved)
        room = MANTISSA - 1 - int(np.ceil(np.log2(FEATURE_MAX * width)))
        largest = float(np.abs(solved).max(initial=0.0))
        exponent = room - int(np.ceil(np.log2(largest))) if largest > 0 else 0
        return cls(np.rint(np.ldexp(solved, exponent)), exponent, strength)

    def scores(self, features: Features) -> Floats:
        """Scores of features (n, D), near 1 for a label and near 0 against it: (n, labels)."""
        return np.asarray(np.ldexp(features.astype(np.float64) @ self.weights, -self.exponent))


@final
class Primal:
    """The ridge problem from its sums: `gram` int64 (D, D), lower triangle, and `moments` int64 (D, labels).

    They are over `count` examples. `ridge` is γ.
    """

    def __init__(
        self, gram: npt.NDArray[np.int64], moments: npt.NDArray[np.int64], count: int, strength: float
    ) -> None:
        self.moments, self.count, self.strength = moments, count, strength
        self.ridge = _ridge(strength, float(np.trace(gram)), count)
        shifted = gram.astype(np.float64, order="F")
        shifted[np.diag_indices_from(shifted)] += self.ridge
        self._factor = factored(shifted)

    def solve(self) -> Analytic:
        return Analytic.rounded(self._weights(), self.strength)

    def leverages(self, features: Features) -> Floats:
        """h = φᵀ(ΦᵀΦ + γI)⁻¹φ of remembered examples' features (n, D): (n,), in 0..1."""
        columns = np.asfortranarray(features.T, dtype=np.float64)
        return np.asarray(np.square(solved_half(self._factor, columns)).sum(axis=0))

    @lazy
    def freedom(self) -> float:
        """The effective degrees of freedom, tr H with H = Φ(ΦᵀΦ + γI)⁻¹Φᵀ: below both the examples and the features."""
        half = np.tril(inverse_factor(self._factor.copy(order="F")))
        return len(half) - self.ridge * float(np.square(half).sum())

    def cross_validation(self, squares: int) -> float:
        """Generalised cross-validation of this strength, where `squares` is |Y|², the number of labels of examples."""
        weights = self._weights()
        fitted = float((weights * self.moments).sum())
        residual = squares - fitted - self.ridge * float(np.square(weights).sum())
        return self.count * max(residual, 0.0) / (self.count - self.freedom) ** 2

    def _weights(self) -> Floats:
        return solved(self._factor, self.moments.astype(np.float64))


@final
class Dual:
    """The same problem from the examples: `features` (n, D) and `targets` bool (n, labels), in canonical order."""

    def __init__(self, features: Features, targets: npt.NDArray[np.bool_], strength: float) -> None:
        kernel = _inner(features, features)
        self._ridge = _ridge(strength, float(np.trace(kernel)), len(features))
        kernel[np.diag_indices_from(kernel)] += self._ridge
        self._factor = factored(np.asfortranarray(kernel))
        self._features = features
        self._targets = targets
        self._strength = strength

    def solve(self) -> Analytic:
        duals = solved(self._factor, self._targets.astype(np.float64))
        return Analytic.rounded(self._features.astype(np.float64).T @ duals, self._strength)

    def leverages(self, features: Features) -> Floats:
        """As `Primal.leverages`: h = (φᵀφ - kᵀ(ΦΦᵀ + γI)⁻¹k) / γ with k = Φφ."""
        across = _inner(self._features, features)
        explained = (across * solved(self._factor, across)).sum(axis=0)
        return np.asarray((np.square(features, dtype=np.float64).sum(axis=1) - explained) / self._ridge)


def choose_strength(features: Features, targets: npt.NDArray[np.bool_]) -> float:
    """The strength with the fewest leave-one-out errors on these examples; of equals the largest.

    Leave-one-out predictions are closed-form in the dual: y - α / diag((K + γI)⁻¹).
    """
    kernel = _inner(features, features)
    trace = float(np.trace(kernel))
    ridges = {strength: _ridge(strength, trace, len(kernel)) for strength in STRENGTHS}
    errors = {strength: _leave_one_out_errors(kernel, targets, ridge) for strength, ridge in ridges.items()}
    return min(reversed(STRENGTHS), key=lambda strength: errors[strength])


def problem_of_sums(
    gram: npt.NDArray[np.int64], moments: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], count: int
) -> Primal:
    """The ridge problem from sums alone: `counts` (labels,) examples of each label, `count` in all.

    The strength is the smallest for which generalised cross-validation, n · |Y - Ŷ|² / (n - tr H)², is NEARLY_LEAST.
    Source: Golub, Heath and Wahba 1979; everything in it is a function of ΦᵀΦ, ΦᵀY and |Y|².
    """
    problems = [Primal(gram, moments, count, strength) for strength in STRENGTHS]
    errors = [problem.cross_validation(int(counts.sum())) for problem in problems]
    enough = NEARLY_LEAST * min(errors)
    return next(problem for problem, error in zip(problems, errors, strict=True) if error <= enough)


def _inner(left: Features, right: Features) -> Floats:
    """The inner products of features (m, D) and (n, D): (m, n)."""
    return np.asarray(products().multiply(left, np.ascontiguousarray(right.T)), dtype=np.float64)


def _ridge(strength: float, trace: float, count: int) -> float:
    """γ = s · trace / n; 1 where no example has any feature, and every weight is zero whatever γ is."""
    return strength * trace / count if trace else 1.0


def _leave_one_out_errors(kernel: Floats, targets: npt.NDArray[np.bool_], ridge: float) -> int:
    factor = factored(np.asfortranarray(kernel + ridge * np.eye(len(kernel))))
    numbers = targets.astype(np.float64)
    duals = solved(factor, numbers)
    left_out = numbers - duals / inverse_diagonal(factor)[:, None]
    hit = targets[np.arange(len(targets)), left_out.argmax(axis=1)]
    return int(np.count_nonzero(~hit))
