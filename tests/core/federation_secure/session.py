"""A secure sum played through in one process: who is there in which round, and what is sent may be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protomem.federation.masks import Words
from protomem.federation.secure_agreement import Agreement
from protomem.federation.secure_client import SecureClient
from protomem.federation.secure_coordinator import SecureCoordinator
from protomem.federation.secure_layout import Layout
from protomem.space import SpaceSettings

SPACE = SpaceSettings(6, "an encoder", width=5, books=2, keys=3, modes=2)
LAYOUT = Layout(SPACE, "prototypes", ("a", "b", "ç"))
NEVER = 5
"""The round before which a client drops out that never does."""


def dice(seed: object) -> Callable[[int], bytes]:
    """Bytes that are the same in every run."""
    return np.random.default_rng(list(repr(seed).encode())).bytes


def names(count: int) -> list[str]:
    return [f"clinic {number:02}" for number in range(count)]


def identity(name: str) -> bytes:
    return dice(("identity", name))(32)


def public(name: str) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(identity(name)).public_key().public_bytes_raw()


def agreed(count: int, minimum: int, layout: Layout = LAYOUT, session: str = "session") -> Agreement:
    return Agreement.of(dice(session)(32), {name: public(name) for name in names(count)}, minimum, layout)


def drawn_vectors(seed: int, count: int, length: int = LAYOUT.length) -> list[Words]:
    """Any words at all: negative numbers and overflow included."""
    return list(np.random.default_rng(seed).integers(0, 2**64, size=(count, length), dtype=np.uint64))


def plain_sum(vectors: Sequence[Words]) -> list[int]:
    """The sum modulo 2⁶⁴ in Python's integers."""
    return [sum(map(int, column)) % 2**64 for column in zip(*vectors, strict=True)]


@dataclass
class Session:
    """The clients and the coordinator of one agreement, each on dice of its own."""

    agreement: Agreement
    layout: Layout = LAYOUT
    seed: object = "dice"
    clients: dict[str, SecureClient] = field(init=False)
    coordinator: SecureCoordinator = field(init=False)
    advertisements: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        members = [member.name for member in self.agreement.members]
        self.clients = {
            name: SecureClient(self.agreement, self.layout, name, identity(name), dice((self.seed, name)))
            for name in members
        }
        self.coordinator = SecureCoordinator(self.agreement)

    def advertised(self, there: Sequence[str] | None = None) -> bytes:
        """Round 0, by those who are there; the roster."""
        for name in self.clients if there is None else there:
            self.advertisements[name] = self.clients[name].advertise()
            self.coordinator.receive(self.advertisements[name])
        return self.coordinator.roster()

    def shared(self, there: Sequence[str] | None = None) -> dict[str, bytes]:
        """Rounds 0 and 1; the deliveries."""
        roster = self.advertised()
        for name in self.clients if there is None else there:
            self.coordinator.receive(self.clients[name].share(roster))
        return self.coordinator.deliveries()

    def masked(self, vectors: Mapping[str, Words], there: Sequence[str] | None = None) -> bytes:
        """Rounds 0 to 2; the message that says who survived."""
        deliveries = self.shared()
        for name in self.clients if there is None else there:
            self.coordinator.receive(self.clients[name].mask(deliveries[name], vectors[name]))
        return self.coordinator.unmasking()

    def confirmed(self, vectors: Mapping[str, Words], there: Sequence[str] | None = None) -> bytes:
        """Rounds 0 to 3, those who are there from round 2 on; the message that asks for shares."""
        unmasking = self.masked(vectors, there)
        for name in self.clients if there is None else there:
            self.coordinator.receive(self.clients[name].confirm(unmasking))
        return self.coordinator.confirmations()

    def play(self, vectors: Mapping[str, Words], drops: Mapping[str, int]) -> Words:
        """The whole of it; a client with drops[name] = r sends nothing from round r on."""
        roster = self.advertised(self._there(0, drops))
        for name in self._there(1, drops):
            self.coordinator.receive(self.clients[name].share(roster))
        deliveries = self.coordinator.deliveries()
        for name in self._there(2, drops):
            self.coordinator.receive(self.clients[name].mask(deliveries[name], vectors[name]))
        unmasking = self.coordinator.unmasking()
        for name in self._there(3, drops):
            self.coordinator.receive(self.clients[name].confirm(unmasking))
        confirmations = self.coordinator.confirmations()
        for name in self._there(4, drops):
            self.coordinator.receive(self.clients[name].reveal(confirmations))
        return self.coordinator.total()

    def _there(self, round: int, drops: Mapping[str, int]) -> list[str]:
        return [name for name in self.clients if drops.get(name, NEVER) > round]


ONE, TWO, THREE = names(3)


def begun(session: str = "session") -> Session:
    """Three clients, of whom two must stay."""
    return Session(agreed(3, 2, session=session), seed=session)


def three_vectors() -> dict[str, Words]:
    """The vectors of those three."""
    return dict(zip(names(3), drawn_vectors(7, 3), strict=True))


def key_of(name: str) -> Ed25519PrivateKey:
    """The key by which a client signs."""
    return Ed25519PrivateKey.from_private_bytes(identity(name))
