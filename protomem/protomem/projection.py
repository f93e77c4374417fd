"""A map of a memory: its classes and some of its examples in the plane in which the classes differ most.

The rows of M (k, d) are the class means of the codes, each class counting once. The axes are the first two principal
components of M about its own mean m, from the eigenvectors of the smaller of (M - m)(M - m)ᵀ and (M - m)ᵀ(M - m). Where
the means differ in fewer than two directions, those in which the shown examples differ most follow. The projection is
linear, so a class lies at the mean of its examples. A plane shows only part of what tells classes apart: `Map.shown`
says how much, and `MappedClass.nearest` says who is near whom in all dimensions.

Nothing is random and nothing is kept: it is a pure function of what is remembered.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from protomem.blas import one_blas_thread
from protomem.codes import Codes
from protomem.errors import InvalidInput
from protomem.examples import Examples, Labels
from protomem.inputs import check_whole
from protomem.ranking import largest

__all__ = ["Map", "MappedClass", "MappedExample", "Neighbour", "Seen", "projected"]

Floats = npt.NDArray[np.float64]

AXES: Final = 2

MOST_CLASSES: Final = 500
"""Classes on a map, the largest first: more names than a page can show, and 50 ms of eigenvectors."""

MOST_EXAMPLES: Final = 2_000
"""Examples on a map: more points hide each other."""

NEIGHBOURS: Final = 3
"""Nearest classes told of each."""

FLAT: Final = 1e-12
"""Squared lengths, of unit vectors, below which a direction is rounding: 1e-6 of a map's width is no distance."""


@final
@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another class, and the cosine of the two class means."""

    label: str
    similarity: float


@final
@dataclass(frozen=True, slots=True)
class MappedClass:
    """A class at the mean of its `count` examples, and the classes whose means are nearest in all dimensions."""

    label: str
    count: int
    x: float
    y: float
    nearest: tuple[Neighbour, ...]


@final
@dataclass(frozen=True, slots=True)
class MappedExample:
    """A remembered example where it lies."""

    id: str
    labels: Labels
    x: float
    y: float


@final
@dataclass(frozen=True, slots=True)
class Map:
    """Classes by label and examples, in units of the embedding's length about the mean of the class means.

    `shown` is the share of the squared distances between class means that the plane shows, 0 to 1.
    """

    classes: tuple[MappedClass, ...]
    examples: tuple[MappedExample, ...]
    shown: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a map is drawn from: for each label its count and code sum int64 (d,), and the examples that are kept."""

    sums: Mapping[str, tuple[int, npt.NDArray[np.int64]]]
    examples: Examples

    @classmethod
    def of(cls, examples: Examples) -> Seen:
        """Everything from the examples alone."""
        counts = {name: examples.count_of(name) for name in examples.names}
        sums = {name: np.zeros(examples.dimension, dtype=np.int64) for name in counts}
        for labels, group in examples.groups.items():
            total = group.codes.sum(axis=0, dtype=np.int64)
            for label in labels:
                sums[label] += total
        return cls({name: (count, sums[name]) for name, count in counts.items()}, examples)


def projected(seen: Seen, scale: int, limit: int) -> Map:
    """The map of the largest classes and of `limit` examples; codes times 1 / `scale` are unit vectors.

    The examples are those with the smallest hashes of their codes, which is as good as at random. Raises `InvalidInput`
    for more than MOST_EXAMPLES of them.
    """
    _check_limit(limit)
    names = _largest(seen.sums)
    if not names:
        return Map((), (), 1.0)
    means = np.array([total / (count * scale) for count, total in (seen.sums[name] for name in names)])
    ids, labels, codes = _sample(seen.examples, limit)
    with one_blas_thread():
        centre = means.mean(axis=0)
        around, points = means - centre, codes / scale - centre
        axes, shown = _plane(around, points)
        nearest = _nearest(means, names)
        places, spots = around @ axes.T, points @ axes.T
    classes = (
        MappedClass(name, seen.sums[name][0], float(x), float(y), near)
        for name, (x, y), near in zip(names, places, nearest, strict=True)
    )
    examples = (
        MappedExample(id, some, float(x), float(y)) for id, some, (x, y) in zip(ids, labels, spots, strict=True)
    )
    return Map(tuple(classes), tuple(examples), shown)


def _check_limit(limit: int) -> None:
    """Raise `InvalidInput` for no number of examples, or more than a map shows."""
    check_whole("limit", limit, 0)
    if limit > MOST_EXAMPLES:
        raise InvalidInput(f"limit is {limit}: a map shows at most {MOST_EXAMPLES} examples; pass a smaller number")


def _largest(sums: Mapping[str, tuple[int, npt.NDArray[np.int64]]]) -> list[str]:
    """The labels that a map shows, sorted; of equally many examples the first by name."""
    return sorted(heapq.nsmallest(MOST_CLASSES, sums, key=lambda name: (-sums[name][0], name)))


def _sample(examples: Examples, limit: int) -> tuple[list[str], list[Labels], Codes]:
    rows = examples.sample(limit) if limit and len(examples) else np.empty(0, dtype=np.int64)
    found = examples.located(rows)
    codes = np.array([group.codes[place] for group, place in found], dtype=np.int8).reshape(-1, examples.dimension)
    return [group.ids[place] for group, place in found], [group.labels for group, _ in found], codes


def _plane(around: Floats, points: Floats) -> tuple[Floats, float]:
    """Two orthogonal axes (2, d), a missing one zero, and the share of the class means' differences they show."""
    axes = _principal(around)
    total = float(np.square(around).sum())
    shown = float(np.square(around @ axes.T).sum()) / total if len(axes) else 1.0
    if len(axes) < AXES:
        rest = points - points.mean(axis=0) if len(points) else points
        axes = np.concatenate([axes, _principal(rest - rest @ axes.T @ axes)])[:AXES]
    missing = np.zeros((AXES - len(axes), around.shape[1]))
    return np.concatenate([axes, missing]), min(shown, 1.0)


def _principal(rows: Floats) -> Floats:
    """The first directions, at most two, in which centred rows (n, d) differ: unit vectors (axes, d).

    Their signs are such that the largest component is positive, so that a map does not flip by itself.
    """
    if not len(rows):
        return rows
    is_wide = rows.shape[0] <= rows.shape[1]
    # numpy's, which finds all of them in three times the time but lets other threads run: a server draws maps too.
    squares, vectors = np.linalg.eigh(rows @ rows.T if is_wide else rows.T @ rows)
    kept = [index for index in range(len(squares))[: -AXES - 1 : -1] if squares[index] > FLAT]
    axes = vectors[:, kept].T @ rows / np.sqrt(squares[kept])[:, None] if is_wide else vectors[:, kept].T
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]) if len(axes) else np.ones(0)
    return np.asarray(axes * signs[:, None])


def _nearest(means: Floats, names: Sequence[str]) -> list[tuple[Neighbour, ...]]:
    """For each class the others with the largest cosines, of equals the first by name."""
    lengths = np.sqrt(np.square(means).sum(axis=1, keepdims=True))
    units = means / np.where(lengths > 0, lengths, 1.0)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    order = largest(cosines, min(NEIGHBOURS, len(names) - 1))
    return [
        tuple(Neighbour(names[other], float(cosines[row, other])) for other in others)
        for row, others in enumerate(order)
    ]
