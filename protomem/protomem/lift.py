"""The lift: a seeded random projection with entries in {-1, 0, +1}, shift and clip. Integers in, integers out.

φ(c) = clip(⌊cᵀP / step⌋, 0, 31), the random ReLU features of ACU (arXiv 2505.12239) and RanPAC (arXiv 2307.02251) on an
integer grid. Every sum on the way is an integer below 2²⁴, so it is the same whatever the machine, the kernel, the
batch and the number of threads.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import EXACT_FLOAT32, Codes, code_scale
from protomem.products import products

__all__ = ["FEATURE_MAX", "GRAM_ROWS", "Features", "Lift"]

Features = npt.NDArray[np.int8]
"""int8 array (n, D) of integers in 0..FEATURE_MAX."""

FEATURE_MAX = 31
"""Largest feature. Five bits cost no accuracy against seven (held-out BANKING77 within 0.1 points) and let a float32
sum of products run over 17,458 rows instead of 1,040 before it has to be moved to int64."""

GRAM_ROWS = EXACT_FLOAT32 // FEATURE_MAX**2
"""Rows whose products of features can be summed in float32 without rounding."""

SIGMAS = 3.5
"""The grid of features ends this many standard deviations of a projection out; beyond it they are clipped."""


BLOCK_ROWS = 1_024
"""Rows projected at a time: 8 MB of sums at the default width; 256 and 512 were no faster."""


@final
@dataclass(frozen=True, slots=True)
class Lift:
    """Integer random features: d codes in, `width` features in 0..31 out, fixed by (dimension, width, seed)."""

    dimension: int
    width: int
    seed: int
    step: int = field(init=False)
    _projection: npt.NDArray[np.int8] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A projection of codes of length `scale` on {-1, 0, +1} with a third of the entries filled has this spread.
        sigma = code_scale(self.dimension) / math.sqrt(3)
        object.__setattr__(self, "step", max(1, round(SIGMAS * sigma / (FEATURE_MAX + 1))))
        signs = ternary(f"protomem lift {self.seed}", self.dimension * self.width)
        object.__setattr__(self, "_projection", signs.reshape(self.dimension, self.width))

    def features(self, codes: Codes) -> Features:
        """Features of codes: (n, d) int8 to (n, width) int8."""
        features = np.empty((len(codes), self.width), dtype=np.int8)
        end = self.step * (FEATURE_MAX + 1) - 1
        for start in range(0, len(codes), BLOCK_ROWS):
            sums = products().multiply(codes[start : start + BLOCK_ROWS], self._projection)
            # Clipped first: then a 16-bit integer holds it at every dimension, and those are divided fastest.
            steps = np.clip(sums, 0, end, out=sums).astype(np.uint16)
            features[start : start + BLOCK_ROWS] = np.floor_divide(steps, self.step, out=steps)
        return features


def ternary(seed: str, size: int) -> npt.NDArray[np.int8]:
    """`size` entries in {-1, 0, +1}, a third of them filled, as a pure function of the seed.

    Taken from SHAKE-256, so that no library's random number generator can change what a memory was built with.
    """
    dice = np.frombuffer(hashlib.shake_256(seed.encode()).digest(size), dtype=np.uint8)
    return (dice < 43).astype(np.int8) - (dice >= 213).astype(np.int8)
