"""Integers as few bytes: folded to whole numbers from 0, cut into planes of one byte each, and deflated.

Folding (zigzag) maps 0, -1, 1, -2, 2 to 0, 1, 2, 3, 4, so that small numbers of both signs have empty high bytes; a
plane holds one byte of every number, so that these stand together. What is packed is unpacked to an exact size that is
known beforehand, so that no bytes can grow beyond it.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
import numpy.typing as npt

from protomem.errors import ContributionRefused

__all__ = ["MAX_WIDTH", "deflated", "inflated", "packed", "unpacked", "width_of"]

Integers = npt.NDArray[np.int64]

MAX_WIDTH: Final = 7
"""Bytes of a number: below 2⁵⁵ in size, so that no sum of two overflows."""

DEFLATE_RATIO: Final = 1_032
"""Deflate never shortens by more (RFC 1951: 258 bytes in 2 bits). A size beyond that is refused before it is made."""

SMALLEST_STREAM: Final = 64
"""Bytes that are allowed besides: those of an empty stream, and to spare."""

EFFORT: Final = 6
"""zlib's own default."""


def width_of(array: Integers) -> int:
    """The bytes that each number of an array needs, from 1. Raises `OverflowError` beyond MAX_WIDTH."""
    most = max(int(array.max()), -int(array.min()) - 1) if array.size else 0
    width = ((2 * most + 1).bit_length() + 7) // 8
    if width > MAX_WIDTH:
        raise OverflowError(f"a sum of {most:,} is beyond what a contribution can carry")
    return width


def packed(array: Integers, width: int) -> bytes:
    """The numbers of an array, each of this many bytes."""
    flat = array.ravel()
    folded = ((flat << 1) ^ (flat >> 63)).astype("<u8")
    planes = folded.view(np.uint8).reshape(-1, 8)[:, :width]
    return deflated(np.ascontiguousarray(planes.T).tobytes())


def unpacked(document: bytes, width: int, numbers: int) -> Integers:
    """The `numbers` integers that were packed with this width: int64 (numbers,). Raises `ContributionRefused`."""
    planes = np.frombuffer(inflated(document, width * numbers), dtype=np.uint8).reshape(width, numbers)
    folded = np.zeros(numbers, dtype=np.int64)
    for place in range(width):
        folded |= planes[place].astype(np.int64) << (8 * place)
    return (folded >> 1) ^ -(folded & 1)


def deflated(plain: bytes) -> bytes:
    """These bytes as a zlib stream."""
    return zlib.compress(plain, EFFORT)


def inflated(document: bytes, size: int) -> bytes:
    """The exactly `size` bytes of a zlib stream. Raises `ContributionRefused`, and makes no more of it, for others."""
    if size > DEFLATE_RATIO * len(document) + SMALLEST_STREAM:
        raise ContributionRefused(
            f"C5: {len(document)} packed bytes cannot hold the {size:,} that its header claims: the contribution lies "
            "about its size"
        )
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(document, size + 1)
    except zlib.error as error:
        raise ContributionRefused(f"C5: its numbers cannot be unpacked ({error}): get the contribution anew") from error
    if len(plain) != size or not stream.eof or stream.unused_data:
        raise ContributionRefused(
            f"C5: its numbers take other than the {size:,} bytes that its header claims: get the contribution anew"
        )
    return plain
