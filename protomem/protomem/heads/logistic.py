"""The logistic head: kernel logistic regression over a small memory, by closed-form least-squares steps.

    minimise  -Σ log softmax(Kα)[label] + λ/2 · tr αᵀKα          κ(a, b) = exp((cos - 1) / 2)

With the residual R = Y - softmax(Kα) - λα, and one curvature c in place of those of the softmax, Newton's step is a
ridge regression of R with one and the same matrix, M = (K + λ/c · I)⁻¹, up to its length. Such steps are made conjugate
(nonlinear conjugate gradients, preconditioned by M; Polak and Ribière 1969), and each is as long as the loss asks for.
Since K·MR = R - λ/c · MR, a step takes one product. The number of steps is fixed, so the head is a pure function of its
examples. Of all heads it is the best at one to ten examples a class; it costs STEPS · n² · labels, which only a small
memory can afford.

Leave-one-out is approximate here, one Newton step of the problem without the example (Rad and Maleki 2020):
F - s / (1 - cs) · (Y - softmax(F)) with s = diag((λK⁻¹ + cI)⁻¹) and the same curvature. The other heads' is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from protomem.heads.cosines import exponential_kernel
from protomem.heads.tiles import tiled_product
from protomem.lapack import factored, inverse

__all__ = ["STEPS", "Logistic"]

Floats = npt.NDArray[np.float64]

STEPS = 12
"""After them the loss is within 2 of the least at 10 examples of 150 classes, where it begins 6,500 above, and within
0.1 at 5 a class."""

LONGEST = 2.0
"""A step is at most so many times as long as it looks from its beginning."""

SHARPNESS = 0.5
"""Nearly linear in the embedding, with an intercept. Of 0.5, 1 and 2 best at 1 example a class, level at 5 and 10."""

CURVATURE = 0.02
"""c. Beside solving anew without the example, at 2, 3, 5, 10 and 20 examples a class of 12 to 150 classes of training
data, 0.02 and 0.05 were off by 0.1 to 0.5 in the true label's score, the bound of ½ by 0.3 to 1.3."""

STRENGTH = 0.1
"""λ at one example a class; it falls with the root of the examples a class. Held out, 0.1 was better than 0.03 at one,
level at 5 and worse at 10."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """The solved head of n examples: `duals` and the `left_out` scores (n, labels)."""

    duals: Floats
    left_out: Floats

    @classmethod
    def of(cls, cosines: Floats, targets: npt.NDArray[np.bool_]) -> Logistic:
        """Solve for cosines (n, n) and targets (n, labels), at least one a row, of examples in canonical order."""
        kernel = exponential_kernel(SHARPNESS, cosines)
        wanted = targets / targets.sum(axis=1, keepdims=True)
        strength = STRENGTH * float(np.sqrt(targets.shape[1] / targets.sum()))
        ridge = strength / CURVATURE
        kernel[np.diag_indices_from(kernel)] += ridge
        ridged = inverse(factored(kernel.T)).T  # symmetric; in C's order its products take a fifth less
        duals, scores = _solve(ridged, ridge, wanted, strength)
        own = (1 - ridge * ridged.diagonal()) / CURVATURE
        left_out = scores - (own / (1 - CURVATURE * own))[:, None] * (wanted - softmax(scores, axis=1))
        return cls(np.ascontiguousarray(duals), left_out)

    def scores(self, cosines: Floats) -> Floats:
        """Logarithms of unnormalised probabilities for items with these cosines (m, n): (m, labels)."""
        return tiled_product(exponential_kernel(SHARPNESS, cosines), self.duals)


def _solve(ridged: Floats, ridge: float, wanted: Floats, strength: float) -> tuple[Floats, Floats]:
    """The duals after STEPS steps, and the examples' own scores with them; `ridged` is (K + ridge · I)⁻¹.

    What is added to the scores is K times what is added to the duals.
    """
    duals, scores = np.zeros_like(wanted), np.zeros_like(wanted)
    way, scores_way, before, slope = duals, scores, duals, np.inf
    for _ in range(STEPS):
        residual = wanted - softmax(scores, axis=1) - strength * duals
        step = ridged @ residual
        scores_step = residual - ridge * step
        last, slope = slope, float((residual * scores_step).sum())
        if slope <= 0:  # the least, to the last bit
            break
        kept = max(0.0, slope - float((before * scores_step).sum())) / last
        way, scores_way, before = step + kept * way, scores_step + kept * scores_way, residual
        length = _length(scores, scores_way, residual, strength * way)
        duals, scores = duals + length * way, scores + length * scores_way
    return duals, scores


def _length(scores: Floats, way: Floats, residual: Floats, shrinkage: Floats) -> float:
    """How far to go from these scores along a way: Newton's length, and from what the slope is there, a secant's.

    `shrinkage` is λ times the duals' way.
    """
    shares = softmax(scores, axis=1)
    slope = float((residual * way).sum())
    moved = shares * way
    curvature = float((moved * way).sum() - np.square(moved.sum(axis=1)).sum() + (shrinkage * way).sum())
    length = slope / curvature
    there = residual + shares - softmax(scores + length * way, axis=1) - length * shrinkage
    fallen = slope - float((there * way).sum())
    return length * min(slope / fallen, LONGEST) if fallen > 0 else length
