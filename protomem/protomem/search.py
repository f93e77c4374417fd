"""FAISS as the heads use it: exact integer inner products, on threads that wait without spinning.

FAISS and numpy bring a pool of threads each; on a few cores FAISS's, which spins a while after every search, starves
numpy's (measured on two cores: one answer 22 ms with both, 2 ms with this). So FAISS itself runs on one thread, and
many queries are split among ordinary threads, whose number cannot change a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, final

import faiss
import numpy as np
import numpy.typing as npt

from protomem.codes import Codes

__all__ = ["CodeIndex", "search"]

Result = TypeVar("Result")
Found = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]

THREADS = os.cpu_count() or 1

WORTH_SPLITTING = 1_024
"""Below this many queries a second thread gains less than it waits for a core: BLAS keeps its own threads spinning for
some 20 ms after every product."""

WORTH_BLOCKS = 1_024
"""From this many queries on, a pass of matrix products over all codes is cheaper than one search each."""

BLOCK_ROWS = 16_384
"""Codes turned to float32 at a time: 25 MB at 384 components."""

_POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="protomem-search")


@final
class CodeIndex:
    """A FAISS index of int8 codes (n, d) as they are: inner products are exact integers.

    A few queries go through the bytes, which is what fits the cache; many go through float32 blocks and BLAS, which is
    twice as fast at 1,000 queries. Both give the same integers.
    """

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._bytes = faiss.IndexScalarQuantizer(
            codes.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        with _one_thread():
            for start in range(0, len(codes), BLOCK_ROWS):
                self._bytes.add(codes[start : start + BLOCK_ROWS].astype(np.float32))

    def __len__(self) -> int:
        return len(self._codes)

    def search(self, queries: npt.NDArray[np.float32], count: int) -> Found:
        """Inner products and positions of the `count` best codes for each query (n, d), equals in any order."""
        if len(queries) < WORTH_BLOCKS:
            return search(self._bytes, queries, count)
        return self.search_blocks(queries, count)

    def search_blocks(self, queries: npt.NDArray[np.float32], count: int) -> Found:
        """As `search`, by matrix products over blocks of codes."""
        products, found = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        for start in range(0, len(self._codes), BLOCK_ROWS):
            block = self._codes[start : start + BLOCK_ROWS].astype(np.float32)
            some, rows = _search_block(block, queries, min(count, len(block)))
            products, found = np.hstack([products, some]), np.hstack([found, rows + start])
            best = np.argsort(-products, axis=1, kind="stable")[:, :count]
            products, found = np.take_along_axis(products, best, 1), np.take_along_axis(found, best, 1)
        return products, found


def search(index: faiss.Index, queries: npt.NDArray[np.float32], count: int) -> Found:
    """Inner products and positions of the `count` best vectors for each query (n, d): two arrays (n, count)."""
    parts = in_threads(lambda some: _search(index, some, count), queries)
    return np.concatenate([products for products, _ in parts]), np.concatenate([found for _, found in parts])


def in_threads(work: Callable[[npt.NDArray[np.float32]], Result], queries: npt.NDArray[np.float32]) -> list[Result]:
    """`work` on all queries, or on an equal share of them in each thread: the results in order."""
    if len(queries) < WORTH_SPLITTING:
        return [work(queries)]
    return list(_POOL.map(work, np.array_split(queries, THREADS)))


def _search_block(block: npt.NDArray[np.float32], queries: npt.NDArray[np.float32], count: int) -> Found:
    def knn(some: npt.NDArray[np.float32]) -> Found:
        with _one_thread():
            products, found = faiss.knn(some, block, count, metric=faiss.METRIC_INNER_PRODUCT)
        return products, found

    parts = in_threads(knn, queries)
    return np.concatenate([products for products, _ in parts]), np.concatenate([found for _, found in parts])


def _search(index: faiss.Index, queries: npt.NDArray[np.float32], count: int) -> Found:
    with _one_thread():
        products, found = index.search(queries, count)
    return products, found


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenMP's number of threads is a setting of the calling thread, so that no other caller sees the change."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
