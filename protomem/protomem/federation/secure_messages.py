"""The messages of a secure sum, as bytes: what clients send, signed, and what the coordinator sends.

Another session's messages and other signatures are refused. A client's message is {version, body, signature}: the
signature is over the body, which names its kind, and with it the round, the session and the client.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protomem.errors import AggregationRefused
from protomem.federation.secure_agreement import (
    CONTEXT,
    MEMBER_BYTES,
    VERSION,
    Agreement,
    Document,
    Key,
    Name,
    Version,
    decoded_as,
    encoded,
    exactly,
)

__all__ = [
    "Advertisement",
    "Confirmations",
    "Confirmed",
    "Deliveries",
    "FromClient",
    "Masked",
    "Revealed",
    "Roster",
    "Shares",
    "Unmasking",
    "decoded",
    "read_signed",
    "signed",
]

Share: TypeAlias = Annotated[bytes, exactly(16)]
Sealed: TypeAlias = Annotated[bytes, exactly(60)]  # nonce 12, two shares 32, tag 16


class Advertisement(Document, frozen=True, tag="advertisement"):
    """Round 0, from a client: its X25519 public keys of this session."""

    session: Key
    client: Name
    sealing: Key
    masking: Key
    version: Version = VERSION

    def check_fresh(self, seen: set[bytes]) -> None:
        """Raise `AggregationRefused` for keys that are among those `seen`, or twice the same; add them to those.

        All public keys differ, says round 1 of figure 4: who repeats another's would agree on keys in its place.
        """
        if self.sealing == self.masking or seen & {self.sealing, self.masking}:
            raise AggregationRefused(f"{self.client!r} advertised a key that was advertised before: each must be fresh")
        seen |= {self.sealing, self.masking}


class Roster(Document, frozen=True, tag="roster"):
    """Round 1, to every client: the advertisements, each as its client signed it."""

    session: Key
    advertisements: tuple[bytes, ...]
    version: Version = VERSION


class Shares(Document, frozen=True, tag="shares"):
    """Round 1, from a client: for each other client of the roster a share of both secrets, which only it can open."""

    session: Key
    client: Name
    sealed: dict[Name, Sealed]
    version: Version = VERSION


class Deliveries(Document, frozen=True, tag="deliveries"):
    """Round 2, to one client: what every other client that shared its secrets sealed for it."""

    session: Key
    sealed: dict[Name, Sealed]
    version: Version = VERSION


class Masked(Document, frozen=True, tag="masked"):
    """Round 2, from a client: its masked vector as little-endian words."""

    session: Key
    client: Name
    words: bytes
    version: Version = VERSION


class Unmasking(Document, frozen=True, tag="unmasking"):
    """Round 3, to every client: whose masked vectors came, and whose did not after they had shared their secrets."""

    session: Key
    survivors: tuple[Name, ...]
    dropped: tuple[Name, ...]
    version: Version = VERSION

    def question(self, roster: bytes) -> bytes:
        """SHA-256 of what is asked for, and of the keys it is asked of: `roster` is the digest of round 1's message.

        The keys are new in every secure sum, so that no confirmation of another one is taken for one of this.
        """
        return hashlib.sha256(roster + self.digest()).digest()


class Confirmed(Document, frozen=True, tag="confirmed"):
    """Round 3, from a client: the question, as it was asked itself."""

    session: Key
    client: Name
    question: Key
    version: Version = VERSION


class Confirmations(Document, frozen=True, tag="confirmations"):
    """Round 4, to every client that confirmed: what was confirmed, each as its client signed it."""

    session: Key
    confirmations: tuple[bytes, ...]
    version: Version = VERSION


class Revealed(Document, frozen=True, tag="revealed"):
    """Round 4, from a client: its shares of the survivors' self seeds, and of the mask seeds of those who dropped."""

    session: Key
    client: Name
    self_shares: dict[Name, Share]
    mask_shares: dict[Name, Share]
    version: Version = VERSION


class _Signed(Document, frozen=True, tag="signed"):
    body: bytes
    signature: Annotated[bytes, exactly(64)]
    version: Version = VERSION


FromClient: TypeAlias = Advertisement | Shares | Masked | Confirmed | Revealed
"""A message of each round, from a client."""

One = TypeVar("One", Roster, Deliveries, Unmasking, Confirmations)


def decoded(data: bytes, kind: type[One], agreement: Agreement) -> One:
    """The coordinator's message of this kind and session. Raises `AggregationRefused` for anything else."""
    document: One = decoded_as(data, kind, _most_bytes(agreement))
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
    envelope: _Signed = decoded_as(data, _Signed, _most_bytes(agreement))
    document: FromClient = decoded_as(envelope.body, FromClient, _most_bytes(agreement))
    if document.session != agreement.digest():
        raise AggregationRefused(f"the message of {document.client!r} belongs to another secure sum, and was not taken")
    member = agreement.members[agreement.number(document.client)]
    try:
        Ed25519PublicKey.from_public_bytes(member.identity).verify(envelope.signature, CONTEXT + envelope.body)
    except InvalidSignature as error:
        raise AggregationRefused(f"the message is not signed by {document.client!r}, whose name it carries") from error
    return document


def _most_bytes(agreement: Agreement) -> int:
    """What no message of this sum is longer than: words, and something of every member and of the sender."""
    return 8 * agreement.length + MEMBER_BYTES * (len(agreement.members) + 1)
