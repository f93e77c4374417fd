"""A commitment to the multiset of remembered examples that costs the same whatever the memory's size.

LtHash (Lewi et al., "Securing Update Propagation with Homomorphic Hashing", 2019): each example is hashed to 1,024
numbers of 16 bits, the state is their sum modulo 2¹⁶. Adding and subtracting examples commute, and finding two
different multisets with equal states is as hard as a short-integer-solution problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import final

import numpy as np
import numpy.typing as npt

__all__ = ["Commitment", "content"]

LANES = 1_024
"""Numbers in the state: the parameters lthash16 of the paper, at least 200 bits of security."""


def content(codes: bytes, labels: tuple[str, ...]) -> bytes:
    """The bytes that stand for an example's content: its codes and its sorted labels, each with its length."""
    parts = [codes, *(label.encode() for label in labels)]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


@final
class Commitment:
    """A running LtHash over examples' contents: equal multisets have equal `hex()`, the empty one is all zeros."""

    def __init__(self) -> None:
        self._state: npt.NDArray[np.uint16] = np.zeros(LANES, dtype=np.uint16)

    @classmethod
    def of_lanes(cls, lanes: npt.NDArray[np.uint16]) -> Commitment:
        """The commitment whose `lanes()` these are."""
        other = cls()
        other._state = lanes.copy()
        return other

    def lanes(self) -> npt.NDArray[np.uint16]:
        """The state itself: uint16 (LANES,)."""
        return self._state.copy()

    def copy(self) -> Commitment:
        return Commitment.of_lanes(self._state)

    def __add__(self, other: Commitment) -> Commitment:
        """The commitment to the examples of both."""
        return Commitment.of_lanes(self._state + other._state)

    def add(self, contents: Iterable[bytes]) -> None:
        """Add examples to the multiset."""
        for one in contents:
            self._state += _lanes(one)

    def subtract(self, contents: Iterable[bytes]) -> None:
        """Take examples out of the multiset; the inverse of `add`."""
        for one in contents:
            self._state -= _lanes(one)

    def hex(self) -> str:
        """SHA-256 of the state, 64 hex digits."""
        return hashlib.sha256(self._state.astype("<u2").tobytes()).hexdigest()


def _lanes(one: bytes) -> npt.NDArray[np.uint16]:
    digest = hashlib.shake_256(one).digest(2 * LANES)
    return np.frombuffer(digest, dtype="<u2").astype(np.uint16)
