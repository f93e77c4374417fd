"""Sums as a memory keeps them in files of its own, under its key: those of a client, of all, and those sent last.

32 bytes of HMAC-SHA-256 over the file's name and a safetensors document: a header, JSON in its metadata, and the packed
arrays of one or several sums. What the key did not make under this name is not read any further.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from protomem.errors import MemoryDamaged
from protomem.federation.body import Layout, body_of, sums_of
from protomem.federation.sums import Sums
from protomem.signing import Secrets
from protomem.space import Space

__all__ = ["kept_bytes", "kept_sums"]

MAC_BYTES: Final = 32

KEY: Final = "protomem"


def kept_bytes(name: str, header: Mapping[str, Any], sums: Mapping[str, Sums], secrets: Secrets) -> bytes:
    """What is kept under a name: a header, and sums by what they are called."""
    arrays: dict[str, npt.NDArray[np.uint8]] = {}
    layouts = {}
    for which, one in sums.items():
        layout, body = body_of(one)
        layouts[which] = layout.fields()
        arrays |= {f"{which} {array}": np.frombuffer(packed, dtype=np.uint8) for array, packed in body.items()}
    text = json.dumps({"header": header, "layouts": layouts}, sort_keys=True, separators=(",", ":"))
    document = save(arrays, {KEY: text})
    return _mac(name, document, secrets) + document


def kept_sums(name: str, kept: bytes | None, space: Space, secrets: Secrets) -> tuple[Any, dict[str, Sums]]:
    """The header and the sums that `kept_bytes` wrote under this name with the same key.

    Raises `MemoryDamaged` for any other bytes, and for None.
    """
    document = b"" if kept is None else kept[MAC_BYTES:]
    if kept is None or not hmac.compare_digest(kept[:MAC_BYTES], _mac(name, document, secrets)):
        raise MemoryDamaged(
            f"the part {name} of what was merged or sent is missing or damaged: restore the memory's files from a copy"
        )
    length = int.from_bytes(document[:8], "little")
    told = json.loads(json.loads(document[8 : 8 + length])["__metadata__"][KEY])
    arrays = load(document)
    found = {}
    for which, fields in told["layouts"].items():
        body = {
            array.removeprefix(f"{which} "): packed.tobytes()
            for array, packed in arrays.items()
            if array.startswith(f"{which} ")
        }
        found[which] = sums_of(space, Layout.from_fields(fields, MemoryDamaged), body, math.inf)
    return told["header"], found


def _mac(name: str, document: bytes, secrets: Secrets) -> bytes:
    return hmac.digest(secrets.hashing, b"part\xff" + name.encode() + b"\xff" + document, hashlib.sha256)
