"""Frozen keys: where codes fall in discrete codebooks that no example can move.

A book is a set of random keys; the key of a code is the one with the largest inner product. Keys are fixed by a seed,
because keys learned from examples (k-means, vector quantisation) could not forget them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import faiss
import numpy as np
import numpy.typing as npt

from protomem.codes import Codes
from protomem.lift import ternary
from protomem.search import nearest_in_books

__all__ = ["Keys"]


@final
@dataclass(frozen=True, slots=True)
class Keys:
    """`books` codebooks of `size` frozen keys for codes of `dimension` components, each looked up with FAISS.

    A key carries a tie-break in one more component: the inner product is multiplied by `size` and the key's rank is
    added, so that no two keys of a book ever score equal and the lower index wins. All scores are exact integers.
    """

    dimension: int
    books: int
    size: int
    seed: int
    _indexes: tuple[faiss.IndexFlatIP, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        signs = ternary(f"protomem keys {self.seed}", self.books * self.size * self.dimension)
        keys = signs.reshape(self.books, self.size, self.dimension).astype(np.float32) * self.size
        rank = np.arange(self.size - 1, -1, -1, dtype=np.float32)
        indexes = []
        for book in keys:
            index = faiss.IndexFlatIP(self.dimension + 1)
            index.add(np.ascontiguousarray(np.column_stack([book, rank])))
            indexes.append(index)
        object.__setattr__(self, "_indexes", tuple(indexes))

    def lookup(self, codes: Codes) -> npt.NDArray[np.int64]:
        """The key of each code in each book: (n, d) int8 to (n, books) int64 in 0..size-1."""
        queries = np.ones((len(codes), self.dimension + 1), dtype=np.float32)
        queries[:, :-1] = codes
        return nearest_in_books(self._indexes, queries)
