"""The largest of each row, beside sorting in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomem.ranking import largest


@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(1, 60), count=st.integers(1, 8), kinds=st.integers(1, 9))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_largest_come_first_and_equal_ones_by_position(
    dtype: type[np.floating], seed: int, columns: int, count: int, kinds: int
) -> None:
    values = np.random.default_rng(seed).integers(-kinds, kinds, (3, columns)).astype(dtype)
    expected = [sorted(range(columns), key=lambda one: (-row[one], one))[:count] for row in values.tolist()]
    assert largest(values, count).tolist() == expected


@pytest.mark.parametrize("columns", [4, 400])
def test_what_may_not_be_chosen_is_not(columns: int) -> None:
    values = np.full((2, columns), -np.inf)
    values[:, [1, 3]] = [[0.0, 0.0], [-2.0, 5.0]]
    assert largest(values, 2).tolist() == [[1, 3], [3, 1]]


def test_the_values_stay_as_they_are() -> None:
    values = np.arange(100.0)[None, :]
    assert largest(values, 3).tolist() == [[99, 98, 97]]
    assert values.tolist() == [list(range(100))]
