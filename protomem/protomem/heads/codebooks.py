"""The codebook head: discrete key-value codes (arXiv 2207.11240) with integer label counts as values.

Each book maps an item to one frozen key; the value of a key is how often each label met it. Read as naive Bayes over
the books: the score of a label is the mean over books of log((count + ½) / (n + ½·keys)), a smoothed frequency of the
item's key among the label's examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from protomem.lazy import lazy
from protomem.statistics import LabelSums

__all__ = ["Codebooks", "log_frequency"]

Floats = npt.NDArray[np.float64]

SMOOTHING = 0.5
"""Jeffreys' prior of a multinomial."""


@final
class Codebooks:
    """The key counts of labels, int64 (labels, books, keys), and how many examples each label has, (labels,).

    The counts stay in the fewest bytes that hold them: mostly an eighth of the table that they make when it is asked.
    """

    def __init__(self, counts: npt.NDArray[np.int64], totals: npt.NDArray[np.int64]) -> None:
        self._counts, self._totals = counts.astype(np.min_scalar_type(counts.max())), totals
        _, self.books, self.keys = counts.shape

    @classmethod
    def of(cls, sums: Mapping[str, LabelSums], names: Sequence[str]) -> Codebooks:
        """The head of these labels' key counts, in the order of `names`."""
        return cls(np.stack([sums[name].keys for name in names]), np.array([sums[name].count for name in names]))

    @lazy
    def table(self) -> Floats:
        """Mean log frequencies: (books · keys, labels)."""
        means = log_frequency(self._counts, self._totals[:, None, None], self.keys) / self.books
        return np.ascontiguousarray(means.reshape(len(means), -1).T)

    def scores(self, keys: npt.NDArray[np.int64]) -> Floats:
        """Mean log frequency of items' keys (n, books) for each label: (n, labels)."""
        columns = (keys + np.arange(self.books) * self.keys).ravel()
        starts = np.arange(len(keys) + 1) * self.books
        picks = csr_array((np.ones(len(columns)), columns, starts), shape=(len(keys), len(self.table)))
        return np.asarray(picks @ self.table)


def leave_one_out(sums: Sequence[LabelSums], keys: npt.NDArray[np.int64]) -> Floats:
    """The scores of labels' own examples, keys (n, books) and the sums of the label of each: (n,).

    Each by the counts that are left without it.
    """
    books, size = sums[0].keys.shape
    met = np.stack([one.keys[np.arange(books), own] for one, own in zip(sums, keys, strict=True)])
    counts = np.array([one.count for one in sums])
    return np.asarray(log_frequency(met - 1, counts[:, None] - 1, size).mean(axis=1))


def log_frequency(counts: npt.NDArray[np.integer], totals: npt.NDArray[np.int64], keys: int) -> Floats:
    """The smoothed logarithm of the share of `totals` examples that `counts` of have a key, of `keys` in a book."""
    return np.asarray(np.log((counts + SMOOTHING) / (totals + SMOOTHING * keys)))
