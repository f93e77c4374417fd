"""Laws 1, 2 and 6: whatever is learned and forgotten in whatever order, the memory equals one made of what is left."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.laws.oracle import Oracle, oracle_space, quantized

import protomem

DIMENSION, WIDTH = 6, 12

DICE = random.Random(20)
OUTLIERS = [
    [1e300] * DIMENSION,
    [1e-300, -1e-300, 0.0, 2e-300, 0.0, 1e-300],
    [1e300, 1e-300, -1e300, 0.0, 1.0, -1.0],
    [5e-324, 0.0, 0.0, 0.0, 0.0, -5e-324],
    [-1.0] * DIMENSION,
    *np.eye(DIMENSION).tolist(),
    *(-np.eye(DIMENSION)).tolist(),
]
VECTORS = [[DICE.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(30)] + OUTLIERS
LABELS = ["refund", "card lost", "où est-ce", "名前", "z"]
SUBJECTS = ["ann", "bob", "tenant-7", None]


class Row(NamedTuple):
    """What is taught: a vector by its number, sorted labels, and whose it is."""

    vector: int
    labels: tuple[str, ...]
    subject: str | None

    def as_label(self) -> str | list[str]:
        """One label as a string, several as an unsorted list with a repeat."""
        return self.labels[0] if len(self.labels) == 1 else [*reversed(self.labels), self.labels[0]]


ROWS = st.builds(
    Row,
    st.integers(0, len(VECTORS) - 1),
    st.sets(st.sampled_from(LABELS), min_size=1, max_size=3).map(lambda some: tuple(sorted(some))),
    st.sampled_from(SUBJECTS),
)

Wrong = tuple[Callable[[protomem.Memory], Any], type[Exception], str]
ONE = [VECTORS[0]]
WRONG: list[Wrong] = [
    (lambda memory: memory.learn([[1.0] * 5], ["a"]), protomem.InvalidVectors, r"expected \(n, 6\)"),
    (lambda memory: memory.learn([[1.0] * 5 + [np.nan]], ["a"]), protomem.InvalidVectors, "vector 0 has a NaN"),
    (
        lambda memory: memory.learn([VECTORS[0], [0.0] * 6], ["a", "b"]),
        protomem.InvalidVectors,
        "vector 1 is all zeros",
    ),
    (lambda memory: memory.learn([[np.inf] * 6], ["a"]), protomem.InvalidVectors, "vector 0 has an infinite value"),
    (lambda memory: memory.learn(ONE, ["a", "b"]), protomem.LengthMismatch, "labels has 2 entries for 1 items"),
    (lambda memory: memory.learn(ONE, [None]), protomem.InvalidLabel, r"labels\[0\] is None"),
    (lambda memory: memory.learn(ONE, [[]]), protomem.InvalidLabel, r"labels\[0\] is empty"),
    (lambda memory: memory.learn(ONE, ["a"], ids=[""]), protomem.InvalidId, r"ids\[0\] is empty"),
    (lambda memory: memory.learn(ONE, ["a"], subjects=["x", "y"]), protomem.LengthMismatch, "subjects has 2 entries"),
    (lambda memory: memory.forget(), protomem.InvalidInput, "exactly one of ids=, subject=, label= and receipt="),
    (lambda memory: memory.forget(ids="id 0"), protomem.InvalidId, "ids must be a list of strings"),
    (lambda memory: memory.forget(ids=["never"]), protomem.NotRemembered, "not remembered: 'never'"),
    (lambda memory: memory.forget(subject="nobody"), protomem.NotRemembered, "subject 'nobody'"),
    (lambda memory: memory.forget(label="nothing"), protomem.NotRemembered, "label 'nothing'"),
]


FURTHER: list[dict[str, Any]] = [
    {"coverage": 0.8},
    {"coverage": 0.7, "per_class": True, "explain": True},
    {"multi_label": True, "explain": True},
    {"certainty": 0.6, "separator": " ", "explain": True},
]
"""What is asked besides: each kind of answer that is computed from the examples in a way of its own."""


class MemoryMachine(RuleBasedStateMachine):
    """The rules. What keeps the memory is the subclass's choice."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = self.open()
        self.rows: dict[str, Row] = {}
        self.forgotten: set[str] = set()
        self.unpurged: set[str] = set()
        self.written = 0
        self.oracle = Oracle(oracle_space(DIMENSION, WIDTH))

    def open(self) -> protomem.Memory:
        raise NotImplementedError

    def teardown(self) -> None:
        self.memory.close()

    # ---------------------------------------------------------------------------------------------------- learning

    @rule(rows=st.lists(ROWS, min_size=1, max_size=8), start=st.integers(0, 30), named=st.booleans())
    def learn(self, rows: list[Row], start: int, named: bool) -> None:
        """Under chosen ids, some of which were forgotten before and are refused at first, or under fresh ones."""
        ids = self.free_ids(start, len(rows)) if named else None
        buried = sorted(self.forgotten & set(ids or ()))
        if buried:
            with pytest.raises(protomem.Forgotten, match=f"forgotten before: '{buried[0]}'.* nothing was learned"):
                self.teach(rows, ids)
        self.check_learned(self.teach(rows, ids, relearn=bool(buried)), rows, ids)

    @rule(rows=st.lists(ROWS, min_size=1, max_size=4), named=st.booleans())
    def learn_with_a_key(self, rows: list[Row], named: bool) -> None:
        """The same request again changes nothing and gets the same receipt; another one with its key is refused."""
        ids = self.free_ids(200, len(rows)) if named else None
        key = f"request {self.written}"
        receipt = self.teach(rows, ids, key=key, relearn=True)
        self.check_learned(receipt, rows, ids)
        assert self.teach(rows, ids, key=key, relearn=True) == receipt
        with pytest.raises(protomem.RequestConflict, match="this idempotency key came before"):
            self.memory.forget(ids=["id 0"], idempotency_key=key)

    @rule(seed=st.integers(0, 2**16), count=st.integers(1, 80))
    def learn_many(self, seed: int, count: int) -> None:
        dice = random.Random(seed)
        rows = [
            Row(
                dice.randrange(len(VECTORS)),
                tuple(sorted(dice.sample(LABELS, dice.choice([1, 1, 1, 2])))),
                dice.choice(SUBJECTS),
            )
            for _ in range(count)
        ]
        self.check_learned(self.teach(rows, None), rows, None)

    @rule(data=st.data(), fresh=st.lists(ROWS, max_size=3))
    @precondition(lambda self: self.rows)
    def learn_again(self, data: st.DataObject, fresh: list[Row]) -> None:
        """What is remembered with the same content is left alone and said so; so is a repeat within the batch."""
        again = data.draw(st.lists(st.sampled_from(list(self.rows)), min_size=1, max_size=4))
        ids = self.free_ids(100, len(fresh))
        receipt = self.teach(
            [*(self.rows[id] for id in again), *fresh, *fresh], [*again, *ids, *ids], stretch=4.0, relearn=True
        )
        assert receipt.unchanged == (*again, *ids)
        self.check_learned(receipt, fresh, ids)

    @rule(data=st.data(), fresh=ROWS, other=ROWS)
    @precondition(lambda self: self.rows)
    def learn_other_content(self, data: st.DataObject, fresh: Row, other: Row) -> None:
        id = data.draw(st.sampled_from(list(self.rows)))
        (free,) = self.free_ids(0, 1)
        known = self.rows[id]
        if (self.codes(known), known.labels, known.subject) == (self.codes(other), other.labels, other.subject):
            return
        with pytest.raises(protomem.IdConflict, match="forget it first, or learn under another id"):
            self.teach([fresh, other], [free, id], relearn=True)

    # -------------------------------------------------------------------------------------------------- forgetting

    @rule(data=st.data())
    @precondition(lambda self: self.rows)
    def forget_ids(self, data: st.DataObject) -> None:
        picked = data.draw(st.lists(st.sampled_from(list(self.rows)), min_size=1, max_size=12))
        self.check_forgotten(self.memory.forget(ids=picked), set(picked))

    @rule(subject=st.sampled_from(SUBJECTS[:-1]))
    def forget_subject(self, subject: str) -> None:
        owned = {id for id, row in self.rows.items() if row.subject == subject}
        if owned:
            self.check_forgotten(self.memory.forget(subject=subject), owned)
        else:
            with pytest.raises(protomem.NotRemembered, match="has no remembered example"):
                self.memory.forget(subject=subject)

    @rule(label=st.sampled_from(LABELS))
    def forget_label(self, label: str) -> None:
        carried = {id for id, row in self.rows.items() if label in row.labels}
        if carried:
            self.check_forgotten(self.memory.forget(label=label), carried)
        else:
            with pytest.raises(protomem.NotRemembered, match="has no remembered example"):
                self.memory.forget(label=label)

    @rule(data=st.data())
    @precondition(lambda self: self.rows)
    def forget_unknown_beside_known(self, data: st.DataObject) -> None:
        known = data.draw(st.sampled_from(list(self.rows)))
        with pytest.raises(protomem.NotRemembered, match="not remembered: 'never'; nothing was forgotten"):
            self.memory.forget(ids=[known, "never"])

    @rule()
    @precondition(lambda self: self.rows)
    def forget_everything(self) -> None:
        self.check_forgotten(self.memory.forget(ids=list(self.rows)), set(self.rows))
        with fresh_memory() as untaught:
            assert self.memory.digest() == untaught.digest()

    # --------------------------------------------------------------------------------------------- everything else

    @rule(wrong=st.sampled_from(WRONG))
    def wrong_input(self, wrong: Wrong) -> None:
        call, error, message = wrong
        receipts = self.memory.receipts()
        with pytest.raises(error, match=message):
            call(self.memory)
        assert self.memory.receipts() == receipts

    @rule(seed=st.integers(0, 2**16), among=st.booleans(), further=st.sampled_from(FURTHER))
    @precondition(lambda self: self.rows)
    def predict(self, seed: int, among: bool, further: dict[str, Any]) -> None:
        """Answers equal those of a memory that was only ever taught what is left, in another order and batches."""
        dice = random.Random(seed)
        asked: dict[str, Any] = {"top_k": 9, "evidence": 7, "false_alarm": 0.2, **further}
        if among:
            asked["among"] = dice.sample(sorted(self.oracle.classes()), dice.randint(1, len(self.oracle.classes())))
        with fresh_memory() as twin:
            left = dice.sample(list(self.rows), len(self.rows))
            while left:
                size = dice.randint(1, 60)
                teach(twin, [self.rows[id] for id in left[:size]], left[:size])
                left = left[size:]
            assert self.memory.predict(VECTORS[::3], **asked) == twin.predict(VECTORS[::3], **asked)

    @rule()
    @precondition(lambda self: not self.rows)
    def predict_while_empty(self) -> None:
        with pytest.raises(protomem.EmptyMemory, match="nothing is remembered yet"):
            self.memory.predict(ONE)

    @rule()
    def purge(self) -> None:
        receipt = self.memory.purge()
        assert (receipt.kind, receipt.before, receipt.after) == ("purge", *2 * [self.oracle.commitment()])
        assert set(receipt.id_hashes) == {self.memory.id_hash(id) for id in self.unpurged}
        assert receipt.count == len(self.unpurged)
        self.unpurged.clear()
        self.written += 1

    @rule()
    def audit(self) -> None:
        receipts = self.memory.receipts()
        assert [receipt.sequence for receipt in receipts] == list(range(1, self.written + 1))
        checks = protomem.audit_chain(receipts, self.memory.public_key)
        assert all(check.ok for check in checks), checks

    @rule()
    def verify(self) -> None:
        found = self.memory.verify()
        assert found.ok, found.checks
        assert (found.digest, found.examples) == (self.oracle.digest(), len(self.rows))

    @invariant()
    def equals_the_oracle(self) -> None:
        assert self.memory.digest() == self.oracle.digest()
        assert len(self.memory) == len(self.rows)
        assert self.memory.classes() == self.oracle.classes()
        listed = [(one.id, one.labels, one.subject) for one in self.memory.examples()]
        assert listed == [(id, row.labels, row.subject) for id, row in sorted(self.rows.items())]

    # ----------------------------------------------------------------------------------------------------- helpers

    def free_ids(self, start: int, count: int) -> list[str]:
        free = (f"id {number}" for number in range(start, start + count + len(self.rows)))
        return [id for id in free if id not in self.rows][:count]

    def codes(self, row: Row) -> tuple[int, ...]:
        return quantized(VECTORS[row.vector], self.oracle.space.scale)

    def teach(self, rows: Sequence[Row], ids: list[str] | None, **more: Any) -> protomem.Receipt:
        return teach(self.memory, rows, ids, **more)

    def check_learned(self, receipt: protomem.Receipt, rows: Sequence[Row], ids: list[str] | None) -> None:
        assert (receipt.kind, receipt.count) == ("learn", len(rows))
        assert ids is None or receipt.ids == tuple(ids)
        assert receipt.before == self.oracle.commitment()
        for id, row in zip(receipt.ids, rows, strict=True):
            assert id not in self.rows
            self.rows[id] = row
            self.oracle.examples[id] = (self.codes(row), row.labels, row.subject)
            self.forgotten.discard(id)
        assert receipt.id_hashes == tuple(map(self.memory.id_hash, receipt.ids))
        assert receipt.after == self.oracle.commitment()
        self.written += 1

    def check_forgotten(self, receipt: protomem.Receipt, ids: set[str]) -> None:
        assert (receipt.kind, receipt.count) == ("forget", len(ids))
        assert (len(receipt.ids), set(receipt.ids)) == (len(ids), ids)
        assert receipt.before == self.oracle.commitment()
        for id in ids:
            del self.rows[id], self.oracle.examples[id]
        assert receipt.after == self.oracle.commitment()
        self.forgotten |= ids
        self.unpurged |= ids
        self.written += 1


