"""The contract of `Memory`, embedded, by `Client` and by `AsyncClient`: results, errors and digests are the same."""

from __future__ import annotations

import inspect
from contextlib import closing
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.api.congruence import HAS_JOBS, Trio
from tests.api.serving import Served
from tests.conftest import LetterEncoder

import protomem
from protomem.federation.levels import LEVELS

WIDTH = 32
DICE = np.random.default_rng(4)
VECTORS = [*DICE.standard_normal((12, 3)).astype(np.float32), np.array([1e30, 1e-30, 0], np.float32)]
TEXTS = [
    "where is my parcel",
    "the parcel is late",
    "give me my money",
    "refund, please",
    "où est-ce ?",
    "名前",
    "a",
    "😀",
]
LABELS = ["card/lost", "card/stolen", "refund", "名前"]
SUBJECTS = ["ann", "tenant 7", None]
IDS = [f"id/{number} é" for number in range(6)]

KINDS = {
    "vectors": {"encoder": "vectors:3", "retain": "codes", "width": WIDTH},
    "texts": {"encoder": "letters", "retain": "items", "width": WIDTH},
    "sums": {"encoder": "vectors:3", "retain": "nothing", "width": WIDTH},
}

WRONG_VECTORS: list[Any] = [
    "one text",
    7,
    [[1.0, 2.0]],
    [[np.nan, 1, 1]],
    [[0.0, 0.0, 0.0]],
    np.ones(3),
    [[1, 2, 3], [1, 2]],
    ["a text"],
    [[1j, 0, 1]],
    [[None, 1, 1]],
]
WRONG_TEXTS: list[Any] = ["one text", 7, [""], [" "], [None], ["\ud800"], [7], [["a"]], np.ones((1, 3))]

WRONG_LABELS: list[Any] = [["a", "b", "c"], None, "label", [None], [""], [[]], ["a\0b"], ["x" * 2_000], [3]]
WRONG_IDS: list[Any] = ["id", [""], ["a", "b"], [None], [5], ["x" * 2_000]]
WRONG_SUBJECTS: list[Any] = ["ann", [""], ["a", "b"], [5]]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"top_k": 1, "evidence": 0},
    {"top_k": np.int64(2), "coverage": np.float64(0.5)},
    {"coverage": 0.9, "per_class": True},
    {"false_alarm": 0.3, "explain": True},
    {"among": "card"},
    {"among": "card/"},
    {"among": ["refund", "名前"]},
    {"among": {"refund"}, "evidence": 2},
    {"thresholds": {"refund": 0.9, "card/lost": 0.5}},
    {"certainty": 0.6},
    {"certainty": 0.9, "separator": "u"},
    {"multi_label": True, "explain": True},
    {"top_k": 0},
    {"top_k": 1.5},
    {"evidence": -1},
    {"coverage": 1.0},
    {"false_alarm": "often"},
    {"per_class": True},
    {"per_class": 1},
    {"multi_label": True, "coverage": 0.5},
    {"among": []},
    {"among": [None]},
    {"among": "nothing"},
    {"among": ["nothing"]},
    {"thresholds": {"nothing": 0.5}},
    {"thresholds": {"refund": 2}},
    {"thresholds": ["refund"]},
    {"separator": ""},
    {"name_prior": True},
    {"name_prior": True, "coverage": 0.5},
]

NOT_FORGOTTEN: list[dict[str, Any]] = [
    {},
    {"ids": ["never"], "label": "refund"},
    {"ids": "id"},
    {"ids": [None]},
    {"ids": ["never"]},
    {"subject": ""},
    {"subject": "nobody"},
    {"label": 5},
    {"label": "nothing"},
    {"receipt": "no receipt"},
    {"receipt": "{}"},
    {"receipt": 5},
]

GENERATE = [Phase.generate]
"""Without shrinking, which would take minutes with a server: the steps of a failure are printed as they were."""

REPORTS: list[dict[str, Any]] = [
    {"windows": 2, "false_alarm": None},
    {"windows": 3, "false_alarm": None, "costs": False},
    {"windows": 1, "false_alarm": None},
    {"windows": 2, "false_alarm": 2.0},
]

NOT_CONTRIBUTED: list[dict[str, Any]] = [
    {"client": ""},
    {"client": None},
    {"client": "c", "level": "all"},
    {"client": "c", "min_count": 0},
    {"client": "c", "min_count": 1.5},
    {"client": "c", "whole": 1},
    {"client": "c", "merged": "yes"},
]

