"""Codes: an embedding on a fixed int8 grid.

Everything learned is a sum over codes, so an item is encoded once and its codes are what is remembered and, later,
subtracted.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["CODE_MAX", "EXACT_FLOAT32", "MAX_DIMENSION", "Codes", "code_lengths", "code_scale", "quantize"]

Codes = npt.NDArray[np.int8]
"""int8 array (n, d)."""

CODE_MAX = 127
"""Largest absolute value of a code; symmetric, so that the negative of a code is a code."""

EXACT_FLOAT32 = 2**24
"""Integers up to this size are exact in float32, in any order of summation."""

FIVE_SIGMA = 5.0
"""A component of a random unit vector has standard deviation 1/√d; the grid ends five of them out."""

MAX_DIMENSION = 4_096
"""By Cauchy-Schwarz every partial sum of a product of two codes is at most about scale² = 127²·d/25, which is exact in
float32 up to d = 26,000; 4,096 is the widest embedding in common use and leaves room for the keys' tie-break."""


def code_scale(dimension: int) -> int:
    """The fixed scale of the grid for unit vectors of this dimension: round(127·√d / 5)."""
    return round(CODE_MAX * math.sqrt(dimension) / FIVE_SIGMA)


def quantize(embeddings: npt.NDArray[np.floating], scale: int) -> Codes:
    """Codes of embeddings: the unit vector times `scale`, rounded half to even, clipped to ±127.

    `embeddings` is a float array (n, d) of finite rows, none all zero. Rows are brought to a largest component of 1
    before their length is taken, so that neither 1e300 nor 1e-300 overflows or vanishes.
    """
    rows = np.asarray(embeddings, dtype=np.float64)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(np.clip(np.rint(rows * scale), -CODE_MAX, CODE_MAX), dtype=np.int8)


def code_lengths(codes: npt.NDArray[np.float32] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Euclidean lengths of codes given as floats (n, d): (n,). The sums of squares are exact integers."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", codes, codes).astype(np.float64)))
