"""What does a secure sum cost beside a plain one? 50 clients, of whom 10 drop out after they have shared their seeds.

That is the dearest moment: the coordinator makes each one's masks with all survivors again. Sums of 77 labels, as many
as BANKING77 has, at the default width and at each level, with random numbers in them. Everything runs on one thread,
client after client; a client's time is the median. The total is compared with the plain sum, bit for bit. No data.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, final

import numpy as np
from common import CONSOLE, DIMENSION, arguments, median, save, show_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.table import Table

import protomem
from protomem.federation.levels import LEVELS, Level
from protomem.federation.masks import Words
from protomem.federation.secure_agreement import Agreement
from protomem.federation.secure_client import SecureClient
from protomem.federation.secure_coordinator import SecureCoordinator
from protomem.federation.secure_layout import Layout
from protomem.space import SpaceSettings

CLIENTS: Final = 50
DROPPED: Final = 10
MINIMUM: Final = 34
LABELS: Final = 77
SUM: Final = 2**20
"""Numbers in the vectors are below this."""

Result = TypeVar("Result")


@final
@dataclass
class Spent:
    """Seconds and bytes of each client that stayed, and seconds of the coordinator."""

    client: dict[str, float] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    coordinator: float = 0.0
    unmasking: float = 0.0
    plain: float = 0.0

    def of_client(self, name: str, asked: bytes, work: Callable[[], bytes]) -> bytes:
        """What the client answers, with its time and the bytes of both messages."""
        taken, message = timed(work)
        self.client[name] = self.client.get(name, 0.0) + taken
        self.sent[name] = self.sent.get(name, 0) + len(message)
        self.received[name] = self.received.get(name, 0) + len(asked)
        return message

    def of_coordinator(self, work: Callable[[], Result]) -> Result:
        taken, result = timed(work)
        self.coordinator += taken
        return result


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def vector(number: int, length: int) -> Words:
    """A client's sums: the same whenever asked, so that they need not all be there at once."""
    return np.random.default_rng(number).integers(-SUM, SUM, size=length).view(np.uint64)


def measured(level: Level) -> tuple[Layout, Spent]:
    """One secure sum at this level. AssertionError if it differs from the plain one."""
    layout = Layout(
        SpaceSettings(DIMENSION, protomem.Vectors(DIMENSION).fingerprint),
        level,
        tuple(f"label {number:02}" for number in range(LABELS)),
    )
    identities = {f"client {number:02}": Ed25519PrivateKey.generate() for number in range(CLIENTS)}
    public = {name: key.public_key().public_bytes_raw() for name, key in identities.items()}
    agreement = Agreement.of(secrets.token_bytes(32), public, MINIMUM, layout)
    clients = {
        name: SecureClient(agreement, layout, name, key.private_bytes_raw(), secrets.token_bytes)
        for name, key in identities.items()
    }
    staying = dict(list(clients.items())[DROPPED:])
    coordinator, spent = SecureCoordinator(agreement), Spent()

    def take(message: bytes) -> None:
        spent.of_coordinator(lambda: coordinator.receive(message))

    for name, client in clients.items():
        take(spent.of_client(name, b"", client.advertise))
    roster = spent.of_coordinator(coordinator.roster)
    for name, client in clients.items():
        take(spent.of_client(name, roster, lambda client=client: client.share(roster)))
    deliveries = spent.of_coordinator(coordinator.deliveries)
    plain = np.zeros(layout.length, dtype=np.uint64)
    for number, (name, client) in enumerate(staying.items()):
        words, asked = vector(number, layout.length), deliveries[name]
        take(spent.of_client(name, asked, lambda client=client, asked=asked, words=words: client.mask(asked, words)))
        taken, _ = timed(lambda words=words: np.add(plain, words, out=plain))
        spent.plain += taken
    unmasking = spent.of_coordinator(coordinator.unmasking)
    for name, client in staying.items():
        take(spent.of_client(name, unmasking, lambda client=client: client.confirm(unmasking)))
    asked = spent.of_coordinator(coordinator.confirmations)
    for name, client in staying.items():
        take(spent.of_client(name, asked, lambda client=client: client.reveal(asked)))
    spent.unmasking, total = timed(coordinator.total)
    assert (total == plain).all(), "the total differs from the plain sum"
    return layout, spent


def main() -> None:
    options = arguments(__doc__)
    show_machine()
    table = Table(title=f"{CLIENTS} clients, {DROPPED} drop out, minimum {MINIMUM}; {LABELS} labels")
    for column in ("", "words", "client, s", "sent, bytes", "of the bare vector", "received, bytes"):
        table.add_column(column, justify="right")
    for column in ("coordinator: messages, s", "unmasking, s", "plain sum, s"):
        table.add_column(column, justify="right")
    numbers = {}
    for level in LEVELS:
        layout, spent = measured(level)
        stayed = [name for name in spent.client if f"client {DROPPED:02}" <= name]
        client, sent, received = (
            median(of[name] for name in stayed) for of in (spent.client, spent.sent, spent.received)
        )
        numbers[level] = {
            "words": layout.length,
            "client seconds": client,
            "bytes sent": sent,
            "bytes received": received,
            "coordinator seconds": spent.coordinator,
            "unmasking seconds": spent.unmasking,
            "plain seconds": spent.plain,
        }
        table.add_row(
            level,
            f"{layout.length:,}",
            f"{client:.2f}",
            f"{sent:,.0f}",
            f"{sent / (8 * layout.length):.3f}",
            f"{received:,.0f}",
            f"{spent.coordinator:.2f}",
            f"{spent.unmasking:.2f}",
            f"{spent.plain:.3f}",
        )
    CONSOLE.print(table)
    CONSOLE.print("every total was the plain sum, bit for bit")
    save(options.json, "the cost of secure sums", {"levels": numbers})


if __name__ == "__main__":
    main()
