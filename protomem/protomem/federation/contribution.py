"""A contribution: what a client sends of what it learned. Sums and counts; never an item, nor the codes of one.

Its file is a safetensors document of packed arrays (`body.py`) and one text of metadata, `protomem`: its header, JSON
with sorted keys and without spaces. The header holds the SHA-256 of the arrays and the client's Ed25519 signature, over
all of the header but itself. The numbers C1 to C9 are those of `protomem/CONTRIBUTIONS.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from protomem.errors import ContributionRefused, InvalidId, InvalidInput
from protomem.federation.body import MAX_COUNT, Layout, array_names, body_of, sums_of
from protomem.federation.levels import Level
from protomem.federation.sums import Sums
from protomem.inputs import check_name
from protomem.signing import Secrets, is_signed_contribution
from protomem.space import Space

__all__ = ["CONTRIBUTION_VERSION", "Contribution", "payload_of"]

CONTRIBUTION_VERSION: Final = 1

MAX_HEADER_BYTES: Final = 64 * 2**10
"""Of the safetensors header, with the metadata in it. The longest client name, each character escaped, takes 12 KiB."""

ID_BYTES: Final = 16

KEY: Final = "protomem"
"""Of the header among the document's metadata. There is one only, since safetensors writes several in any order."""

_HEX_LENGTHS: Final = {"fingerprint": 64, "digest": 64, "public_key": 64, "payload": 64, "signature": 128}


@final
@dataclass(frozen=True, slots=True)
class Contribution:
    """What a client sends: sums over `count` examples of `labels` labels, at a `level`.

    `sequence` counts the client's contributions from 1. With `since` 0 it is everything that the client knows, and
    replaces what was merged of it; else it is the difference against the client's contribution of that number, and
    `count` may be negative. `digest` is that of all the client's sums after it, `fingerprint` names the space,
    `public_key` (hex) the client. Made by `memory.contribution`.
    """

    client: str
    sequence: int
    since: int
    digest: str
    fingerprint: str
    public_key: str
    layout: Layout = field(repr=False)
    payload: str = field(repr=False)
    body: Mapping[str, bytes] = field(repr=False)
    signature: str = field(repr=False, default="")

    @classmethod
    def of(cls, sums: Sums, *, client: str, sequence: int, since: int, digest: str, secrets: Secrets) -> Contribution:
        """The signed contribution of these sums; `digest` is that of all the client's sums after it."""
        layout, body = body_of(sums)
        fingerprint = sums.space.settings.fingerprint()
        unsigned = cls(client, sequence, since, digest, fingerprint, secrets.public_key, layout, payload_of(body), body)
        return replace(unsigned, signature=secrets.sign_contribution(unsigned.signed_bytes()))

    @property
    def level(self) -> Level:
        """How much of the sums it has: "prototypes", "codebooks" or "full"."""
        return self.layout.level

    @property
    def count(self) -> int:
        """How many examples its sums are over; of a difference, how many more than before."""
        return self.layout.count

    @property
    def labels(self) -> int:
        """How many labels its sums are of."""
        return self.layout.labels

    @property
    def id(self) -> str:
        """What names it in the receipt of its merge: a hash (hex) of who sends what, whatever the packing."""
        named = {name: value for name, value in self._fields().items() if name in IDENTITY}
        return hashlib.sha256(b"protomem contribution id\xff" + _canonical(named)).hexdigest()[: 2 * ID_BYTES]

    def signed_bytes(self) -> bytes:
        """The bytes that the signature is over."""
        return _canonical(self._fields())

    def sums(self, space: Space) -> Sums:
        """The sums, in the space of the memory that reads them. Raises `ContributionRefused` (C4 to C6)."""
        if self.fingerprint != space.settings.fingerprint():
            raise ContributionRefused(
                f"C4: the contribution of {self.client!r} is of another encoder or width (fingerprint "
                f"{self.fingerprint[:12]}, here {space.settings.fingerprint()[:12]}): all memories that are merged "
                "have to be made with the same"
            )
        return sums_of(space, self.layout, self.body)

    def to_bytes(self) -> bytes:
        """The contribution as a file or a message."""
        header = _canonical(self._fields() | {"signature": self.signature}).decode()
        return save({name: np.frombuffer(packed, dtype=np.uint8) for name, packed in self.body.items()}, {KEY: header})

    @classmethod
    def from_bytes(cls, document: bytes) -> Contribution:
        """The contribution that `to_bytes` wrote, with its signature checked; its sums are not unpacked yet.

        Raises `ContributionRefused` for anything else (C1 to C3).
        """
        if not isinstance(document, bytes | bytearray | memoryview):
            raise InvalidInput(f"a contribution is bytes, not a {type(document).__name__}: read its file as bytes")
        whole = bytes(document)
        header, tensors = _metadata(whole)
        fields = _checked(header)
        layout = Layout.from_fields(fields, _malformed)
        body = _tensors(whole, tensors, layout.level)
        named = {name: fields[name] for name in (*_HEX_LENGTHS, "client", "sequence", "since")}
        found = cls(**named, layout=layout, body=body)
        if payload_of(body) != found.payload:
            raise ContributionRefused("C3: its numbers are not those that were signed: get the contribution anew")
        if not is_signed_contribution(found.signed_bytes(), found.signature, found.public_key):
            raise ContributionRefused(
                f"C3: its signature is not that of the public key {found.public_key[:16]}… in it: the contribution was "
                "changed after it was signed"
            )
        return found

    def _fields(self) -> dict[str, Any]:
        return {
            "version": CONTRIBUTION_VERSION,
            "client": self.client,
            "sequence": self.sequence,
            "since": self.since,
            "digest": self.digest,
            "fingerprint": self.fingerprint,
            "public_key": self.public_key,
            "payload": self.payload,
            **self.layout.fields(),
        }


