"""Noise on integers, and what it promises, both by OpenDP (`protomem[private]`).

The discrete Gaussian of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020), is drawn
exactly, by rational arithmetic on the system's random bits: no rounding of a real number gives away what lies under it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from protomem.errors import MissingExtra

try:
    import opendp.prelude as opendp
except ImportError as error:
    raise MissingExtra("differential privacy", "private") from error

__all__ = ["Noise", "discrete_gaussian", "epsilon_of"]

Integers = npt.NDArray[np.int64]

Noise = Callable[[Integers, float], Integers]
"""Integers (n,) and a scale to those integers plus noise of that scale, each with its own."""

opendp.enable_features("contrib")  # what is not in "contrib" as well has no measurement of noise at all


def discrete_gaussian(values: Integers, scale: float) -> Integers:
    """The values (n,) plus discrete Gaussian noise: P(k) ∝ exp(−k² / 2·scale²), independent for each.

    The dice are the system's. About 10 µs a value.
    """
    integers = opendp.vector_domain(opendp.atom_domain(T="i64"))
    noise = opendp.m.make_gaussian(integers, opendp.l2_distance(T="f64"), scale=scale)
    return np.asarray(noise(values.tolist()), dtype=np.int64)


def epsilon_of(distance: float, delta: float) -> float:
    """The ε at this δ of discrete Gaussian noise on what one change moves by `distance` standard deviations.

    The noise is ρ-concentrated with ρ = distance² / 2, also where its scale differs from part to part (theorem 14 of
    Canonne, Kamath and Steinke); (ε, δ) follow from ρ by their corollary 13. Roundings go towards the larger ε.
    """
    unit = opendp.m.make_gaussian(opendp.atom_domain(T="i64"), opendp.absolute_distance(T="f64"), scale=1.0)
    curve: Any = opendp.c.make_zCDP_to_approxDP(unit)
    return float(curve.map(distance).epsilon(delta))
