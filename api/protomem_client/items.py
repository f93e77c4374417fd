"""Items as they go over the wire, each as a piece of JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from protomem.encoders.texts import checked_texts
from protomem.encoders.vectors import Vectors
from protomem.settings import MemorySettings

__all__ = ["MOST_BYTES", "MOST_ITEMS", "Items", "items_out", "parts"]

Items = Sequence[Any] | npt.NDArray[Any]

MOST_ITEMS: Final = 1_000
MOST_BYTES: Final = 8 * 2**20
"""Of the items of one question. A server takes as many items and twice the bytes, unless its operator chose others."""


def items_out(items: Items, settings: MemorySettings) -> list[msgspec.Raw]:
    """The items of a memory of these settings: texts, vectors, or pictures of Pillow as base64 of a PNG file.

    float32 is float64 of the same value, and JSON holds as many digits as name one float64: what arrives is bit-equal.
    Raises `InvalidVectors` and `InvalidItem` as the embedded library does.
    """
    if not len(items):
        return []
    dimension = settings.space.dimension
    if settings.encoder == f"vectors:{dimension}":
        rows = np.asarray(Vectors(dimension).encode(items), dtype=np.float64).tolist()
    elif all(hasattr(item, "save") for item in items):
        rows = [{"image": _file(picture)} for picture in items]
    else:
        rows = list(map(str, checked_texts(items)))
    return [msgspec.Raw(msgspec.json.encode(row)) for row in rows]


def parts(items: Sequence[msgspec.Raw]) -> Iterator[Sequence[msgspec.Raw]]:
    """The items in their order, as many at a time as a server takes; at least once."""
    start, size = 0, 0
    for row, item in enumerate(items):
        if row > start and (row - start >= MOST_ITEMS or size + len(memoryview(item)) > MOST_BYTES):
            yield items[start:row]
            start, size = row, 0
        size += len(memoryview(item))
    yield items[start:]


def _file(picture: Any) -> str:
    """Without loss."""
    file = BytesIO()
    picture.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()
