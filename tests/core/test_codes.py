"""Codes are the unit vector on a fixed integer grid."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.laws.oracle import quantized

from protomem.codes import CODE_MAX, EXACT_FLOAT32, MAX_DIMENSION, code_lengths, code_scale, quantize

FLOATS = st.floats(-1e308, 1e308, allow_nan=False, allow_subnormal=True)
ROWS = st.lists(FLOATS, min_size=1, max_size=9)


@given(ROWS)
def test_codes_are_the_rounded_unit_vector_for_any_finite_row(row: list[float]) -> None:
    assume(any(row))
    scale = code_scale(len(row))
    assume(not beside_a_half(row, scale))
    assert quantize(np.array([row]), scale).tolist() == [list(quantized(row, scale))]


@given(ROWS, st.integers(-300, 300))
def test_the_length_of_a_vector_does_not_matter(row: list[float], power: int) -> None:
    """By powers of two, which are exact as long as nothing overflows or becomes subnormal."""
    stretched = [math.ldexp(value, power) if abs(value) < 1e200 else math.inf for value in row]
    assume(any(row))
    pairs = zip(row, stretched, strict=True)
    assume(all(one == 0 or min(abs(one), abs(other)) > 1e-280 for one, other in pairs))
    assume(all(map(math.isfinite, stretched)))
    scale = code_scale(len(row))
    assert np.array_equal(quantize(np.array([row]), scale), quantize(np.array([stretched]), scale))


@given(ROWS)
def test_the_opposite_vector_has_the_opposite_codes(row: list[float]) -> None:
    assume(any(row))
    scale = code_scale(len(row))
    assert np.array_equal(quantize(-np.array([row]), scale), -quantize(np.array([row]), scale))


@given(st.lists(st.lists(FLOATS, min_size=4, max_size=4).filter(any), min_size=1, max_size=40))
def test_a_row_has_the_same_codes_alone_and_in_a_batch(rows: list[list[float]]) -> None:
    scale = code_scale(4)
    together = quantize(np.array(rows), scale)
    assert np.array_equal(together, np.concatenate([quantize(np.array([row]), scale) for row in rows]))


@pytest.mark.parametrize("huge", [1e308, 1e300, 1e-300, 5e-324])
def test_neither_huge_nor_tiny_rows_overflow_or_vanish(huge: float) -> None:
    assert quantize(np.array([[huge, -huge, huge, huge]]), 100).tolist() == [[50, -50, 50, 50]]


def test_float32_rows_are_taken_at_their_value() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    assert quantize(rows, code_scale(384)).tolist() == [list(quantized(row, code_scale(384))) for row in rows.tolist()]


def test_halves_are_rounded_to_even_and_large_components_clipped() -> None:
    assert quantize(np.array([[1.0, 1.0, -1.0, -1.0]]), 51).tolist() == [[26, 26, -26, -26]]  # 25.5
    assert quantize(np.array([[1.0, 1.0, -1.0, -1.0]]), 49).tolist() == [[24, 24, -24, -24]]  # 24.5
    assert quantize(np.array([[0.0, -1.0, 0.0]]), 498).tolist() == [[0, -CODE_MAX, 0]]


@given(st.integers(1, MAX_DIMENSION))
def test_the_scale_is_its_formula_and_keeps_products_exact(dimension: int) -> None:
    scale = code_scale(dimension)
    assert abs(scale - 127 * math.sqrt(dimension) / 5) <= 0.5
    longest = scale + math.sqrt(dimension) / 2  # every component rounded up by a half
    assert longest**2 < EXACT_FLOAT32


def test_no_row_of_any_dimension_becomes_zero() -> None:
    """The largest component of a unit vector is at least 1/√d, on the grid 127/5."""
    for dimension in (1, 2, 25, 26, 384, MAX_DIMENSION):
        assert quantize(np.ones((1, dimension)), code_scale(dimension)).min() >= 25


@given(st.lists(st.lists(st.integers(-127, 127), min_size=5, max_size=5), min_size=1, max_size=5))
def test_lengths_are_roots_of_exact_sums_of_squares(codes: list[list[int]]) -> None:
    expected = [math.sqrt(sum(code * code for code in row)) for row in codes]
    assert code_lengths(np.array(codes, dtype=np.float32)).tolist() == expected


def beside_a_half(row: list[float], scale: int) -> bool:
    """Whether a component lies so near the middle between two codes that float64 may round it either way."""
    squares = sum(Fraction(value) ** 2 for value in row)
    positions = (math.sqrt(Fraction(value) ** 2 * scale**2 / squares) % 1 for value in row)
    return any(abs(position - 0.5) < 1e-9 for position in positions)