MANY = st.lists(st.integers(0, 100), max_size=5)


def trio(server: Served, key: str, kind: str) -> Trio:
    given = KINDS[kind]
    encoder: Any = LetterEncoder() if kind == "texts" else given["encoder"]
    return Trio(server, key, protomem.open(None, **{**given, "encoder": encoder}), **given)


@cache
def contributions(kind: str) -> list[bytes]:
    """What two clients send to memories of a kind: each everything, a difference, and less of it."""
    found = []
    for client, rows in (("clinic", [0, 1]), ("名前", [2, 3])):
        given = {**KINDS[kind], "encoder": LetterEncoder() if kind == "texts" else "vectors:3"}
        with protomem.open(None, **given) as memory:
            for row in rows:
                pool: list[Any] = TEXTS if kind == "texts" else VECTORS
                memory.learn([pool[row], pool[row + 1]], ["refund", "card/lost"])
                found.append(memory.contribution(client).to_bytes())
            found.append(memory.contribution(client, "prototypes").to_bytes())
    return found


class Congruence(RuleBasedStateMachine):
    """Random calls, right and wrong ones; after each the three memories are the same."""

    server: Served
    key: str

    @initialize(kind=st.sampled_from(sorted(KINDS)))
    def begin(self, kind: str) -> None:
        self.kind, self.texts, self.sums = kind, kind == "texts", kind == "sums"
        self.pool: list[Any] = TEXTS if self.texts else VECTORS
        self.trio = trio(self.server, self.key, kind)
        self.learned: list[list[Any]] = []

    @property
    def is_empty(self) -> bool:
        return not len(self.trio.embedded)

    def items(self, rows: list[int]) -> Any:
        chosen = [self.pool[row % len(self.pool)] for row in rows]
        return chosen if self.texts or not chosen else np.array(chosen)

    @rule(
        rows=MANY,
        first=st.integers(0, 5),
        labels=st.lists(st.lists(st.sampled_from(LABELS), min_size=1, max_size=2), min_size=5, max_size=5),
        subjects=st.lists(st.sampled_from(SUBJECTS), min_size=5, max_size=5),
        relearn=st.booleans(),
        key=st.sampled_from([None, "k1", "k2"]),
    )
    def learn(self, rows: list[int], first: int, labels: Any, subjects: Any, relearn: bool, key: str | None) -> None:
        count = len(rows)
        ids = [IDS[(first + row) % len(IDS)] for row in range(count)]
        given = (self.items(rows), labels[:count], ids, None if self.sums else subjects[:count])
        receipts = self.trio.call("learn", given, relearn=relearn, idempotency_key=key)
        if receipts[0] is not None:
            self.learned.append(receipts)

    @rule(data=st.data())
    def learn_what_is_wrong(self, data: st.DataObject) -> None:
        right = {"items": self.items([1]), "labels": ["refund"], "ids": [IDS[0]], "subjects": ["ann"]}
        wrong = {
            "items": WRONG_TEXTS if self.texts else WRONG_VECTORS,
            "labels": WRONG_LABELS,
            "ids": WRONG_IDS,
            "subjects": WRONG_SUBJECTS,
            "idempotency_key": ["", 5, "x" * 2_000],
        }
        name = data.draw(st.sampled_from(sorted(wrong)))
        self.trio.call("learn", (), **{**right, name: data.draw(st.sampled_from(wrong[name]))}, relearn=True)

    @rule(
        choice=st.sampled_from(
            [*({"ids": [one]} for one in IDS), *({"label": one} for one in LABELS), {"subject": "ann"}]
        ),
        purge=st.booleans(),
        key=st.sampled_from([None, "k1", "k3"]),
    )
    def forget(self, choice: dict[str, Any], purge: bool, key: str | None) -> None:
        self.trio.call("forget", (), **choice, purge=purge, idempotency_key=key)

    @rule(choice=st.sampled_from(NOT_FORGOTTEN))
    def forget_what_is_wrong(self, choice: dict[str, Any]) -> None:
        self.trio.call("forget", (), **choice)

    @precondition(lambda self: self.learned)
    @rule(data=st.data(), as_json=st.booleans(), foreign=st.booleans())
    def forget_by_receipt(self, data: st.DataObject, as_json: bool, foreign: bool) -> None:
        receipts = self.learned[data.draw(st.integers(0, len(self.learned) - 1))]
        given = [receipts[1], receipts[2], receipts[0]] if foreign else receipts
        each = [(None, None, None, one.to_json() if as_json else one) for one in given]
        self.trio.call("forget", *each)

    @rule(to=st.sampled_from([0, 1, 2, 5, -1, "all"]), purge=st.booleans(), key=st.sampled_from([None, "k4"]))
    def trim(self, to: Any, purge: bool, key: str | None) -> None:
        self.trio.call("trim", (to,), purge=purge, idempotency_key=key)

    @rule(rows=MANY, options=st.sampled_from(OPTIONS))
    def predict(self, rows: list[int], options: dict[str, Any]) -> None:
        self.trio.call("predict", (self.items(rows),), **options)

    @precondition(lambda self: not self.is_empty)
    @rule(data=st.data())
    def predict_what_is_wrong(self, data: st.DataObject) -> None:
        wrong = data.draw(st.sampled_from(WRONG_TEXTS if self.texts else WRONG_VECTORS))
        self.trio.call("predict", (wrong,))

    @rule(rows=MANY, count=st.sampled_from([1, 3, 0, None]))
    def suggest(self, rows: list[int], count: Any) -> None:
        self.trio.call("suggest", (self.items(rows), count))

    @rule(
        label=st.sampled_from([None, "refund", "nothing", ""]),
        subject=st.sampled_from([None, "ann", "nobody", 5]),
        after=st.sampled_from([None, IDS[1], "", "z"]),
        limit=st.sampled_from([None, 1, 3, 0]),
    )
    def examples(self, label: str | None, subject: Any, after: str | None, limit: int | None) -> None:
        self.trio.call("examples", (label, subject, after, limit))
        self.trio.call("receipts", (3, limit))
        self.trio.call("receipts", (-1,))
        self.trio.call("id_hash", ("",))

    @rule(
        client=st.sampled_from(["c", "d"]),
        level=st.sampled_from(LEVELS),
        min_count=st.sampled_from([1, 2]),
        whole=st.booleans(),
        merged=st.booleans(),
    )
    def contribute(self, client: str, level: str, min_count: int, whole: bool, merged: bool) -> None:
        self.trio.call("contribution", (client, level), min_count=min_count, whole=whole, merged=merged)

    @rule(row=st.integers(0, 5), withdrawn=st.sampled_from([None, "clinic", "名前"]))
    def merge(self, row: int, withdrawn: str | None) -> None:
        self.trio.call("merge", (contributions(self.kind)[row],))
        self.trio.call("clients", ())
        if withdrawn is not None:
            self.trio.call("withdraw", (withdrawn,))

    @precondition(lambda _: HAS_JOBS)
    @rule(kind=st.sampled_from(["verify", "purge"]))
    def long_work(self, kind: str) -> None:
        self.trio.call(kind, ())

    @precondition(lambda _: HAS_JOBS)
    @rule(options=st.sampled_from(REPORTS), rows=st.none() | MANY)
    def report(self, options: dict[str, Any], rows: list[int] | None) -> None:
        self.trio.call("report", (None if rows is None else self.items(rows),), **options)

    @invariant()
    def same(self) -> None:
        if hasattr(self, "trio"):
            self.trio.check_state()

    def teardown(self) -> None:
        if hasattr(self, "trio"):
            self.trio.close()


