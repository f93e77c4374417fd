"""The key of a code is the one with the largest inner product, the first of several."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.laws.oracle import ternary as plain_ternary

from protomem.codes import code_scale, quantize
from protomem.keys import BLOCK_ROWS, Keys
from protomem.products import Float32Products, Int8Products

SMALL = Keys(dimension=5, books=4, size=16, seed=3)


def plain_lookup(codes: np.ndarray, books: int, size: int, seed: int) -> list[list[int]]:
    """By Python integers: `index` finds the first of the largest."""
    dimension = codes.shape[1]
    signs = plain_ternary(f"protomem keys {seed}", books * size * dimension)
    keys = [signs[start : start + dimension] for start in range(0, len(signs), dimension)]
    found = []
    for row in codes.tolist():
        products = [sum(map(int.__mul__, row, key)) for key in keys]
        by_book = [products[start : start + size] for start in range(0, len(products), size)]
        found.append([book.index(max(book)) for book in by_book])
    return found


@given(hnp.arrays(np.int8, st.tuples(st.integers(1, 6), st.just(5)), elements=st.integers(-127, 127)))
def test_lookup_equals_python_integers(codes: np.ndarray) -> None:
    assert SMALL.lookup(codes).tolist() == plain_lookup(codes, 4, 16, 3)


@given(hnp.arrays(np.int8, st.tuples(st.integers(1, 6), st.just(5)), elements=st.integers(-1, 1)))
def test_of_equal_keys_the_lowest_index_wins(codes: np.ndarray) -> None:
    """Codes of -1, 0 and 1 meet many keys with the same inner product, the zero code all of them."""
    assert SMALL.lookup(codes).tolist() == plain_lookup(codes, 4, 16, 3)
    assert SMALL.lookup(np.zeros((1, 5), dtype=np.int8)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("count", [BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 6])
def test_of_equal_keys_the_lowest_index_wins_in_batches_of_every_size(count: int) -> None:
    codes = np.random.default_rng(count).integers(-1, 2, size=(count, 5)).astype(np.int8)
    assert SMALL.lookup(codes).tolist() == plain_lookup(codes, 4, 16, 3)


@pytest.mark.parametrize("dimension", [1, 384, 4_096])
def test_lookup_is_exact_at_every_dimension(dimension: int) -> None:
    keys = Keys(dimension, books=3, size=64, seed=0)
    rows = np.random.default_rng(4).normal(size=(20, dimension))
    along = np.array(plain_ternary("protomem keys 0", 64 * dimension)).reshape(64, dimension)[7]
    codes = quantize(np.vstack([rows, along[None]]) if along.any() else rows, code_scale(dimension))
    assert keys.lookup(codes).tolist() == plain_lookup(codes, 3, 64, 0)


def test_a_row_has_the_same_keys_alone_and_in_any_batch() -> None:
    keys = Keys(32, books=64, size=64, seed=0)
    codes = quantize(np.random.default_rng(5).normal(size=(2_500, 32)), code_scale(32))
    together = keys.lookup(codes)
    assert together.shape == (2_500, 64)
    for size in (1, 2, 19, 20, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1):
        assert np.array_equal(keys.lookup(codes[:size]), together[:size])


def test_no_rows_have_no_keys() -> None:
    assert SMALL.lookup(np.empty((0, 5), dtype=np.int8)).shape == (0, 4)


@pytest.mark.parametrize("kernel", [Int8Products(), Float32Products()], ids=["int8", "float32"])
def test_faiss_finds_the_same_keys_with_every_kernel(
    kernel: Int8Products | Float32Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no two keys are equally near: FAISS does not say which of equals it takes."""
    monkeypatch.setattr("protomem.keys.products", lambda: kernel)
    keys = Keys(384, books=8, size=64, seed=0)
    codes = quantize(np.random.default_rng(6).normal(size=(300, 384)), code_scale(384))
    found = keys.lookup(codes)
    signs = np.array(plain_ternary("protomem keys 0", 8 * 64 * 384), dtype=np.float32).reshape(8, 64, 384)
    for book in range(8):
        index = faiss.IndexFlatIP(384)
        index.add(signs[book])
        nearest, rows = index.search(codes.astype(np.float32), 2)
        clear = nearest[:, 0] > nearest[:, 1]
        assert clear.mean() > 0.9
        assert np.array_equal(found[clear, book], rows[clear, 0])
