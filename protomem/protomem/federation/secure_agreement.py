"""What the members of a secure sum agree on beforehand, and the form that it and all messages have.

Each is a msgpack document of one fixed form with a version; unknown fields and other types are refused.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

from protomem.errors import AggregationRefused, InvalidInput, MissingExtra
from protomem.federation.secure_layout import Layout

try:
    import msgspec
except ImportError as error:
    raise MissingExtra("secure aggregation", "secure") from error

__all__ = [
    "CONTEXT",
    "MEMBER_BYTES",
    "MOST_MEMBERS",
    "VERSION",
    "Agreement",
    "Document",
    "Key",
    "Member",
    "Name",
    "Version",
    "decoded_as",
    "encoded",
    "exactly",
]

Version: TypeAlias = Literal[2]
VERSION: Final = 2
"""1 had no round in which the survivors are confirmed: a client of it would reveal its shares unasked for that."""


def exactly(length: int) -> msgspec.Meta:
    """Bytes of this length, in an annotation."""
    return msgspec.Meta(min_length=length, max_length=length)


Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Key: TypeAlias = Annotated[bytes, exactly(32)]

MOST_MEMBERS: Final = 1_000
"""Each client makes a share for each other: a million of them at this size."""

MEMBER_BYTES: Final = 2_048
"""What any message holds of one member is below this: a name of 256 letters of up to 4 bytes, and some 300 bytes of
keys, signatures and the names of fields."""

CONTEXT: Final = b"protomem secure sum 2\0"


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """The form that the agreement and all messages share."""

    def digest(self) -> bytes:
        """SHA-256 of it: equal documents have equal ones."""
        return hashlib.sha256(CONTEXT + encoded(self)).digest()


def encoded(document: Document) -> bytes:
    """The bytes of a message or an agreement; equal documents give equal bytes."""
    return msgspec.msgpack.encode(document, order="deterministic")


def decoded_as(data: bytes, kind: Any, most: int) -> Any:
    """The document of this type. Raises `AggregationRefused` for anything else, and for more bytes than `most`."""
    if len(data) > most:
        raise AggregationRefused(f"the message has {len(data):,} bytes, but none of this kind is above {most:,}")
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AggregationRefused(f"the message is not of the agreed form: {error}") from error


class Member(Document, frozen=True, tag="member"):
    """A client: its name, and the Ed25519 public key (32 bytes) by which all others know its messages."""

    name: Name
    identity: Key


class Agreement(Document, frozen=True, tag="agreement"):
    """What all agree on before a secure sum: the same bytes for everybody, and not the coordinator's to choose alone.

    `session` is 32 random bytes that no other secure sum has, `members` the clients by name, `minimum` how many must
    be in a total, `layout` and `length` the digest and the words of the layout. The minimum is more than half of the
    members, so that no two groups of them can confirm two different lists of survivors. Every message of its session
    carries its `digest`.
    """

    session: Key
    members: tuple[Member, ...]
    minimum: int
    layout: Key
    length: int
    version: Version = VERSION

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if names != sorted(set(names)) or len({member.identity for member in self.members}) != len(names):
            raise InvalidInput(
                "the members of a secure sum must be sorted by name, each with a name and a key of its own"
            )
        if not 2 <= len(names) <= MOST_MEMBERS:
            raise InvalidInput(f"a secure sum is of 2 to {MOST_MEMBERS} members, not of {len(names)}")
        if not len(names) // 2 < self.minimum <= len(names) or self.minimum < 2:
            low = max(2, len(names) // 2 + 1)
            raise InvalidInput(f"the minimum of {len(names)} members must be {low} to {len(names)}, not {self.minimum}")
        if self.length < 1:
            raise InvalidInput(f"a secure sum is of at least one word, not of {self.length}")

    @classmethod
    def of(cls, session: bytes, identities: dict[str, bytes], minimum: int, layout: Layout) -> Agreement:
        """The agreement of these clients, by name with their public keys, on this layout."""
        members = tuple(Member(name, identities[name]) for name in sorted(identities))
        return cls(session, members, minimum, layout.digest(), layout.length)

    @classmethod
    def from_bytes(cls, data: bytes) -> Agreement:
        """The agreement that `encoded` wrote. Raises `AggregationRefused` for anything else."""
        return cast(Agreement, decoded_as(data, cls, MEMBER_BYTES * (MOST_MEMBERS + 1)))

    def number(self, name: str) -> int:
        """The place of a member among them all. Raises `AggregationRefused` for a stranger."""
        number = bisect_left(self.members, name, key=attrgetter("name"))
        if number == len(self.members) or self.members[number].name != name:
            raise AggregationRefused(f"{name!r} is not a member of this secure sum")
        return number
