"""A memory's two secret keys: one signs its receipts, one turns ids into hashes that only the memory can recognise."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protomem.errors import InvalidInput, MemoryDamaged
from protomem.receipts import ID_HASH_BYTES, Receipt

__all__ = ["KEY_BYTES", "Secrets", "is_signed", "is_signed_contribution"]

KEY_BYTES: Final = 32
"""Bytes of each key, and of a public key."""

CONTRIBUTION: Final = b"protomem contribution\xff"
"""Stands before a header that is signed: no receipt begins so, and neither can be taken for the other."""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The keys of one memory, 32 random bytes each, drawn when it is made and kept in its file."""

    signing: bytes
    hashing: bytes

    def as_text(self) -> dict[str, str]:
        """The keys as a store keeps them among the settings."""
        return {"signing_key": self.signing.hex(), "hashing_key": self.hashing.hex()}

    @classmethod
    def from_text(cls, kept: Mapping[str, str]) -> Secrets:
        """The keys that `as_text` wrote. Raises `MemoryDamaged` if they are not 64 hex digits each."""
        try:
            keys = bytes.fromhex(kept["signing_key"]), bytes.fromhex(kept["hashing_key"])
        except (KeyError, ValueError):
            keys = b"", b""
        if any(len(key) != KEY_BYTES for key in keys):
            raise MemoryDamaged("the memory's keys cannot be read: restore the file from a copy")
        return cls(*keys)

    @property
    def public_key(self) -> str:
        """The Ed25519 public key (hex) under which this memory's receipts verify. Give it to whoever audits them."""
        return self._private().public_key().public_bytes_raw().hex()

    def signed(self, receipt: Receipt) -> Receipt:
        """The receipt with its signature."""
        return replace(receipt, signature=self._private().sign(receipt.signed_bytes()).hex())

    def sign_contribution(self, header: bytes) -> str:
        """The signature (hex) under a contribution's header."""
        return self._private().sign(CONTRIBUTION + header).hex()

    def client_hash(self, client: str) -> str:
        """The keyed hash (hex) of a client's name."""
        return self._mac(b"client", client)

    def id_hash(self, id: str) -> str:
        """The keyed hash (hex) of an example's id."""
        return self._mac(b"id", id)

    def seal(self, id: str, content: bytes) -> bytes:
        """A keyed commitment to an example: 32 bytes that show later that exactly this was learned under this id."""
        name = id.encode()
        message = b"seal\xff" + len(name).to_bytes(4, "little") + name + content
        return hmac.digest(self.hashing, message, hashlib.sha256)

    def request_hash(self, key: str) -> str:
        """The keyed hash (hex) of an idempotency key."""
        return self._mac(b"request", key)

    def derived_id(self, key: str, row: int) -> str:
        """The id (hex) of an example that came without one in a request with this idempotency key."""
        return self._mac(b"derived id", f"{row} {key}")

    def _mac(self, purpose: bytes, text: str) -> str:
        # The purpose is no prefix of another and ends with a byte that no text in UTF-8 holds.
        return hmac.digest(self.hashing, purpose + b"\xff" + text.encode(), hashlib.sha256)[:ID_HASH_BYTES].hex()

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.signing)


def is_signed(receipt: Receipt, public_key: str) -> bool:
    """Whether the receipt's signature is that of this public key (64 hex digits). Raises `InvalidInput` for no key."""
    return _is_signature(receipt.signature, receipt.signed_bytes(), public_key)


def is_signed_contribution(header: bytes, signature: str, public_key: str) -> bool:
    """Whether this signature (hex) of a contribution's header is that of the public key. As `is_signed`."""
    return _is_signature(signature, CONTRIBUTION + header, public_key)


def _is_signature(signature: str, message: bytes, public_key: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
    except ValueError as error:
        raise InvalidInput(f"the public key must be {2 * KEY_BYTES} hex digits: memory.public_key shows it") from error
    try:
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
