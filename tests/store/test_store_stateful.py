"""Any sequence of writes, failing ones, purges, snapshots and reopenings: the store on disk equals the one in RAM."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.store.samples import id_hash, receipt

from protomem.errors import MemoryDamaged
from protomem.listing import Page
from protomem.receipts import Kind, Receipt
from protomem.store import RamStore, Row, Store, Write
from protomem_store import DuckDbStore
from protomem_store.schema import RESERVED

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
HASHES = st.integers(0, 9).map(id_hash)
CONTENTS = st.builds(
    lambda subject, labels, codes, item: (subject, tuple(sorted(set(labels))), codes, item),
    subject=st.none() | st.sampled_from(["anna", "ben", ""]),
    labels=st.lists(TEXTS, max_size=3),
    codes=st.binary(max_size=8),
    item=st.none() | TEXTS,
)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "memory.duckdb"
        self.disk = DuckDbStore(self.path)
        self.ram = RamStore()
        self.ids: set[str] = set()
        self.writes = 0
        self.picture: bytes | None = None

    def write(
        self, added: list[Row], removed: list[str], buried: Sequence[str] = (), raised: Sequence[str] = ()
    ) -> None:
        write = Write(self.receipt(), added, removed, buried, raised)
        self.disk.write(write)
        self.ram.write(write)
        self.picture = None if removed else self.picture
        self.ids = (self.ids - set(removed)) | {row.id for row in added}

    def receipt(self, kind: Kind = "learn") -> Receipt:
        self.writes += 1
        return receipt(self.writes, kind)

    @initialize(settings=st.dictionaries(TEXTS.filter(lambda key: key not in RESERVED), TEXTS, max_size=3))
    def create(self, settings: dict[str, str]) -> None:
        self.disk.create(settings)
        self.ram.create(settings)

    @rule(data=st.data(), contents=st.lists(CONTENTS, max_size=30))
    def add(self, data: st.DataObject, contents: list[tuple[str | None, tuple[str, ...], bytes, str | None]]) -> None:
        fresh = TEXTS.filter(lambda text: text not in self.ids)
        ids = data.draw(st.lists(fresh, min_size=len(contents), max_size=len(contents), unique=True))
        self.write([Row(id, *content) for id, content in zip(ids, contents, strict=True)], [])

    @rule(data=st.data(), contents=st.lists(CONTENTS, min_size=1, max_size=6))
    def change_in_a_group(
        self, data: st.DataObject, contents: list[tuple[str | None, tuple[str, ...], bytes, str | None]]
    ) -> None:
        """One write of several changes on disk, one by one in RAM."""
        there, group = set(self.ids), []
        for content in contents:
            removed = data.draw(st.lists(st.sampled_from(sorted(there)), unique=True)) if there else []
            id = data.draw(TEXTS.filter(lambda text, taken=there - set(removed): text not in taken))
            buried, raised = data.draw(st.lists(HASHES, max_size=2)), data.draw(st.lists(HASHES, max_size=2))
            group.append(Write(self.receipt(), [Row(id, *content)], removed, buried, raised))
            there = there - set(removed) | {id}
        self.disk.write(*group)
        for write in group:
            self.ram.write(write)
        self.picture = None if any(write.removed for write in group) else self.picture
        self.ids = there

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), content=CONTENTS)
    def remove_and_replace(self, data: st.DataObject, content: tuple[str | None, tuple[str, ...], bytes, None]) -> None:
        removed = data.draw(st.lists(st.sampled_from(sorted(self.ids)), unique=True))
        self.write([Row(id, *content) for id in removed[:2]], removed)

    @rule(buried=st.lists(HASHES), raised=st.lists(HASHES))
    def bury_and_raise(self, buried: list[str], raised: list[str]) -> None:
        self.write([], [], buried, raised)

    @rule()
    def purge(self) -> None:
        made = self.receipt("purge")
        self.disk.purge(made)
        self.ram.purge(made)
        self.picture = None

    @rule(picture=st.binary(max_size=8))
    def keep_snapshot(self, picture: bytes) -> None:
        self.disk.keep_snapshot(picture)
        self.picture = picture

    @rule(data=st.data(), contents=st.lists(CONTENTS, min_size=1, max_size=3))
    def fail(self, data: st.DataObject, contents: list[tuple[str | None, tuple[str, ...], bytes, str | None]]) -> None:
        known = data.draw(st.lists(st.sampled_from(sorted(self.ids)), unique=True)) if self.ids else []
        rows = [Row(f"new-{number}", *content) for number, content in enumerate(contents)]
        with pytest.raises(MemoryDamaged, match="were to go"):
            self.disk.write(Write(receipt(self.writes + 1), rows, [*known, "never there"], [id_hash(1)], [id_hash(2)]))

    @rule()
    def reopen(self) -> None:
        self.disk.close()
        there = {file.name for file in self.path.parent.iterdir()}
        assert there - {"memory.duckdb.snapshot"} == {"memory.duckdb"}
        self.disk = DuckDbStore(self.path, must_exist=True)

    @invariant()
    def answers_are_equal(self) -> None:
        assert answers(self.disk, sorted(self.ids)) == answers(self.ram, sorted(self.ids))
        assert self.disk.snapshot() == self.picture

    def teardown(self) -> None:
        self.disk.close()
        self.folder.cleanup()


PAGES = [Page(), Page("x"), Page(None, "anna"), Page(None, None, "id-2", 2), Page("x", "ben", "id-1", 1)]


def answers(store: Store, ids: list[str]) -> tuple[object, ...]:
    return (
        store.settings(),
        sorted((row for batch in store.rows() for row in batch), key=lambda row: row.id),
        store.get([*ids[::2], "never there"]),
        [store.ids_of_subject(subject) for subject in ("anna", "ben", "", "nobody")],
        [sorted(row.id for batch in store.rows(after) for row in batch) for after in (1, 5, 10)],
        [store.examples(page) for page in PAGES],
        store.receipts(),
        [store.receipts(after, limit) for after, limit in ((0, 2), (2, None), (3, 2), (99, 1))],
        store.last_receipt(),
        store.last_receipt("purge", "forget"),
        store.receipts_of_requests([receipt(number).request for number in (1, 5)]),
        store.tombstones([id_hash(number) for number in range(12)]),
    )


StoreMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
TestStoreMachine = StoreMachine.TestCase
