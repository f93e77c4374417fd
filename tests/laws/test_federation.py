"""Law 1 for several memories: whatever clients learn, forget and send, and whatever of it arrives, twice or late, a
coordinator is the memory that learned what was merged last of each; after a withdrawal, the one that never had it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.laws.oracle import Oracle, oracle_space, quantized
from tests.laws.test_state_machine import DIMENSION, LABELS, VECTORS, WIDTH

import protomem

CLIENTS = ["clinic-1", "clinic-2", "名前 3"]

Row = tuple[int, tuple[str, ...]]
Rows = dict[str, Row]

ROWS = st.lists(
    st.tuples(
        st.integers(0, len(VECTORS) - 1),
        st.sets(st.sampled_from(LABELS), min_size=1, max_size=3).map(lambda some: tuple(sorted(some))),
    ),
    min_size=1,
    max_size=5,
)


def opened(path: Path | None = None, retain: Literal["codes", "nothing"] = "codes") -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=WIDTH, retain=retain)


def teach(memory: protomem.Memory, rows: Rows) -> protomem.Receipt:
    return memory.learn(
        [VECTORS[vector] for vector, _ in rows.values()], [some for _, some in rows.values()], list(rows)
    )


@dataclass
class Sender:
    """A client, and what it was taught and sent as the test knows it."""

    memory: protomem.Memory = field(default_factory=opened)
    rows: Rows = field(default_factory=dict)
    sent: int = 0
    keeps_sums: bool = False


@dataclass(frozen=True)
class Message:
    """What a client sent: the rows that it knew then."""

    client: str
    document: bytes
    sequence: int
    since: int
    rows: Rows


@dataclass
class Known:
    """What the coordinator must know of a client: its last number, its rows if it is merged, and what came of it."""

    sequence: int
    rows: Rows | None
    receipts: dict[int, protomem.Receipt]


class FederationMachine(RuleBasedStateMachine):
    """The rules. What the coordinator keeps, and where, is the subclass's choice."""

    def __init__(self) -> None:
        super().__init__()
        self.senders = {name: Sender() for name in CLIENTS}
        self.coordinator = self.open()
        self.own: Rows = {}
        self.taught: dict[str, protomem.Receipt] = {}
        self.messages: list[Message] = []
        self.known: dict[str, Known] = {}
        self.written = 0

    def open(self) -> protomem.Memory:
        raise NotImplementedError

    def teardown(self) -> None:
        receipts = self.coordinator.receipts()
        assert all(check.ok for check in protomem.audit_chain(receipts, self.coordinator.public_key))
        verified = self.coordinator.verify()
        assert verified.ok, verified
        assert verified.examples == len(self.everything())
        self.coordinator.close()

    def everything(self) -> list[Row]:
        merged = [row for known in self.known.values() for row in (known.rows or {}).values()]
        return [*self.own.values(), *merged]

    def fresh(self, rows: Sequence[Row], prefix: str) -> Rows:
        self.written += len(rows)
        return {f"{prefix} {self.written - place}": row for place, row in enumerate(rows)}

    # ----------------------------------------------------------------------------------------------------- at a client

    @rule(name=st.sampled_from(CLIENTS), rows=ROWS)
    def a_client_learns(self, name: str, rows: list[Row]) -> None:
        new = self.fresh(rows, "id")
        teach(self.senders[name].memory, new)
        self.senders[name].rows |= new

    @rule(name=st.sampled_from(CLIENTS), rows=ROWS, whole=st.booleans())
    def a_client_learns_and_is_merged(self, name: str, rows: list[Row], whole: bool) -> None:
        """What happens most: else few runs come to several merged clients."""
        self.a_client_learns(name, rows)
        self.a_client_sends(name, whole)
        self.arrives(len(self.messages) - 1)

    @rule(name=st.sampled_from(CLIENTS), data=st.data())
    def a_client_forgets(self, name: str, data: st.DataObject) -> None:
        sender = self.senders[name]
        if sender.rows:
            gone = data.draw(st.lists(st.sampled_from(sorted(sender.rows)), min_size=1, max_size=4, unique=True))
            sender.memory.forget(ids=gone)
            sender.rows = {id: row for id, row in sender.rows.items() if id not in gone}

    @rule(name=st.sampled_from(CLIENTS))
    def a_client_purges(self, name: str) -> None:
        self.senders[name].memory.purge()
        self.senders[name].keeps_sums = False

    @rule(name=st.sampled_from(CLIENTS), whole=st.booleans())
    def a_client_sends(self, name: str, whole: bool) -> None:
        """The difference against what it sent last, unless everything is asked for or those sums were purged."""
        sender = self.senders[name]
        part = sender.memory.contribution(name, whole=whole)
        since = sender.sent if sender.keeps_sums and not whole else 0
        sender.sent, sender.keeps_sums = sender.sent + 1, True
        assert (part.client, part.sequence, part.since) == (name, sender.sent, since)
        assert part.digest == sender.memory.digest()
        self.messages.append(Message(name, part.to_bytes(), sender.sent, since, dict(sender.rows)))

    # ----------------------------------------------------------------------------------------------- at the coordinator

    @rule(data=st.data())
    @precondition(lambda self: self.messages)
    def a_message_arrives(self, data: st.DataObject) -> None:
        """Any of all that were ever sent, at any time."""
        self.arrives(data.draw(st.integers(0, len(self.messages) - 1)))

    def arrives(self, place: int) -> None:
        message = self.messages[place]
        known = self.known.get(message.client)
        if known is not None and place in known.receipts:
            assert self.coordinator.merge(message.document) == known.receipts[place]
        elif known is not None and message.sequence <= known.sequence:
            self.refused(message, "was known already")
        elif message.since and (known is None or known.rows is None or known.sequence != message.since):
            self.refused(message, "is the difference against")
        else:
            receipt = self.coordinator.merge(message.document)
            assert (receipt.kind, receipt.count) == ("merge", 1)
            before = known.receipts if known is not None else {}
            self.known[message.client] = Known(message.sequence, message.rows, {**before, place: receipt})

    def refused(self, message: Message, why: str) -> None:
        with pytest.raises(protomem.ContributionOutOfOrder, match=why):
            self.coordinator.merge(message.document)

    @rule(name=st.sampled_from(CLIENTS))
    def a_client_is_withdrawn(self, name: str) -> None:
        known = self.known.get(name)
        if known is None or known.rows is None:
            with pytest.raises(protomem.NotRemembered, match=f"nothing of the client {name!r} is merged"):
                self.coordinator.withdraw(name)
            return
        receipt = self.coordinator.withdraw(name)
        assert (receipt.kind, receipt.count) == ("withdraw", 1)
        self.known[name] = Known(known.sequence, None, {})

    @rule(rows=ROWS)
    def the_coordinator_learns(self, rows: list[Row]) -> None:
        new = self.fresh(rows, "own")
        receipt = teach(self.coordinator, new)
        self.own |= new
        self.taught[receipt.id] = receipt

    @rule(data=st.data())
    @precondition(lambda self: self.taught)
    def the_coordinator_forgets(self, data: st.DataObject) -> None:
        receipt = self.taught.pop(data.draw(st.sampled_from(sorted(self.taught))))
        self.coordinator.forget(receipt=receipt)
        self.own = {id: row for id, row in self.own.items() if id not in receipt.ids}

    @rule()
    def the_coordinator_purges(self) -> None:
        self.coordinator.purge()

    @rule()
    def the_coordinator_is_opened_again(self) -> None:
        if self.coordinator._store.keeps_snapshots:
            self.coordinator.close()
            self.coordinator = self.open()

    @rule()
    def the_coordinator_passes_everything_on(self) -> None:
        """A tree: what the next coordinator has is what this one has."""
        part = self.coordinator.contribution("region", merged=True, whole=True)
        with opened() as above:
            above.merge(part)
            assert above.digest() == self.coordinator.digest() == part.digest

    @rule()
    def it_answers_as_the_central_memory(self) -> None:
        merged = any(known.rows is not None for known in self.known.values())
        with opened(retain="nothing" if merged else self.retain) as central:
            rows = self.everything()
            if rows:
                teach(central, {f"row {place}": row for place, row in enumerate(rows)})
            assert answers(self.coordinator) == answers(central)

    @property
    def retain(self) -> Literal["codes", "nothing"]:
        return "nothing" if self.coordinator.settings.retain == "nothing" else "codes"

    @invariant()
    def it_is_the_memory_of_what_is_merged(self) -> None:
        space = oracle_space(DIMENSION, WIDTH)
        rows = [(quantized(VECTORS[vector], space.scale), some, None) for vector, some in self.everything()]
        oracle = Oracle(space, {str(place): row for place, row in enumerate(rows)})
        assert self.coordinator.digest() == oracle.digest()
        assert self.coordinator.classes() == oracle.classes()
        assert len(self.coordinator) == len(rows)
        told = {one.name: (one.sequence, one.merged, one.count) for one in self.coordinator.clients()}
        assert told == {
            name: (known.sequence, known.rows is not None, len(known.rows or ())) for name, known in self.known.items()
        }


def answers(memory: protomem.Memory) -> Any:
    try:
        found = memory.predict(VECTORS[:20], evidence=0, explain=True)
    except protomem.EmptyMemory:
        return None
    return [(one.ranking, one.heads, one.explanation) for one in found]


class KeepingCodes(FederationMachine):
    """In RAM, with examples of its own."""

    def open(self) -> protomem.Memory:
        return opened()


class OnDisk(FederationMachine):
    """In a file, opened again now and then."""

    kept: Literal["codes", "nothing"] = "codes"

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open(self) -> protomem.Memory:
        return opened(Path(self.folder.name) / "coordinator.duckdb", self.kept)

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class KeepingNothing(OnDisk):
    """In a file with sums alone."""

    kept = "nothing"


SETTINGS = settings(max_examples=max(4, settings().max_examples // 4), stateful_step_count=30)
TestKeepingCodes = KeepingCodes.TestCase
TestKeepingCodes.settings = SETTINGS
TestOnDisk = OnDisk.TestCase
TestOnDisk.settings = SETTINGS
TestKeepingNothing = KeepingNothing.TestCase
TestKeepingNothing.settings = SETTINGS
