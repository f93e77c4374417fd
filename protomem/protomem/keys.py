"""Frozen keys: where codes fall in discrete codebooks that no example can move.

A book is a set of random keys; the key of a code is the one with the largest inner product, of equals the first. Keys
are fixed by a seed, because keys learned from examples (k-means, vector quantisation) could not forget them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes
from protomem.lift import ternary
from protomem.products import products

__all__ = ["Keys"]

BLOCK_ROWS = 1_024
"""Rows looked up at a time: 16 MB of inner products at 64 books of 64 keys."""


@final
@dataclass(frozen=True, slots=True)
class Keys:
    """`books` codebooks of `size` frozen keys for codes of `dimension` components.

    All books are one matrix, with which codes are multiplied exactly. A FAISS index for each book finds the same keys
    and takes 4 to 9 times as long for 8 codes and more, as each of 64 searches is too small to run at full speed.
    """

    dimension: int
    books: int
    size: int
    seed: int
    _columns: npt.NDArray[np.int8] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        signs = ternary(f"protomem keys {self.seed}", self.books * self.size * self.dimension)
        columns = signs.reshape(self.books * self.size, self.dimension).T
        object.__setattr__(self, "_columns", np.ascontiguousarray(columns))

    def lookup(self, codes: Codes) -> npt.NDArray[np.int64]:
        """The key of each code in each book: (n, d) int8 to (n, books) int64 in 0..size-1."""
        keys = np.empty((len(codes), self.books), dtype=np.int64)
        for start in range(0, len(codes), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            scores = products().multiply(codes[block], self._columns)
            scores.reshape(-1, self.books, self.size).argmax(axis=2, out=keys[block])
        return keys
