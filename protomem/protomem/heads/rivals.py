"""The rival head: kernel ridge regression between a class and the few classes nearest to it.

    scores = k (K + γI)⁻¹ Y          κ(a, b) = exp(2·(cos - 1)), over the examples of these classes alone

The kernel is the limit that ever wider lifts approach. Over all examples its solution costs n³; over a class and its
rivals, which is where errors are made, it is small, and learning or forgetting an example touches only the few groups
that its class belongs to. Leave-one-out is closed-form: y - α / diag((K + γI)⁻¹).

A small memory, and one that asks for it, solves it over all its examples: then it is called the kernel head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.heads.cosines import exponential_kernel
from protomem.heads.duals import Duals
from protomem.lapack import factored, inverse_diagonal, solved

__all__ = ["MOST_CLASSES", "RIVAL_ROWS", "Rivals", "choose_rivals"]

Floats = npt.NDArray[np.float64]

MOST_CLASSES, FEWEST_CLASSES = 6, 4
"""Classes in a group, the class itself included. At 5 examples a class 6 are 0.3 points of held-out CLINC150 better
than 4; at all examples 4, 8 and 16 were level, and 4 are cheap."""

USUAL_ROWS = 512
"""A group has more than FEWEST_CLASSES only while its classes have at most this many examples together."""

RIVAL_ROWS = 1_024
"""Most rows of a group. Where its classes have more, each contributes equally, those with the smallest hashes."""

NOISE = 0.1
"""γ, the best of a kernel ridge over all examples on the training data of CLINC150 and BANKING77."""

SHARPNESS = 2.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """The solved ridge of one group of m examples: `duals` and the `left_out` predictions (m, classes)."""

    duals: Duals
    left_out: Floats

    @classmethod
    def of(cls, cosines: Floats, targets: npt.NDArray[np.bool_]) -> Rivals:
        """Solve for these cosines (m, m) and targets (m, classes), of examples in canonical order."""
        shifted = exponential_kernel(SHARPNESS, cosines).T  # symmetric, in LAPACK's order
        shifted[np.diag_indices_from(shifted)] += NOISE
        factor = factored(shifted)
        wanted = targets.astype(np.float64)
        duals = solved(factor, wanted)
        left_out = wanted - duals / inverse_diagonal(factor)[:, None]
        return cls(Duals.of(duals), left_out)

    def scores(self, cosines: Floats) -> Floats:
        """Scores of items with these cosines (n, m), near 1 for a class: (n, classes)."""
        return self.duals.scores(SHARPNESS, cosines)


def choose_rivals(nearest: Sequence[int], counts: Sequence[int]) -> list[int]:
    """The group of the first of these classes, given by falling nearness with how many examples each has, ascending."""
    size = min(FEWEST_CLASSES, len(nearest))
    while size < len(nearest) and sum(counts[: size + 1]) <= USUAL_ROWS:
        size += 1
    return sorted(nearest[:size])
