"""The keys of one client in one secure sum, by X25519, HKDF and ChaCha20-Poly1305 of `cryptography`.

Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning" (CCS 2017), figure 4. Every key
is bound to the session and to the places of those who use it, and has one use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protomem.errors import AggregationRefused
from protomem.federation.masks import MASK_KEY_BYTES
from protomem.federation.secure_shares import SEED_BYTES

__all__ = ["Dice", "agreed_key", "check_public_key", "masking_key", "opened", "pair_mask", "sealed", "self_mask"]

Dice = Callable[[int], bytes]
"""So many random bytes: `secrets.token_bytes` at the border."""

NONCE_BYTES: Final = 12

PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(32))
"""Nobody's key. Every X25519 exchange multiplies by 8, so a point of low order gives no secret with any key at all."""


def masking_key(session: bytes, seed: bytes, client: int) -> X25519PrivateKey:
    """The private key that makes a client's pair masks. It comes from a seed, because only 16 bytes can be shared."""
    return X25519PrivateKey.from_private_bytes(_derived(session, seed, b"masking key", client))


def agreed_key(mine: X25519PrivateKey, name: str, theirs: bytes) -> bytes:
    """The secret shared with the client `name`. Raises `AggregationRefused` for a public key that gives none."""
    try:
        return mine.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:
        raise AggregationRefused(
            f"a key that {name!r} advertised is no X25519 public key that gives a secret: begin anew without it"
        ) from error


def check_public_key(name: str, key: bytes) -> None:
    """Raise `AggregationRefused` for a public key of the client `name` that gives no secret."""
    agreed_key(PROBE, name, key)


def self_mask(session: bytes, seed: bytes, client: int) -> bytes:
    """The key of the mask that a client puts on its vector by itself."""
    return _derived(session, seed, b"self mask", client)


def pair_mask(session: bytes, secret: bytes, one: int, other: int) -> bytes:
    """The key of the mask of two clients, the same for both."""
    return _derived(session, secret, b"pair mask", min(one, other), max(one, other))


def sealed(session: bytes, secret: bytes, sender: int, receiver: int, shares: bytes, dice: Dice) -> bytes:
    """Shares that only the receiver can open: nonce and ciphertext."""
    nonce = dice(NONCE_BYTES)
    return nonce + _cipher(session, secret, sender, receiver).encrypt(nonce, shares, None)


def opened(session: bytes, secret: bytes, sender: int, receiver: int, box: bytes) -> tuple[bytes, bytes]:
    """The two shares in what `sealed` made. Raises InvalidTag for what was not made in this session for these two."""
    shares = _cipher(session, secret, sender, receiver).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], None)
    if len(shares) != 2 * SEED_BYTES:
        raise InvalidTag
    return shares[:SEED_BYTES], shares[SEED_BYTES:]


def _cipher(session: bytes, secret: bytes, sender: int, receiver: int) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derived(session, secret, b"shares", sender, receiver))


def _derived(session: bytes, secret: bytes, purpose: bytes, *places: int) -> bytes:
    info = purpose + b"\0" + b"".join(place.to_bytes(4, "little") for place in places)
    return HKDF(SHA256(), MASK_KEY_BYTES, salt=session, info=info).derive(secret)
