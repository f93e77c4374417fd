"""The subspace head: how well a class's own examples explain an item, by kernel least squares within the class.

With the kernel κ(a, b) = ((1 + cos) / 2)² and the class's matrix K, the part of an item that its examples leave
unexplained is

    r = 1 + γ - kᵀ(K + γI)⁻¹k,          score = -log r

the predictive variance of a Gaussian process on the class, or the residual of kernel linear-regression classification
(Naseem et al. 2010; Kemmler et al., "One-class classification with Gaussian processes", 2013). It is a closed-form
least-squares problem for each class alone: learning or forgetting an example touches one small factor. Leave-one-out is
free: without itself, an example's own r is 1 / diag((K + γI)⁻¹). With an example's own noise instead of γ, the
leverage diag(K (K + I)⁻¹) says how little the others tell of it: near ½ when it stands alone, 1 / (k + 1) for each of k
equal ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes, code_lengths
from protomem.heads.cosines import cosines
from protomem.heads.tiles import tiled_product
from protomem.lapack import factored, inverse_factor

__all__ = ["NOISE", "SUBSPACE_ROWS", "Subspace", "subspaces"]

Floats = npt.NDArray[np.float64]

NOISE = 0.1
"""γ, chosen among 0.03, 0.1, 0.3 and 1 on held-out training data at 5 examples a class and at all."""

LEVERAGE_NOISE = 1.0
"""As much noise as signal. Of 0.1, 0.3 and 1 only 1 keeps false alarms on CLINC150's validation split at the rate asked
for: 6.0, 5.7 and 4.9 % at 5 % (2,000 examples left out)."""

SUBSPACE_ROWS = 256
"""A larger class is split by hash into parts of at most this many rows, so that no write costs more than one factor of
this size."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Subspace:
    """The factor of one part of a class: `codes` float32 (m, d), their lengths, and the inverse Cholesky factor."""

    codes: npt.NDArray[np.float32]
    lengths: Floats
    inverse: Floats

    @classmethod
    def of(cls, codes: Codes) -> Subspace:
        """The subspace of these codes, int8 (m, d), in canonical order."""
        numbers = codes.astype(np.float32)
        lengths = code_lengths(numbers)
        return cls(numbers, lengths, _inverse_factor(_kernel(numbers, lengths, numbers, lengths), NOISE))

    def scores(self, codes: npt.NDArray[np.float32], lengths: Floats) -> Floats:
        """-log r of items with these codes (n, d) and lengths (n,): (n,)."""
        whitened = tiled_product(_kernel(codes, lengths, self.codes, self.lengths), self.inverse)
        explained = np.square(whitened).sum(axis=1)
        return np.asarray(-np.log(1 + NOISE - explained))

    def leave_one_out(self) -> Floats:
        """The score that each own example would get without itself: (m,)."""
        return np.asarray(np.log(np.square(self.inverse).sum(axis=1)))

    def leverages(self) -> Floats:
        """diag(K (K + I)⁻¹), in 0..½: (m,)."""
        kernel = _kernel(self.codes, self.lengths, self.codes, self.lengths)
        return np.asarray(1 - LEVERAGE_NOISE * np.square(_inverse_factor(kernel, LEVERAGE_NOISE)).sum(axis=1))


def subspaces(codes: Codes, hashes: npt.NDArray[np.uint64]) -> tuple[list[Subspace], npt.NDArray[np.int64]]:
    """The parts of one class and the part of each row, from its codes (m, d) and hashes (m, 2) in canonical order."""
    parts = 1 << max(0, int(np.ceil(np.log2(len(codes) / SUBSPACE_ROWS))))
    by_hash = (hashes[:, 1] % np.uint64(parts)).astype(np.int64)
    # What the hash leaves too large, as it must where a text was learned a thousand times, is cut in canonical order.
    rank = np.empty(len(codes), dtype=np.int64)
    for number in range(parts):
        rank[by_hash == number] = np.arange(np.count_nonzero(by_hash == number))
    _, part = np.unique(by_hash * len(codes) + rank // SUBSPACE_ROWS, return_inverse=True)
    return [Subspace.of(codes[part == number]) for number in range(part.max() + 1)], part


def _inverse_factor(kernel: Floats, noise: float) -> Floats:
    """L⁻ᵀ of K + noise · I = L Lᵀ."""
    lower = inverse_factor(factored(np.asfortranarray(kernel + noise * np.eye(len(kernel)))))
    return np.ascontiguousarray(np.tril(lower).T)


def _kernel(
    left: npt.NDArray[np.float32], left_lengths: Floats, right: npt.NDArray[np.float32], right_lengths: Floats
) -> Floats:
    """((1 + cos) / 2)² of codes."""
    cosine = cosines(left, left_lengths, right, right_lengths)
    cosine += 1
    cosine *= 0.5
    return np.asarray(np.square(cosine, out=cosine))
