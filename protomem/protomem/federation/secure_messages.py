"""The messages of a secure sum, as bytes: what is agreed on, what clients send, signed, and what the coordinator sends.

Each is a msgpack document of one fixed form with a version; unknown fields, other types, another session's messages and
other signatures are refused. A client's message is {version, body, signature}: the signature is over the body, which
names its kind, the session and the client.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protomem.errors import AggregationRefused, InvalidInput, MissingExtra
from protomem.federation.secure_layout import Layout

try:
    import msgspec
except ImportError as error:
    raise MissingExtra("secure aggregation", "secure") from error

__all__ = [
    "MOST_MEMBERS",
    "Advertisement",
    "Agreement",
    "Deliveries",
    "Masked",
    "Member",
    "Revealed",
    "Roster",
    "Shares",
    "Unmasking",
    "decoded",
    "encoded",
    "read_signed",
    "signed",
]

Version: TypeAlias = Literal[1]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Key: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Share: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Sealed: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=60, max_length=60)]  # nonce 12, two shares 32, tag 16

MOST_MEMBERS: Final = 1_000
"""Each client makes a share for each other: a million of them at this size."""

MEMBER_BYTES: Final = 2_048
"""What any message holds of one member is below this: a name of 256 letters of up to 4 bytes, and some 300 bytes of
keys, signatures and the names of fields."""

CONTEXT: Final = b"protomem secure sum 1\0"


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """The form that all messages share."""


class Member(_Document, frozen=True, tag="member"):
    """A client: its name, and the Ed25519 public key (32 bytes) by which all others know its messages."""

    name: Name
    identity: Key


class Agreement(_Document, frozen=True, tag="agreement"):
    """What all agree on before a secure sum: the same bytes for everybody, and not the coordinator's to choose alone.

    `session` is 32 random bytes that no other secure sum has, `members` the clients by name, `minimum` how many must
    be in a total, `layout` and `length` the digest and the words of the layout. The minimum is more than half of the
    members, so that no two halves of them can be asked for the two secrets of one client.
    """

    session: Key
    members: tuple[Member, ...]
    minimum: int
    layout: Key
    length: int
    version: Version = 1

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
        return cast(Agreement, _decoded(data, cls, MEMBER_BYTES * (MOST_MEMBERS + 1)))

    def digest(self) -> bytes:
        """SHA-256 of the agreement, which every message of its session carries."""
        return hashlib.sha256(CONTEXT + encoded(self)).digest()

    def number(self, name: str) -> int:
        """The place of a member among them all. Raises `AggregationRefused` for a stranger."""
        number = bisect_left(self.members, name, key=attrgetter("name"))
        if number == len(self.members) or self.members[number].name != name:
            raise AggregationRefused(f"{name!r} is not a member of this secure sum")
        return number


class Advertisement(_Document, frozen=True, tag="advertisement"):
    """Round 0, from a client: its X25519 public keys of this session."""

    session: Key
    client: Name
    sealing: Key
    masking: Key
    version: Version = 1

    def check_fresh(self, seen: set[bytes]) -> None:
        """Raise `AggregationRefused` for keys that are among those `seen`, or twice the same; add them to those.

        All public keys differ, says round 1 of figure 4: who repeats another's would agree on keys in its place.
        """
        if self.sealing == self.masking or seen & {self.sealing, self.masking}:
            raise AggregationRefused(f"{self.client!r} advertised a key that was advertised before: each must be fresh")
        seen |= {self.sealing, self.masking}


class Roster(_Document, frozen=True, tag="roster"):
    """Round 1, to every client: the advertisements, each as its client signed it."""

    session: Key
    advertisements: tuple[bytes, ...]
    version: Version = 1


class Shares(_Document, frozen=True, tag="shares"):
    """Round 1, from a client: for each other client of the roster a share of both secrets, which only it can open."""

    session: Key
    client: Name
    sealed: dict[Name, Sealed]
    version: Version = 1


class Deliveries(_Document, frozen=True, tag="deliveries"):
    """Round 2, to one client: what every other client that shared its secrets sealed for it."""

    session: Key
    sealed: dict[Name, Sealed]
    version: Version = 1


class Masked(_Document, frozen=True, tag="masked"):
    """Round 2, from a client: its masked vector as little-endian words."""

    session: Key
    client: Name
    words: bytes
    version: Version = 1


class Unmasking(_Document, frozen=True, tag="unmasking"):
    """Round 3, to every client: whose masked vectors came, and whose did not after they had shared their secrets."""

    session: Key
    survivors: tuple[Name, ...]
    dropped: tuple[Name, ...]
    version: Version = 1


class Revealed(_Document, frozen=True, tag="revealed"):
    """Round 3, from a client: its shares of the survivors' self seeds, and of the mask seeds of those who dropped."""

    session: Key
    client: Name
    self_shares: dict[Name, Share]
    mask_shares: dict[Name, Share]
    version: Version = 1


class _Signed(_Document, frozen=True, tag="signed"):
    body: bytes
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    version: Version = 1


FromClient: TypeAlias = Advertisement | Shares | Masked | Revealed
ToClient: TypeAlias = Roster | Deliveries | Unmasking
One = TypeVar("One", Roster, Deliveries, Unmasking)


def encoded(document: _Document) -> bytes:
    """The bytes of a message or an agreement; equal documents give equal bytes."""
    return msgspec.msgpack.encode(document, order="deterministic")


def decoded(data: bytes, kind: type[One], agreement: Agreement) -> One:
    """The coordinator's message of this kind and session. Raises `AggregationRefused` for anything else."""
    document: One = _decoded(data, kind, _most_bytes(agreement))
    if document.session != agreement.digest():
        raise AggregationRefused(f"this {kind.__name__} belongs to another secure sum: agree and begin anew")
    return document


def signed(document: FromClient, identity: Ed25519PrivateKey) -> bytes:
    """A client's message as it travels."""
    body = encoded(document)
    return encoded(_Signed(body, identity.sign(CONTEXT + body)))


def read_signed(data: bytes, agreement: Agreement) -> FromClient:
    """A client's message, of this session and signed by the member whose name it carries.

    Raises `AggregationRefused` for anything else.
    """
    envelope: _Signed = _decoded(data, _Signed, _most_bytes(agreement))
    document: FromClient = _decoded(envelope.body, FromClient, _most_bytes(agreement))
    if document.session != agreement.digest():
        raise AggregationRefused(f"the message of {document.client!r} belongs to another secure sum, and was not taken")
    member = agreement.members[agreement.number(document.client)]
    try:
        Ed25519PublicKey.from_public_bytes(member.identity).verify(envelope.signature, CONTEXT + envelope.body)
    except InvalidSignature as error:
        raise AggregationRefused(f"the message is not signed by {document.client!r}, whose name it carries") from error
    return document


def _decoded(data: bytes, kind: Any, most: int) -> Any:
    if len(data) > most:
        raise AggregationRefused(f"the message has {len(data):,} bytes, but none of this kind is above {most:,}")
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AggregationRefused(f"the message is not of the agreed form: {error}") from error


def _most_bytes(agreement: Agreement) -> int:
    """What no message of this sum is longer than: words, and something of every member and of the sender."""
    return 8 * agreement.length + MEMBER_BYTES * (len(agreement.members) + 1)
