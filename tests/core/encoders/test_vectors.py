from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from protomem.encoders import Encoder, Vectors
from protomem.errors import InvalidInput, InvalidVectors

FINITE = [[1.0, 0.0, -0.1], [0.1, 1e-30, 3e30]]


def test_fulfils_the_port() -> None:
    encoder: Encoder = Vectors(3)
    assert (encoder.name, encoder.dimension) == ("vectors:3", 3)
    assert encoder.reproducible
    assert not encoder.keeps_text


def test_fingerprint_is_the_published_one() -> None:
    # printf 'protomem vectors 1\ndimension 384\n' | sha256sum
    assert Vectors(384).fingerprint == "6e68fe67baf39a294d669c44e641849c001aef17052cc192949b1ac8f81d73f5"


def test_fingerprint_tells_dimensions_apart() -> None:
    assert len({Vectors(dimension).fingerprint for dimension in (1, 2, 38, 384, 4_096)}) == 5


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (np.array(FINITE, np.float32), np.float32),
        (np.array(FINITE, np.float64), np.float64),
        (np.array(FINITE, ">f8"), np.float64),
        (np.array(FINITE, np.float64)[:, ::-1], np.float64),
        (np.array([[1, -2, 0.5]], np.float16), np.float32),
        (np.array([[1, -128, 0]], np.int8), np.float32),
        (np.array([[65_535, 1, 0]], np.uint16), np.float32),
        (np.array([[2**31 - 1, 1, 0]], np.int32), np.float64),
        (np.array([[2**53, -(2**53), 0]], np.int64), np.float64),
        (FINITE, np.float64),
        ([np.ones(3, np.float32), np.ones(3, np.float32)], np.float32),
    ],
)
def test_values_come_back_unchanged(given: Any, dtype: type) -> None:
    encoded = Vectors(3).encode(given)
    assert encoded.dtype == dtype
    assert encoded.tolist() == np.asarray(given).tolist()


def test_float32_is_not_copied() -> None:
    given = np.ones((2, 3), np.float32)
    assert Vectors(3).encode(given) is given


@pytest.mark.parametrize("nothing", [[], np.empty((0, 3))])
def test_no_vectors_give_no_vectors(nothing: Any) -> None:
    assert Vectors(3).encode(nothing).shape == (0, 3)


def test_progress_is_told_once() -> None:
    told: list[tuple[int, int]] = []
    Vectors(3).encode(np.ones((5, 3)), progress=lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(3), r"got an array \(3,\), expected \(n, 3\): a single vector is passed as \(1, 3\)"),
        (np.ones((2, 4)), r"got an array \(2, 4\), expected \(n, 3\): encode with the model"),
        (np.empty((0, 4)), r"got an array \(0, 4\), expected \(n, 3\)"),
        (np.ones((2, 3, 1)), r"got an array \(2, 3, 1\), expected \(n, 3\)"),
        (np.float64(1.0), r"got an array \(\), expected \(n, 3\)"),
        ([[1.0, 2.0, 3.0], [1.0]], "numpy cannot read the vectors as one array"),
        (np.ones((1, 3), complex), "dtype complex128 are not real numbers: pass float32 or float64"),
        (np.ones((1, 3), bool), "dtype bool are not real numbers"),
        (np.ones((1, 3), object), "dtype object are not real numbers"),
        (np.ones((1, 3), "m8[s]"), "are not real numbers"),
        ("a text", "got text where vectors are expected"),
        (["a text", "another"], "got text where vectors are expected: pass an array .* or open a memory with a text"),
        (np.array([[2**53 + 1, 1, 1]]), r"integers beyond 2\^53 have no float64 of the same value"),
        ([[1, 1, 1], [1, np.nan, 1], [np.nan, 1, 1]], r"vector 1 has a NaN: .* \(2 such rows\)$"),
        ([[1, 1, 1], [1, 1, 1], [1, -np.inf, 1]], "vector 2 has an infinite value: [^(]*$"),
        ([[0, 0, 0], [1, 1, 1]], "vector 0 is all zeros and has no direction: leave it out$"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(given: Any, message: str) -> None:
    with pytest.raises(InvalidVectors, match=message):
        Vectors(3).encode(given)


def test_a_tensor_with_a_gradient_is_refused() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(InvalidVectors, match="numpy cannot read the vectors as one array"):
        Vectors(3).encode(torch.ones(1, 3, requires_grad=True))


@pytest.mark.parametrize("dimension", [0, -1, 4_097, 3.0, "3", True, None])
def test_impossible_dimensions_are_refused(dimension: Any) -> None:
    with pytest.raises(InvalidInput, match=r"the dimension must be a whole number from 1 to 4,096"):
        Vectors(dimension)
