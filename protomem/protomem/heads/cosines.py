"""Kernels of the cosine between codes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cosines", "exponential_kernel"]

Floats = npt.NDArray[np.float64]


def cosines(
    left: npt.NDArray[np.float32], left_lengths: Floats, right: npt.NDArray[np.float32], right_lengths: Floats
) -> Floats:
    """Cosines between codes (m, d) and (n, d) with these lengths: (m, n). The inner products are exact integers."""
    cosine = (left @ right.T).astype(np.float64)
    cosine /= left_lengths[:, None]
    cosine /= right_lengths[None, :]
    return cosine


def exponential_kernel(
    sharpness: float,
    left: npt.NDArray[np.float32],
    left_lengths: Floats,
    right: npt.NDArray[np.float32],
    right_lengths: Floats,
) -> Floats:
    """κ = exp(sharpness · (cos - 1)) between codes (m, d) and (n, d) with these lengths: (m, n)."""
    cosine = cosines(left, left_lengths, right, right_lengths)
    cosine -= 1
    cosine *= sharpness
    return np.asarray(np.exp(cosine, out=cosine))
