"""The subspaces of small classes, scored together: one call for all the classes that a batch of items asks for.

Class by class, the calls cost more than the arithmetic where classes are small and many. Their inverse factors lie in
one array here, filled up with zeros, and sums run in a fixed order, so that a score has the same bits in every batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.classwise import ClassSubspaces
from protomem.heads.subspaces import NOISE, subspace_kernel

__all__ = ["SMALL", "SmallClasses"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

SMALL = 32
"""Most examples of a class that is scored so: sums grow with its square, a class by itself costs a call."""

CELLS = 512
"""Pairs of an item and a class at a time: 4 MB with the largest classes."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class SmallClasses:
    """`place` (labels,) is a class's place here, -1 for one that is too large; `rows` (places, size) the positions of
    its examples among all, filled up with any; `inverse` (places, size, size) its factor, filled up with zeros.
    """

    place: Rows
    rows: Rows
    inverse: Floats

    @classmethod
    def of(cls, classes: Sequence[ClassSubspaces], rows: Sequence[Rows]) -> SmallClasses:
        """Those of these classes, with the rows of each in canonical order, that are small."""
        counts = np.array([len(some) for some in rows])
        is_small = counts <= SMALL
        place = np.where(is_small, np.cumsum(is_small) - 1, -1)
        size = int(counts[is_small].max(initial=0))
        padded = np.zeros((int(is_small.sum()), size), dtype=np.int64)
        inverse = np.zeros((len(padded), size, size))
        for label in np.flatnonzero(is_small).tolist():
            here, count = place[label], counts[label]
            padded[here, :count] = rows[label]
            inverse[here, :count, :count] = classes[label].parts[0][0].inverse
        return cls(place, padded, inverse)

    def scores(
        self, products: npt.NDArray[np.float32], lengths: Floats, every: Floats, items: Rows, places: Rows
    ) -> Floats:
        """-log r of `items` (m,), positions in a batch, each for the class at its place in `places` (m,): (m,).

        The batch has these inner products (n, examples) with all examples, whose lengths are `every` (examples,), and
        lengths (n,).
        """
        found = np.empty(len(items))
        for start in range(0, len(items), CELLS):
            cells = slice(start, start + CELLS)
            item, place = items[cells], places[cells]
            rows = self.rows[place]
            cosines = products[item[:, None], rows] / lengths[item, None] / every[rows]
            whitened = np.einsum("ci,cij->cj", subspace_kernel(cosines), self.inverse[place])
            found[cells] = -np.log(1 + NOISE - np.square(whitened).sum(axis=1))
        return found
