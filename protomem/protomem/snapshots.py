"""A snapshot: the sums and the commitment of one moment as bytes, so that opening need not learn everything again.

It is 32 bytes of HMAC-SHA-256 under the memory's key and a safetensors document, whose integers are as narrow as they
fit. What the key did not make is not read any further: a damaged file, and one of another memory, are alike.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from protomem.commitment import Commitment
from protomem.signing import Secrets
from protomem.space import Space
from protomem.statistics import LabelSums, Statistics

__all__ = ["Snapshot"]

MAC_BYTES: Final = 32

WIDTHS: Final = (np.int8, np.int16, np.int32)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The sums over every example of the receipts up to `sequence`, and the commitment to them."""

    sequence: int
    commitment: Commitment
    statistics: Statistics

    def to_bytes(self, secrets: Secrets) -> bytes:
        """The snapshot as a store keeps it."""
        sums = list(self.statistics.labels.values())
        arrays = {
            "version": np.array([VERSION]),
            "sequence": np.array([self.sequence]),
            "count": np.array([self.statistics.count]),
            "commitment": self.commitment.lanes().astype(np.int64),
            "names": _joined(list(self.statistics.labels)),
            "space": _joined([self.statistics.space.settings.fingerprint()]),
            "gram": self.statistics.gram.T,
            "label counts": np.array([one.count for one in sums], dtype=np.int64),
            **{f"label {name}": np.array([getattr(one, name) for one in sums]) for name in SUMS if sums},
        }
        document = save({name: _narrow(array) for name, array in arrays.items()})
        return _mac(secrets, document) + document

    @classmethod
    def from_bytes(cls, picture: bytes, space: Space, secrets: Secrets) -> Snapshot | None:
        """The snapshot that `to_bytes` wrote with the same key in the same space; None for any other bytes."""
        document = picture[MAC_BYTES:]
        if not hmac.compare_digest(picture[:MAC_BYTES], _mac(secrets, document)):
            return None
        arrays: dict[str, npt.NDArray[np.integer]] = load(document)
        if arrays["version"] != VERSION or _split(arrays["space"]) != [space.settings.fingerprint()]:
            return None
        statistics = Statistics(space)
        statistics.count = int(arrays["count"][0])
        statistics.gram[...] = arrays["gram"].T
        statistics.labels = _label_sums(arrays)
        lanes = arrays["commitment"].astype(np.uint16)
        return cls(int(arrays["sequence"][0]), Commitment.of_lanes(lanes), statistics)


VERSION: Final = 1

SUMS: Final = ("codes", "features", "keys", "mode_counts", "mode_codes")
"""The arrays of `LabelSums`."""


def _label_sums(arrays: Mapping[str, npt.NDArray[np.integer]]) -> dict[str, LabelSums]:
    names = _split(arrays["names"])
    wide = {name: arrays[f"label {name}"].astype(np.int64) for name in SUMS if names}
    return {
        label: LabelSums(int(arrays["label counts"][row]), **{name: wide[name][row].copy() for name in SUMS})
        for row, label in enumerate(names)
    }


def _narrow(array: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """The same integers in the narrowest type that holds them."""
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for width in WIDTHS:
        if np.iinfo(width).min <= low and high <= np.iinfo(width).max:
            return np.ascontiguousarray(array, dtype=width)
    return np.ascontiguousarray(array, dtype=np.int64)


def _joined(names: list[str]) -> npt.NDArray[np.int64]:
    """Names as numbers: their UTF-8 bytes, each name closed by NUL, which no name holds."""
    return np.frombuffer("".join(f"{name}\0" for name in names).encode(), dtype=np.uint8).astype(np.int64)


def _split(numbers: npt.NDArray[np.integer]) -> list[str]:
    return numbers.astype(np.uint8).tobytes().decode().split("\0")[:-1]


def _mac(secrets: Secrets, document: bytes) -> bytes:
    return hmac.digest(secrets.hashing, b"snapshot\xff" + document, hashlib.sha256)
