"""The prototype head: nearest class mean, with sub-prototypes for classes with several modes, searched with FAISS.

A prototype is the class's code sum brought back to the grid of the codes; a sub-prototype is that of the examples that
share a frozen mode key. An item's score for a class is its largest cosine with one of the class's prototypes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import faiss
import numpy as np
import numpy.typing as npt

from protomem.codes import quantize
from protomem.search import search
from protomem.statistics import LabelSums

__all__ = ["NEAREST_PROTOTYPES", "Prototypes"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NEAREST_PROTOTYPES = 64
"""Prototypes found for an item; a class that is not among them scores as the last one found, which bounds it from
above. The answer is never that far down, and the cost does not grow with the classes."""


MODE_COUNT = 8
"""Examples from which on a mode has a sub-prototype. The mean of fewer is no better than the examples: at 5 a class,
sub-prototypes of any size cost 1.4 points of held-out CLINC150, at all examples they gain 4 on BANKING77."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """The prototypes of `labels` classes: a FAISS index, the class that owns each of its vectors, and one of the first
    prototype of each class alone, which is its mean.
    """

    index: faiss.IndexFlatIP
    means: faiss.IndexFlatIP
    owners: npt.NDArray[np.int64]
    labels: int
    scale: int

    @classmethod
    def of(cls, sums: Mapping[str, LabelSums], names: Sequence[str], scale: int) -> Prototypes:
        """Prototypes of these labels' sums, in the order of `names`."""
        every = [sums[name] for name in names]
        classes, modes = np.nonzero(np.stack([one.mode_counts for one in every]) >= MODE_COUNT)
        of_modes = [every[owner].mode_codes[mode] for owner, mode in zip(classes.tolist(), modes.tolist(), strict=True)]
        directions = np.stack([*(one.codes for one in every), *of_modes])
        owners = np.concatenate([np.arange(len(every)), classes])
        order = np.argsort(owners, kind="stable")  # of each class its mean, then its modes
        codes, owners = _codes(directions[order], owners[order], scale)
        first = np.searchsorted(owners, np.arange(len(every)))
        return cls(_index(codes), _index(codes[first]), owners, len(every), scale)

    def scores(self, codes: npt.NDArray[np.float32], lengths: Floats) -> Floats:
        """Largest cosine with a prototype of each class: codes (n, d) to (n, labels)."""
        products, found = search(self.index, codes, min(NEAREST_PROTOTYPES, self.index.ntotal))
        scores = np.repeat(products[:, -1:].astype(np.float64), self.labels, axis=1)
        rows = np.arange(len(codes))[:, None]
        np.maximum.at(scores, (rows, self.owners[found]), products)
        return np.asarray(scores / (lengths[:, None] * self.scale))

    def nearest_classes(self, label: int, count: int) -> list[int]:
        """This class, then those whose first prototypes are nearest to its own, `count` in all."""
        _, found = search(self.means, np.asarray(self.means.reconstruct(label))[None], min(count + 1, self.labels))
        others = [int(other) for other in found[0] if other != label]
        return [label, *others[: count - 1]]

    def __len__(self) -> int:
        return int(self.index.ntotal)


def _codes(directions: Floats, owners: Integers, scale: int) -> tuple[npt.NDArray[np.float32], Integers]:
    """Sums (n, d) on the grid, with their owners, without those that are zero: of a class of no other, one is kept."""
    points = directions.any(axis=1)
    codes = np.zeros(directions.shape, dtype=np.float32)
    codes[points] = quantize(directions[points], scale)
    is_first = np.diff(owners, prepend=-1) > 0
    kept = points | (is_first & ~np.isin(owners, owners[points]))
    return codes[kept], owners[kept]


def _index(codes: npt.NDArray[np.float32]) -> faiss.IndexFlatIP:
    index = faiss.IndexFlatIP(codes.shape[1])
    index.add(codes)
    return index


def leave_one_out(
    sums: Sequence[LabelSums], codes: npt.NDArray[np.float32], lengths: Floats, modes: Integers, scale: int
) -> Floats:
    """The scores of labels' own examples, by the prototypes that are left without each: (n,); -1 where none is.

    `sums` are those of the label of each; codes (n, d), lengths and modes (n,).
    """
    left = [_without(one, code, mode) for one, code, mode in zip(sums, codes, modes.tolist(), strict=True)]
    owners = np.repeat(np.arange(len(left)), [len(some) for some in left])
    directions = quantize(np.concatenate(left), scale).astype(np.float32)
    best = np.full(len(left), -np.inf)
    np.maximum.at(best, owners, np.einsum("ij,ij->i", directions, codes[owners]))  # exact: products of codes
    return np.where(np.isfinite(best), best / (lengths * scale), -1.0)


def _without(sums: LabelSums, code: npt.NDArray[np.float32], mode: int) -> Floats:
    """The directions of a label without one of its examples."""
    own, mode_codes, mode_counts = code.astype(np.int64), sums.mode_codes.copy(), sums.mode_counts.copy()
    mode_codes[mode] -= own
    mode_counts[mode] -= 1
    return _directions(sums.codes - own, mode_codes, mode_counts)


def _directions(codes: Integers, mode_codes: Integers, mode_counts: Integers) -> Floats:
    """The class's sum and those of its larger modes, without sums that are zero and so have no direction."""
    sums = np.concatenate([codes[None], mode_codes[mode_counts >= MODE_COUNT]]).astype(np.float64)
    return np.asarray(sums[sums.any(axis=1)])
