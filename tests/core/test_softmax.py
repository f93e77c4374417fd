"""The softmax and the logarithm of its sum are those of the definition, where the definition overflows too."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protomem.softmax import log_sum_exp, softmax

SCORES = st.lists(st.floats(-300, 300), min_size=1, max_size=6)


def test_what_may_not_be_answered_and_what_overflows_is_borne() -> None:
    scores = np.array([[0.0, -np.inf, 0.0], [2_000.0, 2_000.0, 0.0], [-2_000.0, -np.inf, -np.inf]])
    assert np.allclose(log_sum_exp(scores), [math.log(2), 2_000 + math.log(2), -2_000], rtol=1e-15)
    assert np.allclose(softmax(scores), [[0.5, 0, 0.5], [0.5, 0.5, 0], [1, 0, 0]], rtol=1e-15)


@given(SCORES)
def test_both_are_those_of_the_definition(scores: list[float]) -> None:
    powers = [Fraction(math.exp(score)) for score in scores]  # sums of these are exact
    row = np.array([scores])
    assert np.allclose(softmax(row)[0], [float(one / sum(powers)) for one in powers], rtol=1e-13, atol=1e-300)
    assert math.isclose(log_sum_exp(row)[0], math.log(sum(powers)), rel_tol=1e-13, abs_tol=1e-13)
