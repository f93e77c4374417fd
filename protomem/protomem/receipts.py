"""What a memory hands back after every change: numbers, keyed hashes and a signature, never content.

The signed bytes of a receipt are its fields as JSON with sorted keys, without spaces, without `signature`, and without
what is told to the caller alone (`ids`, `unchanged`). Each receipt names the SHA-256 of the whole receipt before it, so
that they form a chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Literal, final, get_args

from protomem.errors import InvalidReceipt

__all__ = ["ID_HASH_BYTES", "RECEIPT_VERSION", "Kind", "Receipt", "Taught"]

Kind = Literal["learn", "forget", "purge", "merge", "withdraw"]

RECEIPT_VERSION = 1

ID_HASH_BYTES = 16
"""Keyed hashes of ids are HMAC-SHA-256 cut to this length: two ids of one memory collide once in 2⁶⁴."""

MAX_RECEIPT_CHARACTERS = 256 * 2**20
"""A receipt of 5,000,000 ids has 180 MB; what is longer was not written by protomem."""

_HEX_LENGTHS = {"before": 64, "after": 64, "previous": 64, "request": 32, "signature": 128}
_MAY_BE_EMPTY = {"previous", "request"}


@final
@dataclass(frozen=True, slots=True)
class Taught:
    """One example as the receipt of a memory that keeps nothing hands it back: its id, its labels, its codes in hex."""

    id: str
    labels: tuple[str, ...]
    codes: str


@final
@dataclass(frozen=True, slots=True)
class Receipt:
    """One change of a memory.

    `sequence` counts the changes from 1. `count` examples were added or removed, those whose keyed hashes (hex) are
    `id_hashes`. `before` and `after` are the commitments (hex) to the multiset of remembered examples around the
    change, `at` the time in UTC as ISO 8601, `previous` the SHA-256 of the receipt before (empty for the first),
    `request` a keyed hash of the idempotency key (empty without one), `signature` Ed25519 by the memory's key.

    `ids` are the examples learned or forgotten and `unchanged` those that a `learn` found remembered already with the
    same content; both are told to the caller and never kept. So is `content`, which a memory that retains "nothing"
    gives back for what it learned: keep it as you would keep the data, since forgetting needs it. It is not signed; the
    memory recognises it by a keyed commitment.
    """

    id: str
    kind: Kind
    sequence: int
    count: int
    before: str
    after: str
    at: str
    previous: str = ""
    id_hashes: tuple[str, ...] = ()
    request: str = ""
    signature: str = ""
    ids: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    content: tuple[Taught, ...] = ()

    def without_ids(self) -> Receipt:
        """The receipt as it is kept."""
        return replace(self, ids=(), unchanged=(), content=())

    def signed_bytes(self) -> bytes:
        """The bytes that the signature is over."""
        return _canonical({name: value for name, value in self._fields().items() if name != "signature"})

    def chain_hash(self) -> str:
        """SHA-256 (hex) of the whole receipt, which the next one names."""
        return hashlib.sha256(_canonical(self._fields())).hexdigest()

    def to_json(self) -> str:
        """The receipt as a line of JSON, for whoever wants to prove the change. Holds no id unless it has `content`."""
        content = [{"id": one.id, "labels": list(one.labels), "codes": one.codes} for one in self.content]
        return _canonical(self._fields() | ({"content": content} if content else {})).decode()

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """The receipt that `to_json` wrote. Raises `InvalidReceipt` for anything else."""
        if len(text) > MAX_RECEIPT_CHARACTERS:
            raise InvalidReceipt(f"the receipt has {len(text)} characters, more than any that protomem writes")
        try:
            fields = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidReceipt(f"the receipt is no JSON ({error}): pass what receipt.to_json() wrote") from error
        if not isinstance(fields, dict):
            raise InvalidReceipt("the receipt is no JSON object: pass what receipt.to_json() wrote")
        content = _content(fields.pop("content", []))
        _check(fields)
        del fields["version"]
        return cls(**fields | {"id_hashes": tuple(fields["id_hashes"]), "content": content})

    def _fields(self) -> dict[str, Any]:
        return {
            "version": RECEIPT_VERSION,
            "id": self.id,
            "kind": self.kind,
            "sequence": self.sequence,
            "count": self.count,
            "before": self.before,
            "after": self.after,
            "at": self.at,
            "previous": self.previous,
            "id_hashes": list(self.id_hashes),
            "request": self.request,
            "signature": self.signature,
        }


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _content(found: object) -> tuple[Taught, ...]:
    if not isinstance(found, list):
        raise InvalidReceipt("the receipt's content is no list")
    return tuple(map(_taught, found))


def _taught(one: object) -> Taught:
    if not (isinstance(one, dict) and one.keys() == {"id", "labels", "codes"}):
        raise InvalidReceipt("the receipt's content has other fields than id, labels and codes")
    id, labels, codes = one["id"], one["labels"], one["codes"]
    if not (isinstance(id, str) and isinstance(labels, list) and all(isinstance(label, str) for label in labels)):
        raise InvalidReceipt("the receipt's content has an id or labels that are no strings")
    if not (isinstance(codes, str) and len(codes) % 2 == 0 and _is_hex(codes, len(codes))):
        raise InvalidReceipt("the receipt's content has codes that are no hex digits")
    return Taught(id, tuple(labels), codes)


def _check(fields: dict[str, Any]) -> None:
    """Every field there, of its type and form, and none besides."""
    expected = set(Receipt.__dataclass_fields__) - {"ids", "unchanged", "content"} | {"version"}
    if odd := sorted(expected ^ fields.keys()):
        raise InvalidReceipt(f"the receipt has other fields than a receipt: {', '.join(map(repr, odd[:3]))}")
    if fields["version"] != RECEIPT_VERSION:
        raise InvalidReceipt(
            f"the receipt is of version {fields['version']!r}, and this release reads {RECEIPT_VERSION}: "
            "audit it with a newer release"
        )
    if fields["kind"] not in get_args(Kind):
        raise InvalidReceipt(f"the receipt's kind is {fields['kind']!r}: it must be one of {', '.join(get_args(Kind))}")
    for name in ("sequence", "count"):
        if type(fields[name]) is not int or fields[name] < 0:
            raise InvalidReceipt(f"the receipt's {name} is {fields[name]!r}: it must be a whole number from 0")
    for name in ("id", "at"):
        if not isinstance(fields[name], str):
            raise InvalidReceipt(f"the receipt's {name} is no string")
    for name, length in _HEX_LENGTHS.items():
        if not _is_hex(fields[name], length) and not (fields[name] == "" and name in _MAY_BE_EMPTY):
            raise InvalidReceipt(f"the receipt's {name} is no {length} hex digits")
    hashes = fields["id_hashes"]
    if not isinstance(hashes, list) or not all(_is_hex(one, 2 * ID_HASH_BYTES) for one in hashes):
        raise InvalidReceipt(f"the receipt's id_hashes are no list of {2 * ID_HASH_BYTES} hex digits each")


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and set(value) <= set("0123456789abcdef")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
