"""Masks: streams of uniform 64-bit words from a key, added to a vector modulo 2⁶⁴ and taken off again.

Addition modulo 2⁶⁴ of int64 in two's complement is exact for negative numbers too: a mask that is added and subtracted
leaves the bits as they were, and a sum of masked vectors whose masks cancel is the sum of the vectors.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

__all__ = ["MASK_KEY_BYTES", "Words", "add_mask"]

Words = npt.NDArray[np.uint64]

MASK_KEY_BYTES: Final = 32
"""Bytes of a key of ChaCha20."""

BLOCK_WORDS: Final = 2**15
"""Words of a mask that are there at a time: 256 KiB, which stays in the cache."""

NONCE: Final = bytes(16)
"""A key makes one stream only, so its counter and nonce start at zero."""


def add_mask(words: Words, key: bytes, sign: Literal[1, -1]) -> None:
    """Add `sign` times the mask of this key to `words` (n,) in place, modulo 2⁶⁴.

    The mask is the key stream of ChaCha20 (RFC 8439) read as little-endian words; its first words are the same for
    every n. A key of other than `MASK_KEY_BYTES` bytes is a ValueError.
    """
    stream = Cipher(ChaCha20(key, NONCE), mode=None).encryptor()
    move = np.add if sign == 1 else np.subtract
    zeros, block = bytes(8 * BLOCK_WORDS), bytearray(8 * BLOCK_WORDS)
    for start in range(0, len(words), BLOCK_WORDS):
        part = words[start : start + BLOCK_WORDS]
        stream.update_into(memoryview(zeros)[: part.nbytes], block)
        move(part, np.frombuffer(block, dtype="<u8", count=len(part)), out=part)
