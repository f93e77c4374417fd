"""The coordinator of a secure sum: it passes messages on, adds up masked vectors and takes the masks off the total.

It sees public keys, sealed shares, masked vectors, who dropped out and when, and the total of the survivors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import final

import numpy as np

from protomem.errors import AggregationRefused, TooFewClients
from protomem.federation.masks import Words, add_mask
from protomem.federation.secure_agreement import Agreement, encoded
from protomem.federation.secure_keys import agreed_key, check_public_key, masking_key, pair_mask, self_mask
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
    read_signed,
)
from protomem.federation.secure_shares import combined

__all__ = ["SecureCoordinator", "Stage"]


class Stage(IntEnum):
    """What the coordinator is waiting for."""

    ADVERTISEMENTS = 0
    SHARES = 1
    MASKED = 2
    CONFIRMED = 3
    REVEALED = 4


AWAITED = (Advertisement, Shares, Masked, Confirmed, Revealed)


@final
class SecureCoordinator:
    """One secure sum, as agreed on.

    `receive` takes the clients' messages of a round, in any order; `roster`, `deliveries`, `unmasking`, `confirmations`
    and `total` end a round. Who has not sent anything by then has dropped out. With fewer clients than the minimum a
    round does not end, and `TooFewClients` is raised: wait for more, or begin anew. It holds two vectors and a message
    at most.
    """

    def __init__(self, agreement: Agreement) -> None:
        self.stage = Stage.ADVERTISEMENTS
        self._agreement, self._session = agreement, agreement.digest()
        self._seen: dict[str, bytes] = {}  # of this round: a digest of each client's message
        self._advertisements: dict[str, tuple[Advertisement, bytes]] = {}
        self._public_keys: set[bytes] = set()
        self._sealed: dict[str, Mapping[str, bytes]] = {}
        self._sum: Words = np.zeros(agreement.length, dtype=np.uint64)
        self._survivors: tuple[str, ...] = ()
        self._roster, self._question = b"", b""  # digests: of the roster, and of what is asked of the survivors
        self._confirmed: dict[str, bytes] = {}
        self._revealed: dict[str, Revealed] = {}

    def receive(self, message: bytes) -> str:
        """Take a client's message of this round; the name of the client. The same message again changes nothing.

        Raises `AggregationRefused` for a message that is damaged, not signed by the member it names, of another session
        or round, a second and different one, or one that does not hold just what was asked for; and for keys that the
        others would refuse, so that one client cannot stop them all.
        """
        document = read_signed(message, self._agreement)
        name, digest = document.client, hashlib.sha256(message).digest()
        if not isinstance(document, AWAITED[self.stage]):
            kind = type(document).__name__
            raise AggregationRefused(
                f"{kind} of {name!r} came while waiting for {self.stage.name.lower()}; it was not taken"
            )
        if name in self._seen:
            if self._seen[name] != digest:
                raise AggregationRefused(f"{name!r} sent two different messages in one round; the first one counts")
            return name
        self._take(document, message)
        self._seen[name] = digest
        return name

    @property
    def present(self) -> tuple[str, ...]:
        """Whose messages of this round have come."""
        return tuple(sorted(self._seen))

    @property
    def survivors(self) -> tuple[str, ...]:
        """Whose vectors are in the total; nobody before round 2 has ended."""
        return self._survivors

    def roster(self) -> bytes:
        """End of round 0: the message to every client that advertised its keys."""
        there = self._end(Stage.ADVERTISEMENTS)
        roster = Roster(self._session, tuple(self._advertisements[name][1] for name in there))
        self._roster = roster.digest()
        return encoded(roster)

    def deliveries(self) -> dict[str, bytes]:
        """End of round 1: the message to each client that shared its seeds."""
        self._end(Stage.SHARES)
        return {
            name: encoded(Deliveries(self._session, {other: boxes[name] for other, boxes in self._others(name)}))
            for name in self._sealed
        }

    def unmasking(self) -> bytes:
        """End of round 2: the message to every client whose masked vector came."""
        self._survivors = self._end(Stage.MASKED)
        asked = Unmasking(self._session, self._survivors, self._dropped)
        self._question = asked.question(self._roster)
        return encoded(asked)

    def confirmations(self) -> bytes:
        """End of round 3: the message to every client that confirmed. Who did not is in the total all the same."""
        there = self._end(Stage.CONFIRMED)
        return encoded(Confirmations(self._session, tuple(self._confirmed[name] for name in there)))

    def total(self) -> Words:
        """End of round 4: the sum of the survivors' vectors modulo 2⁶⁴, (length,), bit for bit the plain one.

        Raises `AggregationRefused` where shares of a client that dropped out give another key than it advertised. Wrong
        shares of a self seed cannot be told: the total is then random, as it is where a client sends a random vector.
        """
        self._check_enough(Stage.REVEALED)
        words = self._sum.copy()
        for name in self._survivors:
            seed = combined(self._shares("self_shares", name), self._agreement.minimum)
            add_mask(words, self_mask(self._session, seed, self._agreement.number(name)), -1)
        for name in self._dropped:
            self._take_off_pairs(words, name)
        return words

    @property
    def _dropped(self) -> tuple[str, ...]:
        return tuple(sorted(set(self._sealed) - set(self._survivors)))

    def _take_off_pairs(self, words: Words, dropped: str) -> None:
        """Take off what the survivors added for a client whose own vector never came."""
        here = self._agreement.number(dropped)
        seed = combined(self._shares("mask_shares", dropped), self._agreement.minimum)
        key = masking_key(self._session, seed, here)
        if key.public_key().public_bytes_raw() != self._advertisements[dropped][0].masking:
            raise AggregationRefused(
                f"the shares of {dropped!r} give another key than it advertised: a client sent wrong ones"
            )
        for name in self._survivors:
            there = self._agreement.number(name)
            secret = agreed_key(key, name, self._advertisements[name][0].masking)
            add_mask(words, pair_mask(self._session, secret, here, there), -1 if there < here else 1)

    def _shares(self, field: str, name: str) -> dict[int, bytes]:
        return {self._agreement.number(sender): getattr(told, field)[name] for sender, told in self._revealed.items()}

    def _others(self, name: str) -> list[tuple[str, Mapping[str, bytes]]]:
        return [(other, boxes) for other, boxes in sorted(self._sealed.items()) if other != name]

    def _take(self, document: FromClient, message: bytes) -> None:
        name = document.client
        if isinstance(document, Advertisement):
            check_public_key(name, document.sealing)
            check_public_key(name, document.masking)
            document.check_fresh(self._public_keys)
            self._advertisements[name] = document, message
        elif isinstance(document, Shares):
            self._check_known(name, self._advertisements)
            self._check_names(name, "shares", document.sealed, set(self._advertisements) - {name})
            self._sealed[name] = document.sealed
        elif isinstance(document, Masked):
            self._check_known(name, self._sealed)
            self._add(document)
        elif isinstance(document, Confirmed):
            self._check_known(name, self._survivors)
            if document.question != self._question:
                raise AggregationRefused(f"{name!r} confirmed something else than it was asked")
            self._confirmed[name] = message
        else:
            self._check_known(name, self._confirmed)
            self._check_names(name, "shares of survivors", document.self_shares, set(self._survivors))
            self._check_names(name, "shares of those who dropped out", document.mask_shares, set(self._dropped))
            self._revealed[name] = document

    def _add(self, document: Masked) -> None:
        if len(document.words) != 8 * self._agreement.length:
            raise AggregationRefused(
                f"the vector of {document.client!r} has not the {self._agreement.length} agreed words"
            )
        self._sum += np.frombuffer(document.words, dtype="<u8")

    def _check_known(self, name: str, known: Collection[str]) -> None:
        if name not in known:
            raise AggregationRefused(f"{name!r} missed the round before, and sends nothing to this sum any more")

    def _check_names(self, name: str, what: str, got: Mapping[str, bytes], wanted: set[str]) -> None:
        if set(got) != wanted:
            raise AggregationRefused(f"{name!r} sent {what} for other clients than those it was asked for")

    def _end(self, stage: Stage) -> tuple[str, ...]:
        """Who was there in this round, which ends."""
        self._check_enough(stage)
        present = self.present
        self.stage, self._seen = Stage(stage + 1), {}
        return present

    def _check_enough(self, stage: Stage) -> None:
        if self.stage != stage:
            raise AggregationRefused(f"this secure sum waits for {self.stage.name.lower()}: end that round first")
        if len(self._seen) < self._agreement.minimum:
            raise TooFewClients(
                f"{len(self._seen)} of {len(self._agreement.members)} clients are fewer than the agreed minimum of "
                f"{self._agreement.minimum}: wait for more, or begin anew"
            )
