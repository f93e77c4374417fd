"""Kernels of the cosine, and codes centred on a mean in whole numbers, against plain Python."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

from protomem.codes import CODE_MAX, MAX_DIMENSION, code_lengths, code_scale
from protomem.heads.cosines import Centre, cosines, exponential_kernel
from protomem.panels import FEW_ROWS


def centred_cosines(examples: list[list[int]], items: list[list[int]]) -> np.ndarray:
    remembered, asked = np.array(examples, dtype=np.int8), np.array(items, dtype=np.float32)
    products = asked @ remembered.astype(np.float32).T
    return Centre.of(remembered).cosines(asked, code_lengths(asked), products)


CODES = st.integers(-CODE_MAX, CODE_MAX)


@given(
    st.lists(st.lists(CODES, min_size=3, max_size=3), min_size=1, max_size=12), st.lists(CODES, min_size=3, max_size=3)
)
def test_centred_codes_point_from_the_mean(examples: list[list[int]], item: list[int]) -> None:
    """Away from the mean by exact fractions, times the number of examples."""
    mean = [Fraction(sum(column), len(examples)) for column in zip(*examples, strict=True)]
    away = [
        [len(examples) * (one - middle) for one, middle in zip(row, mean, strict=True)] for row in [item, *examples]
    ]
    lengths = [math.sqrt(sum(one * one for one in row)) or 1.0 for row in away]
    expected = [
        float(sum(a * b for a, b in zip(away[0], row, strict=True))) / lengths[0] / length
        for row, length in zip(away[1:], lengths[1:], strict=True)
    ]
    assert centred_cosines(examples, [item]).tolist() == [expected]


def test_an_item_at_the_centre_is_across_from_everything() -> None:
    codes = [[3, 1], [3, 1], [3, 1]]
    assert centred_cosines(codes, codes).tolist() == [[0.0] * 3] * 3


def test_the_largest_products_of_centred_codes_are_exact() -> None:
    """Of FEW_ROWS examples as far apart as codes can be, in the widest space: no sum reaches 2^53."""
    assert 4 * MAX_DIMENSION * (CODE_MAX * FEW_ROWS) ** 2 < 2**53
    longest = code_scale(MAX_DIMENSION) // math.isqrt(MAX_DIMENSION)  # every component of a code of the full length
    codes = np.full((FEW_ROWS, MAX_DIMENSION), -longest, dtype=np.int8)
    codes[0] = longest
    total = longest - longest * (FEW_ROWS - 1)
    away = [FEW_ROWS * int(code) - total for code in codes[:2, 0]]
    expected = [[MAX_DIMENSION * a * b / (abs(a * b) * MAX_DIMENSION) for b in away] for a in away]
    found = centred_cosines(codes.tolist(), codes[:2].tolist())[:, :2]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_the_exponential_kernel_is_its_formula(sharpness: float) -> None:
    left, right = drawn_codes(0, 5), drawn_codes(1, 7)
    lengths = [np.array([math.sqrt(sum(int(code) ** 2 for code in row)) for row in rows]) for rows in (left, right)]
    found = exponential_kernel(
        sharpness, cosines(left.astype(np.float32), lengths[0], right.astype(np.float32), lengths[1])
    )
    for i, j in np.ndindex(found.shape):
        inner = sum(int(a) * int(b) for a, b in zip(left[i], right[j], strict=True))
        assert math.isclose(
            found[i, j], math.exp(sharpness * (inner / lengths[0][i] / lengths[1][j] - 1)), rel_tol=1e-12
        )
