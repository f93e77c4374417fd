"""The encoder of callers who bring embeddings: it checks them and computes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from protomem.codes import MAX_DIMENSION
from protomem.errors import InvalidInput, InvalidVectors
from protomem.progress import Progress

__all__ = ["Vectors"]

EXACT_IN_FLOAT64: Final = 2**53
"""Integers up to this size have a float64 of the same value."""

TEXTS_GIVEN: Final = "got text where vectors are expected: pass an array (n, d), or open a memory with a text encoder"


@final
class Vectors:
    """Embeddings as they come, of one dimension: 1 to 4,096 (`protomem.codes.MAX_DIMENSION`).

    `encode` takes what numpy reads as a real array (n, dimension) and returns it with the same values, in float32 or
    float64. Raises `InvalidVectors` for another shape or dtype and for rows with NaN, infinity or nothing but zeros.
    """

    reproducible = True
    keeps_text = False

    def __init__(self, dimension: int) -> None:
        if isinstance(dimension, bool) or not isinstance(dimension, int) or not 1 <= dimension <= MAX_DIMENSION:
            raise InvalidInput(
                f"vectors of dimension {dimension!r}: the dimension must be a whole number from 1 to {MAX_DIMENSION:,}"
            )
        self.dimension = dimension
        self.name = f"vectors:{dimension}"
        self.fingerprint = hashlib.sha256(f"protomem vectors 1\ndimension {dimension}\n".encode()).hexdigest()

    def encode(
        self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None
    ) -> npt.NDArray[np.floating]:
        vectors = _real(_as_array(items))
        if vectors.shape == (0,):
            return np.empty((0, self.dimension), dtype=np.float32)
        _check_shape(vectors, self.dimension)
        _check_rows(vectors)
        if progress is not None:
            progress(len(vectors), len(vectors))
        return vectors


def _as_array(items: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[Any]:
    if isinstance(items, str | bytes):
        raise InvalidVectors(TEXTS_GIVEN)
    try:
        return np.asarray(items)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged rows; a tensor on a GPU or with a gradient
        raise InvalidVectors(
            f"numpy cannot read the vectors as one array ({error}): pass an array (n, d), all rows of one length"
        ) from error


def _real(vectors: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    """The same values in float32 or float64."""
    dtype = vectors.dtype
    if dtype.kind in "US":
        raise InvalidVectors(TEXTS_GIVEN)
    if dtype.kind in "fiu" and np.can_cast(dtype, np.float32):
        return vectors.astype(np.float32, copy=False)
    if dtype.kind == "f" and np.can_cast(dtype, np.float64):
        return vectors.astype(np.float64, copy=False)
    if dtype.kind in "iu":
        if np.any(vectors > EXACT_IN_FLOAT64) or np.any(vectors < -EXACT_IN_FLOAT64):
            raise InvalidVectors("integers beyond 2^53 have no float64 of the same value: rescale the vectors")
        return vectors.astype(np.float64)
    raise InvalidVectors(f"vectors of dtype {dtype} are not real numbers: pass float32 or float64")


def _check_shape(vectors: npt.NDArray[np.floating], dimension: int) -> None:
    if vectors.ndim == 1:
        raise InvalidVectors(
            f"got an array {vectors.shape}, expected (n, {dimension}): a single vector is passed as (1, {dimension}), "
            "for example vector[None, :]"
        )
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise InvalidVectors(
            f"got an array {vectors.shape}, expected (n, {dimension}): encode with the model this memory was made for, "
            "or open another memory"
        )


def _check_rows(vectors: npt.NDArray[np.floating]) -> None:
    if np.isfinite(vectors).all() and vectors.any(axis=1).all():
        return
    _refuse_first(np.isnan(vectors).any(axis=1), "has a NaN: leave it out or mend what made it")
    _refuse_first(np.isinf(vectors).any(axis=1), "has an infinite value: leave it out or mend what made it")
    _refuse_first((vectors == 0).all(axis=1), "is all zeros and has no direction: leave it out")


def _refuse_first(wrong: npt.NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        rows = f" ({wrong.sum():,} such rows)" if wrong.sum() > 1 else ""
        raise InvalidVectors(f"vector {wrong.argmax()} {why}{rows}")
