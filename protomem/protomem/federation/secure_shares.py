"""Shamir's secret sharing of 16-byte seeds, by PyCryptodome: `minimum` shares give the seed, fewer nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from protomem.errors import MissingExtra

try:
    from Crypto.Protocol.SecretSharing import Shamir
except ImportError as error:
    raise MissingExtra("secure aggregation", "secure") from error

__all__ = ["SEED_BYTES", "combined", "shares_of"]

SEED_BYTES: Final = 16
"""Bytes of a seed and of a share: the library's polynomials are over GF(2¹²⁸)."""


def shares_of(seed: bytes, minimum: int, count: int) -> list[bytes]:
    """Shares number 0 to `count` − 1 of a seed, `SEED_BYTES` each. The library takes their dice from the system."""
    return [share for _, share in Shamir.split(minimum, count, seed, ssss=False)]


def combined(shares: Mapping[int, bytes], minimum: int) -> bytes:
    """The seed of these shares, by their numbers, of which the first `minimum` are used.

    Shares that do not belong together give some other seed; fewer than `minimum` are a ValueError.
    """
    if len(shares) < minimum:
        raise ValueError(f"{len(shares)} shares are too few: {minimum} are needed")
    return Shamir.combine([(number + 1, shares[number]) for number in sorted(shares)[:minimum]], ssss=False)
