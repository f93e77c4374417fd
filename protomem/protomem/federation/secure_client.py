"""A client of a secure sum: it sends its vector so that only a total of enough clients can be read.

Bonawitz et al. (CCS 2017), figure 4, with what it has against a coordinator that lies. Its rounds:

    0  advertise   two fresh public keys, signed
    1  share       a seed of the pair masks and a self seed, in shares that only the other clients can open
    2  mask        the vector, plus the self mask, plus or minus a mask with every other client that shared its seeds
    3  confirm     a signature under who survived and who dropped out, as the coordinator says
    4  reveal      shares of the self seed of each survivor, and of the pair masks' seed of each that dropped out

Nobody is ever told both seeds of a client: with them its vector could be read. In round 4 a client answers only if the
minimum confirmed what it did: told different lists, clients could be asked for one seed of some and the other seed of
others, until the total of just a few is left. Each round is taken once, since a second masked vector under the same
masks would tell the difference. A secret is dropped with the round that used it last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protomem.errors import AggregationRefused, InvalidInput, TooFewClients
from protomem.federation.masks import Words, add_mask
from protomem.federation.secure_agreement import Agreement
from protomem.federation.secure_keys import Dice, agreed_key, masking_key, opened, pair_mask, sealed, self_mask
from protomem.federation.secure_layout import Layout
from protomem.federation.secure_messages import (
    Advertisement,
    Confirmations,
    Confirmed,
    Deliveries,
    FromClient,
    Masked,
    Revealed,
    Roster,
    Shares,
    Unmasking,
    decoded,
    read_signed,
    signed,
)
from protomem.federation.secure_shares import SEED_BYTES, shares_of

__all__ = ["SecureClient"]

P = ParamSpec("P")

ROUNDS: Final = ("advertise", "share", "mask", "confirm", "reveal")


def _round(work: Callable[Concatenate[SecureClient, P], bytes]) -> Callable[Concatenate[SecureClient, P], bytes]:
    """A round that may be taken once, after those before it; one that is refused may be taken again."""

    @wraps(work)
    def taken(self: SecureClient, /, *args: P.args, **kwargs: P.kwargs) -> bytes:
        if self._next >= len(ROUNDS) or ROUNDS[self._next] != work.__name__:
            ahead = "is over" if self._next >= len(ROUNDS) else f"expects {ROUNDS[self._next]!r}"
            raise AggregationRefused(f"{work.__name__!r} is out of turn: this secure sum {ahead} for {self.name!r}")
        message = work(self, *args, **kwargs)
        self._next += 1
        return message

    return taken


@final
class SecureClient:
    """The client `name` of an agreement, with its Ed25519 private key `identity` (32 bytes).

    `dice` gives random bytes; whoever can foresee them can read the vector. It serves one secure sum and one thread: a
    client that lost it has dropped out. Raises `InvalidInput` where the agreement is not about this layout, or names
    another public key for this client; `AggregationRefused` for a stranger.
    """

    def __init__(self, agreement: Agreement, layout: Layout, name: str, identity: bytes, dice: Dice) -> None:
        self._identity = _private_key(identity)
        self._number = agreement.number(name)
        if (agreement.layout, agreement.length) != (layout.digest(), layout.length):
            raise InvalidInput("the agreement is about another layout: compare space, level and labels")
        if agreement.members[self._number].identity != self._identity.public_key().public_bytes_raw():
            raise InvalidInput(f"the agreement names another public key for {name!r} than that of its private key")
        self.name = name
        self._agreement, self._session, self._dice = agreement, agreement.digest(), dice
        self._next = 0
        self._sealing = X25519PrivateKey.from_private_bytes(dice(32))
        self._seed, self._self_seed = dice(SEED_BYTES), dice(SEED_BYTES)
        self._masking = masking_key(self._session, self._seed, self._number)
        self._secrets: dict[str, tuple[bytes, bytes]] = {}  # of each other client of the roster: to seal, to mask
        self._held: dict[str, tuple[bytes, bytes]] = {}  # shares of the two seeds of each client that shared them

    @_round
    def advertise(self) -> bytes:
        """Round 0: the public keys."""
        return self._signed(self._advertisement())

    @_round
    def share(self, roster: bytes) -> bytes:
        """Round 1: shares of both seeds for everyone on the roster.

        Raises `AggregationRefused` for keys that a member did not sign, two messages of one, the same key twice, or
        other keys of this client than it sent; `TooFewClients` below the minimum.
        """
        told = decoded(roster, Roster, self._agreement)
        keys = self._keys(told)
        self._check_enough(len(keys))
        if keys.pop(self.name, None) != self._advertisement():
            raise AggregationRefused(f"the roster lacks the keys of {self.name!r}, to whom it was sent")
        secrets = {
            name: (agreed_key(self._sealing, name, one.sealing), agreed_key(self._masking, name, one.masking))
            for name, one in keys.items()
        }
        count = len(self._agreement.members)
        pairs = [shares_of(seed, self._agreement.minimum, count) for seed in (self._seed, self._self_seed)]
        shares = list(zip(*pairs, strict=True))
        boxes = {}
        for name, (secret, _) in secrets.items():
            there = self._agreement.number(name)
            boxes[name] = sealed(self._session, secret, self._number, there, b"".join(shares[there]), self._dice)
        message = self._signed(Shares(self._session, self.name, boxes))
        self._roster = told.digest()
        self._secrets, self._held = secrets, {self.name: shares[self._number]}
        del self._sealing, self._masking, self._seed
        return message

    @_round
    def mask(self, deliveries: bytes, words: Words) -> bytes:
        """Round 2: the vector (length,) under its masks; `words` itself is not changed.

        Raises `AggregationRefused` for shares that cannot be opened or come from outside the roster, `TooFewClients`
        below the minimum, `InvalidInput` for a vector of another length or dtype.
        """
        if words.shape != (self._agreement.length,) or words.dtype != np.uint64:
            raise InvalidInput(
                f"the vector is {words.dtype} of shape {words.shape}; agreed on were {self._agreement.length} words, "
                "uint64: make it by Layout.words"
            )
        boxes = decoded(deliveries, Deliveries, self._agreement).sealed
        self._check_enough(len(boxes) + 1)
        held = {name: self._open(name, box) for name, box in boxes.items()}
        masked = words.astype("<u8", copy=True)
        add_mask(masked, self_mask(self._session, self._self_seed, self._number), 1)
        for name in held:
            there = self._agreement.number(name)
            key = pair_mask(self._session, self._secrets[name][1], self._number, there)
            add_mask(masked, key, 1 if self._number < there else -1)
        message = self._signed(Masked(self._session, self.name, masked.tobytes()))
        self._held |= held
        del self._secrets, self._self_seed
        return message

    @_round
    def confirm(self, unmasking: bytes) -> bytes:
        """Round 3: a signature under who survived and who dropped out.

        Raises `AggregationRefused` where both seeds of a client are asked for, or the two lists are not just those who
        shared their seeds, this client among the survivors; `TooFewClients` for fewer survivors than the minimum.
        """
        asked = decoded(unmasking, Unmasking, self._agreement)
        survivors, dropped = set(asked.survivors), set(asked.dropped)
        if both := survivors & dropped:
            raise AggregationRefused(f"both seeds of {min(both)!r} are asked for: with them its vector could be read")
        if survivors | dropped != set(self._held) or self.name not in survivors:
            raise AggregationRefused(
                "those who survived and dropped out are not those who shared their seeds, me among them"
            )
        self._check_enough(len(survivors))
        question = asked.question(self._roster)
        message = self._signed(Confirmed(self._session, self.name, question))
        self._asked, self._question = asked, question
        return message

    @_round
    def reveal(self, confirmations: bytes) -> bytes:
        """Round 4: a share of one seed of each client, never of both; then the last secrets are dropped.

        Raises `AggregationRefused` unless all that was confirmed is what this client did, each by another survivor;
        `TooFewClients` where fewer than the minimum did.
        """
        self._check_confirmed(decoded(confirmations, Confirmations, self._agreement))
        of_self = {name: self._held[name][1] for name in sorted(self._asked.survivors)}
        of_masks = {name: self._held[name][0] for name in sorted(self._asked.dropped)}
        message = self._signed(Revealed(self._session, self.name, of_self, of_masks))
        del self._held
        return message

    def _advertisement(self) -> Advertisement:
        sealing, masking = (key.public_key().public_bytes_raw() for key in (self._sealing, self._masking))
        return Advertisement(self._session, self.name, sealing, masking)

    def _keys(self, roster: Roster) -> dict[str, Advertisement]:
        keys: dict[str, Advertisement] = {}
        seen: set[bytes] = set()
        for message in roster.advertisements:
            one = read_signed(message, self._agreement)
            if not isinstance(one, Advertisement) or one.client in keys:
                raise AggregationRefused(f"the roster holds a second message of {one.client!r}, or one without keys")
            one.check_fresh(seen)
            keys[one.client] = one
        return keys

    def _check_confirmed(self, told: Confirmations) -> None:
        signers: set[str] = set()
        for message in told.confirmations:
            one = read_signed(message, self._agreement)
            if not isinstance(one, Confirmed) or one.client in signers:
                raise AggregationRefused(f"a second message of {one.client!r} came, or one that confirms nothing")
            if one.client not in self._asked.survivors:
                raise AggregationRefused(f"{one.client!r} confirmed, and is not among those who survived")
            if one.question != self._question:
                raise AggregationRefused(
                    f"{one.client!r} was told of other survivors than {self.name!r}: with two lists the coordinator "
                    "could read a total of a few; nothing was revealed"
                )
            signers.add(one.client)
        self._check_enough(len(signers))

    def _open(self, name: str, box: bytes) -> tuple[bytes, bytes]:
        if name not in self._secrets:
            raise AggregationRefused(f"shares came from {name!r}, which is not on the roster or is the receiver itself")
        there = self._agreement.number(name)
        try:
            return opened(self._session, self._secrets[name][0], there, self._number, box)
        except InvalidTag as error:
            raise AggregationRefused(
                f"the shares of {name!r} cannot be opened: they are damaged or not for me"
            ) from error

    def _check_enough(self, clients: int) -> None:
        if clients < self._agreement.minimum:
            raise TooFewClients(f"{clients} clients are fewer than the agreed minimum of {self._agreement.minimum}")

    def _signed(self, document: FromClient) -> bytes:
        return signed(document, self._identity)


def _private_key(identity: bytes) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(identity)
    except (TypeError, ValueError) as error:
        raise InvalidInput("identity must be an Ed25519 private key as its 32 bytes") from error
