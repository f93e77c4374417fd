"""The neighbour head: the nearest remembered examples, found with FAISS over all codes; also the evidence of an answer.

An item's score for a label is the share of its neighbours' weight that carries the label, with weight exp(20·(cos -
1)). Equal inner products are ordered by canonical position, never by when an example was learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from protomem.codes import Codes, code_lengths
from protomem.examples import Examples
from protomem.ranking import largest
from protomem.search import CodeIndex

__all__ = ["VOTERS", "Nearest", "Neighbours", "votes"]

Floats = npt.NDArray[np.float64]

VOTERS = 20
"""Neighbours that vote in the head's own score; with the sharp weight more change nothing."""

SHARPNESS = 20.0
"""Of 10, 20 and 40 the best on held-out training data."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Neighbours of n items: canonical `rows` (n, k) and `cosines` (n, k), best first."""

    rows: npt.NDArray[np.int64]
    cosines: Floats


@final
@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """A FAISS index of all remembered codes in canonical order."""

    index: CodeIndex
    lengths: Floats

    @classmethod
    def of(cls, codes: Codes) -> Neighbours:
        """The head of these codes, int8 (n, d), in canonical order."""
        return cls(CodeIndex(codes), code_lengths(codes.astype(np.float32)))

    def nearest(self, codes: npt.NDArray[np.float32], lengths: Floats, count: int) -> Nearest:
        """The `count` nearest examples by inner product of items with these codes (n, d) and lengths (n,)."""
        total = len(self.index)
        count = min(count, total)
        products, rows = self.index.search(codes, min(count + 1, total))
        best, best_rows = _ranked(products, rows, count)
        tied = np.flatnonzero(products[:, -1] == products[:, count - 1]) if total > count else np.array([], dtype=int)
        if len(tied):
            best[tied], best_rows[tied] = self._among_equals(codes[tied], count)
        return Nearest(best_rows, best / (lengths[:, None] * self.lengths[best_rows]))

    def nearest_by(self, products: npt.NDArray[np.float32], lengths: Floats, count: int) -> Nearest:
        """As `nearest`, of items with these inner products (n, examples) with all examples, of which there are few."""
        rows = largest(products, count)
        best = np.take_along_axis(products, rows, axis=1).astype(np.float64)
        return Nearest(rows, best / (lengths[:, None] * self.lengths[rows]))

    def _among_equals(
        self, codes: npt.NDArray[np.float32], count: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """The nearest where the cut falls among equals: all of them are looked at, so that no index order decides."""
        total = len(self.index)
        reach = min(4 * (count + 1), total)
        while True:
            products, rows = self.index.search(codes, reach)
            if reach == total or (products[:, -1] < products[:, count - 1]).all():
                return _ranked(products, rows, count)
            reach = min(4 * reach, total)


def votes(nearest: Nearest, examples: Examples) -> Floats:
    """The share of the neighbours' weight that carries each label: (n, labels)."""
    weights = np.exp(SHARPNESS * (nearest.cosines - 1))
    weights /= weights.sum(axis=1, keepdims=True)
    groups = examples.group_of_row[nearest.rows]
    starts = np.arange(len(groups) + 1) * groups.shape[1]
    by_group = csr_array((weights.ravel(), groups.ravel(), starts), shape=(len(groups), len(examples.groups)))
    return np.asarray((by_group @ examples.indicator).toarray())


def _ranked(
    products: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The first `count` by falling product, equal ones by rising row."""
    order = np.lexsort((rows, -products), axis=1)[:, :count]
    return np.take_along_axis(products, order, axis=1).astype(np.float64), np.take_along_axis(rows, order, axis=1)
