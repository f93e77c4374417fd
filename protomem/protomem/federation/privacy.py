"""Differential privacy of what a client shares: noise on the counts and code sums of an agreed list of labels.

What the promise is about is one example more or less (or `most_examples` of one person), whoever sees the noisy sums.

How far one example moves the sums. Its codes are c = clip(rint(s·u)) with the scale s of the grid, a unit vector u of
dimension d and components clipped to ±127. Clipping shortens, rounding moves each component by 1/2 at most, so that
‖c‖ ≤ ‖s·u‖ + ‖rint(s·u) − s·u‖ ≤ s + √d / 2 = L: 508 for d = 384, where s = 498. An example counts in full for each of
its labels, at most m: it moves m counts by 1 each and m code sums by c each. With noise of scale σₙ on counts and σ on
code sums that is a distance of √(m·(1/σₙ² + L²/σ²)) standard deviations, and k times as much for k examples.

The list of labels is public and does not come from the examples: which labels a client has would otherwise be told.
Only the level "prototypes" is offered:

- codebooks: an example moves one count in each of 64 books, √64 in all. Noise for ε = 1 has a scale of about 36 on
  counts that are 1.5 on average at 100 examples a label: nothing is left of them.
- full: an example moves the Gram matrix by ‖φφᵀ‖ = ‖φ‖², up to 31²·D. Noise of that scale on D² entries leaves nothing
  of it; and the commitment, a hash of the examples, tells whoever guesses them that the guess is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
import numpy.typing as npt

from protomem.codes import CODE_MAX, code_scale
from protomem.errors import InvalidInput
from protomem.federation.noise import Noise, discrete_gaussian, epsilon_of
from protomem.federation.secure_layout import agreed_labels, check_agreed
from protomem.federation.sums import Sums

__all__ = ["NoiseScales", "Protection", "longest_codes", "noise_scales", "plausible", "private_sums"]

Integers = npt.NDArray[np.int64]

COUNTS_SHARE: Final = 0.1
"""Of the squared distance, what counts may use. They matter less than directions: at ε = 1 their noise has a scale of
about 14, and that of code sums is 5 % wider than if counts were not told at all."""

LEAST_SHARED_SCALE: Final = 4.0
"""Noise that several clients make together is a sum of discrete Gaussians, which is not one. Kairouz, Liu and Steinke,
"The Distributed Discrete Gaussian Mechanism" (2021), theorem 1: the distance grows by τ·√n for n integers, with
τ = 10·Σₖ exp(−2π²σ²·k/(k+1)) over k = 1 to clients − 1. From σ = 4 on τ is below 1e-64, far below a rounding."""

ROUNDING: Final = 1 + 1e-9
"""By how much scales are wider than computed: more than all roundings of their computation together."""

MOST_EPSILON: Final = 100.0

MOST_NUMBER: Final = 10**9
"""Of labels, examples and clients: more than there are."""

LEAST_DISTANCE: Final = 2.0**-70
"""In standard deviations. A smaller one takes scales beyond `MOST_SCALE` even where `MOST_NUMBER` clients share it."""

MOST_SCALE: Final = 2.0**40
"""Wider noise is refused: sums over 2³⁰ examples drown in it, and totals of 1,000 clients stay far below 2⁵³."""


@final
@dataclass(frozen=True, slots=True)
class Protection:
    """The promise (ε, δ): `epsilon` in (0, 100], `delta` in (0, 1).

    `most_labels` is how many labels an example has at most, `most_examples` how many examples one person has at most,
    and `clients` how many make the noise together: of a secure sum, the agreed minimum less those that may collude; 1
    where a contribution is to be private by itself. Raises `InvalidInput` for numbers out of range, or not whole.
    """

    epsilon: float
    delta: float = 1e-6
    most_labels: int = 1
    most_examples: int = 1
    clients: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.epsilon <= MOST_EPSILON:
            raise InvalidInput(
                f"epsilon must be above 0 and at most 100, which promises next to nothing, not {self.epsilon}"
            )
        if not 0 < self.delta < 1:
            raise InvalidInput(
                f"delta must be between 0 and 1, far below one in the number of examples, not {self.delta}"
            )
        for name in ("most_labels", "most_examples", "clients"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_NUMBER:
                raise InvalidInput(f"{name} must be at least 1, a whole number up to {MOST_NUMBER:,}, not {value}")


@final
@dataclass(frozen=True, slots=True)
class NoiseScales:
    """Scales, nearly standard deviations, of the noise that one client adds to each count and each component."""

    counts: float
    codes: float


def longest_codes(dimension: int) -> float:
    """L of the module's text: an upper bound of the Euclidean length of one example's codes."""
    return math.sqrt(math.ceil((code_scale(dimension) + math.sqrt(dimension) / 2) ** 2))


def noise_scales(dimension: int, protection: Protection) -> NoiseScales:
    """The scales that keep the promise for codes of this dimension.

    Raises `InvalidInput` where they are beyond `MOST_SCALE`: nothing would be left of any sum.
    """
    distance = _distance(protection.epsilon, protection.delta) / protection.most_examples
    each = math.sqrt(protection.most_labels / protection.clients) / distance * ROUNDING
    counts = each / math.sqrt(COUNTS_SHARE)
    codes = each * longest_codes(dimension) / math.sqrt(1 - COUNTS_SHARE)
    if protection.clients > 1:
        counts, codes = max(counts, LEAST_SHARED_SCALE), max(codes, LEAST_SHARED_SCALE)
    if codes > MOST_SCALE:
        raise InvalidInput(
            f"this promise takes noise of a scale of {codes:.0e}, which leaves nothing of any sum: allow a larger "
            "epsilon or delta, or fewer labels and examples of one person"
        )
    return NoiseScales(counts, codes)


def private_sums(
    sums: Sums, labels: Sequence[str], protection: Protection, *, noise: Noise = discrete_gaussian
) -> Sums:
    """Counts and code sums of these labels with noise: sums at the level "prototypes" to those of the same level.

    `labels` is the agreed, public list, sorted. Each label gets its noise, also one without examples; counts may come
    out negative. `count` is their sum. Add up what all clients send before `plausible`, which is biased for small sums.

    Raises `InvalidInput` for another level, and for sums that show that some example has more than `most_labels`
    labels; `InvalidLabel` for a list that is not sorted or distinct, or lacks a label of the sums.
    """
    _check(sums, labels, protection)
    scales = noise_scales(sums.space.settings.dimension, protection)
    rows = agreed_labels(sums, labels)
    counts = np.zeros(len(labels), dtype=np.int64)
    codes = np.zeros((len(labels), sums.space.settings.dimension), dtype=np.int64)
    counts[rows], codes[rows] = sums.counts, sums.arrays["codes"]
    return _of(sums, labels, noise(counts, scales.counts), noise(codes.reshape(-1), scales.codes).reshape(codes.shape))


def plausible(sums: Sums) -> Sums:
    """Noisy sums as those of examples could be: no label with a count below 1, no code sum beyond what so many allow.

    Components beyond ±127 an example are cut, and sums longer than L an example are shortened. It looks at nothing but
    the noisy sums, so the promise holds as before.
    """
    there = sums.counts > 0
    counts = sums.counts[there]
    most = CODE_MAX * counts[:, None]
    codes = np.clip(sums.arrays["codes"][there], -most, most)
    lengths = np.sqrt(np.square(codes.astype(np.float64)).sum(axis=1))
    dimension = sums.space.settings.dimension
    longest = (code_scale(dimension) + math.sqrt(dimension) / 2) * counts
    shorter = np.minimum(1.0, longest / np.maximum(lengths, 1.0))
    shortened = np.trunc(codes * shorter[:, None]).astype(np.int64)  # towards zero, so never longer
    return _of(sums, [name for name, kept in zip(sums.names, there.tolist(), strict=True) if kept], counts, shortened)


def _distance(epsilon: float, delta: float) -> float:
    """The largest distance in standard deviations that keeps (ε, δ), to 12 digits."""
    high = 1.0
    while epsilon_of(high, delta) <= epsilon:
        high *= 2
    low = high / 2
    while epsilon_of(low, delta) > epsilon and low > LEAST_DISTANCE:
        low /= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_of(middle, delta) <= epsilon else (low, middle)
    return low


def _of(like: Sums, labels: Sequence[str], counts: Integers, codes: Integers) -> Sums:
    """Sums of the same space with these counts (n,) and code sums (n, d)."""
    made = replace(like, count=int(counts.sum()), names=tuple(labels), counts=counts, arrays={"codes": codes})
    return Sums.zero(like.space, "prototypes") + made  # without labels whose numbers are all zero


def _check(sums: Sums, labels: Sequence[str], protection: Protection) -> None:
    if sums.level != "prototypes":
        raise InvalidInput(
            f"noise that protects an example leaves nothing of the level {sums.level!r}: share the level 'prototypes', "
            "or use secure aggregation without noise"
        )
    check_agreed(labels)
    given = int(sums.counts.sum())
    if given > protection.most_labels * sums.count:
        raise InvalidInput(
            f"some example has more than {protection.most_labels} labels: {sums.count} examples have {given}; "
            "raise most_labels, which widens the noise"
        )
