"""Kernels of the cosine, and codes centred on a mean in whole numbers, against plain Python."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

from protomem.codes import CODE_MAX, MAX_DIMENSION
from protomem.ensemble import FEW_ROWS
from protomem.heads.cosines import Centre, cosines, exponential_kernel

CODES = st.integers(-CODE_MAX, CODE_MAX)


@given(
    st.lists(st.lists(CODES, min_size=3, max_size=3), min_size=1, max_size=12), st.lists(CODES, min_size=3, max_size=3)
)
def test_centred_codes_point_from_the_mean(examples: list[list[int]], item: list[int]) -> None:
    """Away from the mean by exact fractions, times the number of examples."""
    centre = Centre.of(np.array(examples, dtype=np.int8))
    away, lengths = centre.apart(np.array([item], dtype=np.float32))
    mean = [Fraction(sum(column), len(examples)) for column in zip(*examples, strict=True)]
    expected = [len(examples) * (code - middle) for code, middle in zip(item, mean, strict=True)]
    assert away[0].tolist() == expected
    assert lengths[0] == (math.sqrt(sum(one * one for one in expected)) or 1.0)


def test_an_item_at_the_centre_is_across_from_everything() -> None:
    codes = np.array([[3, 1], [3, 1], [3, 1]], dtype=np.int8)
    away, lengths = Centre.of(codes).apart(codes.astype(np.float32))
    assert cosines(away, lengths, away, lengths).tolist() == [[0.0] * 3] * 3


def test_the_largest_products_of_centred_codes_are_exact() -> None:
    """Of FEW_ROWS examples as far apart as codes can be, in the widest space: no sum reaches 2^53."""
    away = 2 * CODE_MAX * FEW_ROWS
    assert MAX_DIMENSION * away**2 < 2**53
    codes = np.full((FEW_ROWS, MAX_DIMENSION), -CODE_MAX, dtype=np.int8)
    codes[0] = CODE_MAX
    centred, _ = Centre.of(codes).apart(codes[:2].astype(np.float32))
    expected = [FEW_ROWS * int(code) - (CODE_MAX - CODE_MAX * (FEW_ROWS - 1)) for code in codes[:2, 0]]
    assert centred[:, 0].tolist() == expected
    assert (centred @ centred.T).tolist() == [[MAX_DIMENSION * a * b for a in expected] for b in expected]


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_the_exponential_kernel_is_its_formula(sharpness: float) -> None:
    left, right = drawn_codes(0, 5), drawn_codes(1, 7)
    lengths = [np.array([math.sqrt(sum(int(code) ** 2 for code in row)) for row in rows]) for rows in (left, right)]
    found = exponential_kernel(sharpness, left.astype(np.float32), lengths[0], right.astype(np.float32), lengths[1])
    for i, j in np.ndindex(found.shape):
        inner = sum(int(a) * int(b) for a, b in zip(left[i], right[j], strict=True))
        assert math.isclose(
            found[i, j], math.exp(sharpness * (inner / lengths[0][i] / lengths[1][j] - 1)), rel_tol=1e-12
        )
