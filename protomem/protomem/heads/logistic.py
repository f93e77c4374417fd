"""The logistic head: kernel logistic regression, by closed-form least-squares steps.

    minimise  -Σ log softmax(Kα)[label] + λ/2 · tr αᵀKα          κ(a, b) = exp((cos - 1) / 2)

With the residual R = Y - softmax(Kα) - λα, and one curvature c in place of those of the softmax, Newton's step is a
ridge regression of R with one and the same matrix, M = (K + λ/c · I)⁻¹, up to its length. Such steps are made conjugate
(nonlinear conjugate gradients, preconditioned by M; Polak and Ribière 1969), and each is as long as the loss asks for.
Since K·MR = R - λ/c · MR, a step takes one solution with M's factor. No step depends on anything else, so the head is a
pure function of its examples. Of all heads it is the best at one to ten examples a class; it costs STEPS · n² · labels
beside the factor, which a small memory can afford, or one that asks for it.

Leave-one-out is approximate here, one Newton step of the problem without the example (Rad and Maleki 2020):
F - s / (1 - cs) · (Y - softmax(F)) with s = diag((λK⁻¹ + cI)⁻¹) and the curvature c that the solution has. The other
heads' is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.heads.cosines import exponential_kernel
from protomem.heads.duals import Duals
from protomem.lapack import factored, inverse_diagonal, solved
from protomem.softmax import softmax

__all__ = ["STEPS", "Logistic"]

Floats = npt.NDArray[np.float64]

STEPS, SETTLED = 18, 1e-6
"""Most steps, and how much a step may still gain, an example, for it to be the last: the loss is then within 0.0001 of
the least, an example. At 10 examples of 150 classes of CLINC150 it is within 0.003 after 18 steps, where it begins at
5; held out, 30 steps answer no more of them. At 2 a class of BANKING77 8 steps are enough."""

LONGEST = 2.0
"""A step is at most so many times as long as it looks from its beginning."""

SHARPNESS = 0.5
"""Nearly linear in the embedding, with an intercept. Of 0.5, 1 and 2 best at 1 example a class, level at 5 and 10."""

STEP_CURVATURE = 0.02
"""c of the steps: a smaller one converges sooner where λ is large and later where it is small, and the softmax's own
curvatures, example by example, later at any."""

CURVATURE_NEARBY = 3.0
"""How much larger the curvature is where an example lies than the mean, p (1 - p) over all examples and labels: there
its own class is. Beside the temperatures that fit held-out examples, at 3 to 20 examples a class of CLINC150 and
BANKING77 and λ from 0.005 to 0.06, it is 1.8 to 3.7 after what FEWER says."""

FLATTEST = 1e-4
"""The least curvature: where there is one label, or hardly a doubt, it is none, and nothing is divided by it."""

FEWER = 0.5
"""Without one of its m examples a class keeps 1 - 1/m of them, and at least so large a share is counted with."""

STRENGTH, FALL, ENOUGH = 0.1, 1.15, 10.0
"""λ at one example a class; how it falls with the examples a class, λ = STRENGTH / n^FALL; and where it stops falling,
since convergence takes too long beyond. On held-out training data, at 5 to 10 examples a class, it answers 0.1
points more of CLINC150 than the root of n, and as many of BANKING77."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """The solved head of n examples: `duals` and the `left_out` scores (n, labels)."""

    duals: Duals
    left_out: Floats

    @classmethod
    def of(cls, cosines: Floats, targets: npt.NDArray[np.bool_], strength: float | None = None) -> Logistic:
        """Solve for cosines (n, n) and targets (n, labels), at least one a row, of examples in canonical order.

        `strength` is λ, in place of the usual one.
        """
        wanted = np.asfortranarray(targets / targets.sum(axis=1, keepdims=True))
        each = targets.sum() / targets.shape[1]
        if strength is None:
            strength = STRENGTH / min(each, ENOUGH) ** FALL
        duals, scores = _solve(_factor(cosines, strength / STEP_CURVATURE), wanted, strength)
        shares = softmax(scores)
        doubt = float((shares * (1 - shares)).mean()) / max(1 - 1 / each, FEWER)
        curvature = max(CURVATURE_NEARBY * doubt, FLATTEST)
        ridge = strength / curvature
        own = (1 - ridge * inverse_diagonal(_factor(cosines, ridge))) / curvature
        left_out = scores - (own / (1 - curvature * own))[:, None] * (wanted - shares)
        return cls(Duals.of(duals), np.ascontiguousarray(left_out))

    def scores(self, cosines: Floats) -> Floats:
        """Logarithms of unnormalised probabilities for items with these cosines (m, n): (m, labels)."""
        return self.duals.scores(SHARPNESS, cosines)


def _factor(cosines: Floats, ridge: float) -> Floats:
    """The Cholesky factor of K + ridge · I."""
    shifted = exponential_kernel(SHARPNESS, cosines).T  # symmetric, in LAPACK's order
    shifted[np.diag_indices_from(shifted)] += ridge
    return factored(shifted)


def _solve(factor: Floats, wanted: Floats, strength: float) -> tuple[Floats, Floats]:
    """The duals after at most STEPS steps, and the examples' own scores with them; `factor` is of K + ridge · I.

    What is added to the scores is K times what is added to the duals.
    """
    ridge = strength / STEP_CURVATURE
    duals, scores = np.zeros_like(wanted), np.zeros_like(wanted)
    way, scores_way, before, slope = duals, scores, duals, np.inf
    for _ in range(STEPS):
        shares = softmax(scores)
        residual = wanted - shares - strength * duals
        step = solved(factor, residual)
        scores_step = residual - ridge * step
        last, slope = slope, float((residual * scores_step).sum())
        if slope <= SETTLED * len(wanted):
            break
        kept = max(0.0, slope - float((before * scores_step).sum())) / last
        way, scores_way, before = step + kept * way, scores_step + kept * scores_way, residual
        length = _length(scores, shares, scores_way, residual, strength * way)
        duals, scores = duals + length * way, scores + length * scores_way
    return duals, scores


def _length(scores: Floats, shares: Floats, way: Floats, residual: Floats, shrinkage: Floats) -> float:
    """How far to go from these scores along a way: Newton's length, and from what the slope is there, a secant's.

    `shares` are the scores' softmax, and `shrinkage` is λ times the duals' way.
    """
    slope = float((residual * way).sum())
    moved = shares * way
    curvature = float((moved * way).sum() - np.square(moved.sum(axis=1)).sum() + (shrinkage * way).sum())
    length = slope / curvature
    there = residual + shares - softmax(scores + length * way) - length * shrinkage
    fallen = slope - float((there * way).sum())
    return length * min(slope / fallen, LONGEST) if fallen > 0 else length