class RamMachine(MemoryMachine):
    def open(self) -> protomem.Memory:
        return fresh_memory()


class DuckDbMachine(MemoryMachine):
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open(self) -> protomem.Memory:
        return protomem.open(self.path, encoder=protomem.Vectors(DIMENSION), width=WIDTH)

    @property
    def path(self) -> Path:
        return Path(self.folder.name) / "memory.duckdb"

    @rule()
    def reopen(self) -> None:
        self.memory.close()
        self.memory = protomem.open(self.path)

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


def fresh_memory() -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH)


def teach(
    memory: protomem.Memory,
    rows: Sequence[Row],
    ids: list[str] | None,
    stretch: float = 1.0,
    key: str | None = None,
    relearn: bool = False,
) -> protomem.Receipt:
    """Teach the rows; a stretched vector has the same direction and so the same codes."""
    vectors = [stretched(VECTORS[row.vector], stretch) for row in rows]
    labels, subjects = [row.as_label() for row in rows], [row.subject for row in rows]
    return memory.learn(vectors, labels, ids, subjects, relearn=relearn, idempotency_key=key)


def stretched(vector: list[float], stretch: float) -> list[float]:
    return vector if max(map(abs, vector)) > 1e200 else [value * stretch for value in vector]


TestRam = RamMachine.TestCase
TestRam.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=30)
TestDuckDb = DuckDbMachine.TestCase
TestDuckDb.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=30)
