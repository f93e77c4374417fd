"""Both ways through the remembered codes give the same exact integers."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from protomem.codes import code_scale, quantize
from protomem.search import BLOCK_ROWS, WORTH_SPLITTING, CodeIndex, search


def drawn(seed: int, count: int, dimension: int) -> np.ndarray:
    return quantize(np.random.default_rng(seed).normal(size=(count, dimension)), code_scale(dimension))


@pytest.mark.parametrize("dimension", [1, 3, 8, 13, 16, 384])
@pytest.mark.parametrize(("remembered", "queries"), [(1, 1), (30, 5), (700, 40), (300, WORTH_SPLITTING + 1)])
def test_blocks_and_bytes_find_the_largest_products(dimension: int, remembered: int, queries: int) -> None:
    codes, items = drawn(0, remembered, dimension), drawn(1, queries, dimension)
    index, numbers = CodeIndex(codes), items.astype(np.float32)
    count = min(21, remembered)
    products = items.astype(np.int64) @ codes.T.astype(np.int64)
    expected = -np.sort(-products, axis=1)[:, :count]
    assert len(index) == remembered
    for found, rows in (index.search(numbers, count), index.search_blocks(numbers, count)):
        assert np.array_equal(found, expected)
        assert np.array_equal(np.take_along_axis(products, rows, axis=1), expected)
        assert all(len(set(row)) == count for row in rows.tolist())


def test_blocks_are_put_together_at_their_seams() -> None:
    """More codes than a block holds, the best of them on both sides of the seam."""
    codes = drawn(2, BLOCK_ROWS + 50, 8)
    items = codes[BLOCK_ROWS - 3 : BLOCK_ROWS + 3]
    index, numbers = CodeIndex(codes), items.astype(np.float32)
    expected = -np.sort(-(items.astype(np.int64) @ codes.T.astype(np.int64)), axis=1)[:, :30]
    for found, _ in (index.search(numbers, 30), index.search_blocks(numbers, 30)):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("queries", [1, 19, 20, WORTH_SPLITTING - 1, WORTH_SPLITTING, 2 * WORTH_SPLITTING + 1])
def test_splitting_among_threads_changes_nothing(queries: int) -> None:
    vectors, items = drawn(3, 40, 16).astype(np.float32), drawn(4, queries, 16).astype(np.float32)
    index = faiss.IndexFlatIP(16)
    index.add(vectors)
    products, rows = search(index, items, 5)
    exact = items.astype(np.int64) @ vectors.T.astype(np.int64)
    assert np.array_equal(products, -np.sort(-exact, axis=1)[:, :5])
    assert np.array_equal(np.take_along_axis(exact, rows, axis=1), products)


def test_the_number_of_threads_of_faiss_is_left_as_it_was() -> None:
    before = faiss.omp_get_max_threads()
    CodeIndex(drawn(5, 10, 8)).search(drawn(6, 3, 8).astype(np.float32), 4)
    assert faiss.omp_get_max_threads() == before