def test_random_calls_come_to_the_same(server: Served, key: str) -> None:
    machine = type("Machine", (Congruence,), {"server": server, "key": key})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=settings().max_examples // 4, stateful_step_count=20, phases=GENERATE)
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_life_comes_to_the_same(server: Served, key: str, kind: str) -> None:
    """What random calls seldom meet: requests that come again, what was forgotten and is taught anew, every option."""
    pool: Any = TEXTS if kind == "texts" else np.array(VECTORS)
    labels = ["refund", ["card/lost", "名前"], "card/stolen", "refund"]
    subjects = None if kind == "sums" else ["ann", "bob", None, "ann"]  # of whom a memory of sums keeps nothing
    taught = (pool[:4], labels, IDS[:4], subjects)
    with closing(trio(server, key, kind)) as three:
        learned = three.call("learn", taught, idempotency_key="first")
        assert_same_receipts(three.call("learn", taught, idempotency_key="first"), learned)
        three.call("learn", (pool[:1], ["refund"], IDS[:1]), idempotency_key="first")
        three.call("learn", (pool[4:5], ["refund"], IDS[:1]))
        for options in OPTIONS:
            three.call("predict", (pool[2:8],), **options)

        each = [(None, None, None, receipt) for receipt in learned]
        forgotten = three.call("forget", *each, idempotency_key="second")
        assert [receipt.count for receipt in forgotten] == [4] * 3
        assert_same_receipts(three.call("forget", *each, idempotency_key="second"), forgotten)
        assert three.call("forget", *each) == [None] * 3
        three.call("learn", taught)
        again = three.call("learn", taught, relearn=True)
        assert [receipt.count for receipt in again] == [4] * 3
        three.check_state()

        for _ in range(2):
            three.call("trim", (1,), purge=True, idempotency_key="third")
            three.call("forget", (), label="refund", purge=True, idempotency_key="fourth")
            three.check_state()
        for work in ("verify", "purge", "report") if HAS_JOBS else ():
            three.call(work, (), **({"false_alarm": None} if work == "report" else {}))
            three.check_state()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_federation_comes_to_the_same(server: Served, key: str, kind: str) -> None:
    """Contributions of these memories, and what they merge: repeated, out of order, under other keys, withdrawn."""
    pool: Any = TEXTS if kind == "texts" else np.array(VECTORS)
    parts = contributions(kind)
    first = protomem.Contribution.from_bytes(parts[0])
    with closing(trio(server, key, kind)) as three:
        for wrong in NOT_CONTRIBUTED:
            three.call("contribution", (), **wrong)
        for level in LEVELS:
            three.call("learn", (pool[:2], ["refund", "card/lost"], [f"{level} 1", f"{level} 2"]))
            for options in ({}, {}, {"whole": True}, {"min_count": 2}):
                three.call("contribution", ("c", level), **options)

        merged = three.call("merge", (parts[0],), keys={"clinic": first.public_key})
        assert_same_receipts(three.call("merge", (first,)), merged)
        three.call("merge", (parts[4],))
        assert three.call("merge", (parts[3],), keys={"clinic": first.public_key}) == [None] * 3
        assert three.call("merge", (parts[3],), keys={"名前": "ab" * 32}) == [None] * 3
        for wrong in (b"no contribution", parts[0][:-1], "text", None):
            three.call("merge", (wrong,))
        three.call("merge", (parts[1],), keys=["clinic"])
        three.call("merge", (parts[1],), keys={"clinic": 5})
        for part in (parts[3], parts[1]):
            three.call("merge", (part,))
        three.check_state()
        for options in OPTIONS:
            three.call("predict", (pool[2:8],), **options)

        [clients, *_] = three.call("clients", ())
        assert [(one.name, one.sequence, one.merged) for one in clients] == [("clinic", 2, True), ("名前", 1, True)]
        three.call("contribution", ("c",), merged=True)
        withdrawn = three.call("withdraw", ("clinic",), idempotency_key="gone")
        assert_same_receipts(three.call("withdraw", ("clinic",), idempotency_key="gone"), withdrawn)
        for client in ("clinic", "nobody", "", None):
            three.call("withdraw", (client,))
        three.call("withdraw", ("名前",), idempotency_key="gone")
        three.call("merge", (parts[0],))
        three.call("merge", (parts[2],))
        three.call("clients", ())
        if HAS_JOBS:
            three.call("verify", ())
        three.check_state()


def assert_same_receipts(found: list[protomem.Receipt], expected: list[protomem.Receipt]) -> None:
    assert [receipt.id for receipt in found] == [receipt.id for receipt in expected]


@pytest.mark.parametrize("name", ["Memory", "AsyncMemory"])
def test_every_method_takes_the_same_arguments(name: str) -> None:
    remote = {"Memory": protomem.RemoteMemory, "AsyncMemory": protomem.AsyncRemoteMemory}[name]
    only_embedded = {"snapshot"}  # the server sees to that itself
    methods = [
        method
        for method, _ in inspect.getmembers(protomem.Memory, inspect.isfunction)
        if not method.startswith("_") and method not in only_embedded
    ]
    for method in methods:
        expected = inspect.signature(getattr(protomem.Memory, method)).parameters
        assert inspect.signature(getattr(remote, method)).parameters == expected, method
