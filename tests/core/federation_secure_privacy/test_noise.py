"""The noise is the discrete Gaussian, and the accountant promises neither more nor much less than there is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("opendp", reason="differential privacy needs protomem[private]")

from scipy.optimize import brentq
from scipy.stats import chisquare, norm

from protomem.federation.noise import discrete_gaussian, epsilon_of


@pytest.mark.parametrize("scale", [0.7, 2.5])
def test_noise_has_the_probabilities_of_the_discrete_gaussian(scale: float) -> None:
    """The dice are the system's: the bound is so low that chance alone does not fall below it."""
    drawn = discrete_gaussian(np.zeros(20_000, dtype=np.int64), scale)
    reach = int(3 * scale)
    inside = np.arange(-reach, reach + 1)
    weights = np.exp(-(np.arange(-60, 61) ** 2) / (2 * scale**2))
    expected = len(drawn) * np.exp(-(inside**2) / (2 * scale**2)) / weights.sum()
    counted = np.array([np.count_nonzero(drawn == value) for value in inside])
    outside = len(drawn) - counted.sum()
    found = chisquare([*counted, outside], [*expected, len(drawn) - expected.sum()])
    assert found.pvalue > 1e-12


def test_noise_is_added_to_the_values_each_by_itself() -> None:
    values = np.array([-(2**40), 0, 2**40] * 2_000, dtype=np.int64)
    moved = discrete_gaussian(values, 3.0) - values
    assert np.abs(moved).max() < 60
    assert len(np.unique(moved[::3])) > 5
    assert abs(np.corrcoef(moved[::2], moved[1::2])[0, 1]) < 0.2


def renyi_epsilon(rho: float, delta: float) -> float:
    """Corollary 13 of Canonne, Kamath and Steinke on a grid of orders."""
    orders = 1 + np.logspace(-3, 4, 200_000)
    with np.errstate(over="ignore", under="ignore"):
        found = orders * rho + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
    return float(found.min())


def normal_epsilon(distance: float, delta: float) -> float:
    """What continuous normal noise keeps at this distance, exactly (Balle and Wang, 2018, theorem 8)."""

    def excess(epsilon: float) -> float:
        first = norm.cdf(distance / 2 - epsilon / distance)
        return first - np.exp(epsilon) * norm.cdf(-distance / 2 - epsilon / distance) - delta

    return float(brentq(excess, 0.0, 200.0))


@pytest.mark.parametrize("distance", [0.02, 0.2, 0.6, 2.0, 5.0])
@pytest.mark.parametrize("delta", [1e-5, 1e-9])
def test_epsilon_is_that_of_the_paper_and_above_that_of_normal_noise(distance: float, delta: float) -> None:
    epsilon = epsilon_of(distance, delta)
    assert epsilon == pytest.approx(renyi_epsilon(distance**2 / 2, delta), rel=1e-4)
    assert normal_epsilon(distance, delta) < epsilon < 1.2 * normal_epsilon(distance, delta) + 0.01
