"""The lift is a function of integers: features equal those computed with Python's own, on every input."""

from __future__ import annotations

import hashlib
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.laws.oracle import ternary as plain_ternary

from protomem.codes import CODE_MAX, EXACT_FLOAT32, code_scale, quantize
from protomem.lift import FEATURE_MAX, GRAM_ROWS, Lift, ternary

SHAPES = [(1, 3), (2, 8), (6, 5), (26, 4), (384, 16), (4_096, 2)]


@cache
def lift(dimension: int, width: int) -> Lift:
    return Lift(dimension, width, seed=0)


@given(st.data())
def test_features_equal_those_of_python_integers(data: st.DataObject) -> None:
    """Also for codes no unit vector has: every byte in -127..127."""
    dimension, width = data.draw(st.sampled_from(SHAPES))
    codes = data.draw(hnp.arrays(np.int8, (data.draw(st.integers(1, 3)), dimension), elements=st.integers(-127, 127)))
    found = lift(dimension, width).features(codes)
    assert found.dtype == np.int8
    assert found.tolist() == plain_features(codes.tolist(), dimension, width)


@pytest.mark.parametrize(("dimension", "width"), SHAPES)
def test_features_of_ordinary_vectors_equal_those_of_python_integers(dimension: int, width: int) -> None:
    codes = quantize(np.random.default_rng(1).normal(size=(60, dimension)), code_scale(dimension))
    assert lift(dimension, width).features(codes).tolist() == plain_features(codes.tolist(), dimension, width)


@pytest.mark.parametrize("sign", [1, -1])
def test_features_stay_in_their_range_at_the_worst_case(sign: int) -> None:
    """Codes of full size along a projection: the largest sums there are."""
    column = np.array(plain_ternary("protomem lift 0", 4_096 * 2)).reshape(4_096, 2)[:, 0]
    codes = (sign * CODE_MAX * column).astype(np.int8)[None]
    assert lift(4_096, 2).features(codes)[0, 0] == (FEATURE_MAX if sign == 1 else 0)
    assert abs(int(column @ codes[0].astype(int))) < EXACT_FLOAT32


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6).map(lambda s: (s[0], 6))))
def test_features_are_whole_numbers_of_five_bits(codes: np.ndarray) -> None:
    features = lift(6, 5).features(codes)
    assert features.shape == (len(codes), 5)
    assert np.array_equal(features, features.astype(int).clip(0, 31))


def test_a_row_has_the_same_features_alone_and_in_a_batch() -> None:
    codes = quantize(np.random.default_rng(2).normal(size=(1_100, 384)), code_scale(384))
    together = lift(384, 16).features(codes)
    assert np.array_equal(together, np.concatenate([lift(384, 16).features(row[None]) for row in codes]))


def test_no_rows_have_no_features() -> None:
    assert lift(6, 5).features(np.empty((0, 6), dtype=np.int8)).shape == (0, 5)


def test_gram_rows_is_the_last_number_of_rows_that_stays_exact() -> None:
    assert GRAM_ROWS * FEATURE_MAX**2 <= EXACT_FLOAT32 < (GRAM_ROWS + 1) * FEATURE_MAX**2


def test_the_same_seed_gives_the_same_lift_and_another_seed_another() -> None:
    codes = quantize(np.random.default_rng(3).normal(size=(9, 384)), code_scale(384))
    assert np.array_equal(Lift(384, 16, seed=0).features(codes), Lift(384, 16, seed=0).features(codes))
    assert not np.array_equal(Lift(384, 16, seed=0).features(codes), Lift(384, 16, seed=1).features(codes))


@given(st.text(max_size=20), st.integers(0, 400))
def test_ternary_entries_are_read_from_shake_256(seed: str, size: int) -> None:
    stream = hashlib.shake_256(seed.encode()).digest(size)
    expected = [1 if byte < 43 else -1 if byte >= 213 else 0 for byte in stream]
    assert ternary(seed, size).tolist() == expected


def test_a_third_of_the_entries_are_filled_evenly_by_sign() -> None:
    """43 of 256 bytes each way; three standard deviations of a sample of this size are 0.0012."""
    entries = ternary("any", 10**6)
    for sign in (1, -1):
        assert abs(np.mean(entries == sign) - 43 / 256) < 0.0012


def plain_features(codes: list[list[int]], dimension: int, width: int) -> list[list[int]]:
    signs = plain_ternary("protomem lift 0", dimension * width)
    step = max(1, round(3.5 * (round(127 * math.sqrt(dimension) / 5) / math.sqrt(3)) / 32))
    return [
        [min(max(sum(map(int.__mul__, row, signs[column::width])) // step, 0), FEATURE_MAX) for column in range(width)]
        for row in codes
    ]