IDENTITY: Final = frozenset({"client", "sequence", "since", "level", "digest", "fingerprint", "public_key"})

FIELDS: Final = frozenset(_HEX_LENGTHS) | {
    "version",
    "client",
    "sequence",
    "since",
    "level",
    "count",
    "labels",
    "name_bytes",
    "widths",
}


def _malformed(why: str) -> ContributionRefused:
    return ContributionRefused(f"C1: this is no contribution as memory.contribution writes it: {why}")


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def payload_of(body: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) of the packed arrays, each with its name and length."""
    sha = hashlib.sha256()
    for name in sorted(body):
        sha.update(f"{name} {len(body[name])}\n".encode() + body[name])
    return sha.hexdigest()


def _metadata(document: bytes) -> tuple[str, dict[str, Any]]:
    """The header, and what is said of each array, without reading the arrays."""
    length = int.from_bytes(document[:8], "little")
    if len(document) < 8 or length > min(MAX_HEADER_BYTES, len(document) - 8):
        raise _malformed("it is no safetensors document with a short header")
    found = _loaded(document[8 : 8 + length])
    metadata = found.pop("__metadata__", None) if isinstance(found, dict) else None
    if not isinstance(metadata, dict) or metadata.keys() != {KEY} or not isinstance(metadata[KEY], str):
        raise _malformed("its metadata are not one header")
    return metadata[KEY], found


def _tensors(document: bytes, tensors: dict[str, Any], level: Level) -> dict[str, bytes]:
    if tensors.keys() != set(array_names(level)):
        raise _malformed("its arrays are not those of its level")
    if not all(isinstance(one, dict) and one.get("dtype") == "U8" for one in tensors.values()):
        raise _malformed("an array is no row of bytes")
    try:
        found = load(document)
    except (SafetensorError, ValueError) as error:
        raise _malformed(f"its arrays cannot be read ({error})") from error
    return {name: array.tobytes() for name, array in found.items()}


def _checked(header: str) -> dict[str, Any]:
    """The fields of a header, each there and of its form, and none besides."""
    fields = _loaded(header.encode("utf-8", "surrogatepass"))
    if not isinstance(fields, dict):
        raise _malformed("its header is no JSON object")
    if fields.get("version") != CONTRIBUTION_VERSION or type(fields["version"]) is not int:
        raise ContributionRefused(
            f"C2: the contribution is of version {str(fields.get('version'))[:20]}, and this release reads "
            f"{CONTRIBUTION_VERSION}: use the same release on both sides"
        )
    if odd := sorted(FIELDS ^ fields.keys()):
        raise _malformed(f"its header has other fields: {', '.join(name[:40] for name in odd[:3])}")
    for name, length in _HEX_LENGTHS.items():
        if not _is_hex(fields[name], length):
            raise _malformed(f"its {name} is no {length} hex digits")
    for name, least in (("sequence", 1), ("since", 0)):
        if type(fields[name]) is not int or not least <= fields[name] <= MAX_COUNT:
            raise _malformed(f"its {name} is no whole number from {least}")
    if fields["since"] >= fields["sequence"]:
        raise _malformed("it is a difference against a later contribution, or itself")
    try:
        check_name(fields["client"], "its client", InvalidId)
    except InvalidId as error:
        raise _malformed(str(error)) from error
    if _canonical(fields).decode() != header:
        raise _malformed("its header is not written in the one way it can be signed")
    return fields


def _loaded(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"its header is no JSON ({str(error)[:80]})") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and set(value) <= set("0123456789abcdef")
