"""Laws 1, 2, 4 and 6 for writers in several threads: what is carried out in a group is as if done one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.together import together
from tests.laws.oracle import Oracle, oracle_space, quantized

import protomem
from protomem.settings import MemorySettings, Retain
from protomem.signing import Secrets
from protomem.space import SpaceSettings
from protomem.state import Change, State
from protomem.store import RamStore, Write

DIMENSION, WIDTH = 6, 12

DICE = random.Random(31)
VECTORS = [[DICE.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(9)]

IDS = st.integers(0, 5).map("id {}".format)  # so few that requests of one group meet
LEARN = st.fixed_dictionaries(
    {
        "do": st.just("learn"),
        "vectors": st.lists(st.integers(0, 2), min_size=1, max_size=2),
        "label": st.sampled_from(["refund", "card", "名前"]),
        "ids": st.lists(IDS, min_size=2, max_size=2),
        "subject": st.sampled_from(["ann", "bob", None]),
        "relearn": st.booleans(),
        "key": st.sampled_from([None, None, "k1", "k2"]),
    }
)
FORGET = st.fixed_dictionaries(
    {
        "do": st.just("forget"),
        "what": st.one_of(
            st.fixed_dictionaries({"ids": st.lists(IDS, min_size=1, max_size=2)}),
            st.fixed_dictionaries({"subject": st.sampled_from(["ann", "bob"])}),
            st.fixed_dictionaries({"label": st.sampled_from(["refund", "card", "名前"])}),
        ),
        "key": st.sampled_from([None, None, "k1", "k3"]),
    }
)
TRIM = st.fixed_dictionaries({"do": st.just("trim"), "to": st.integers(1, 3), "key": st.sampled_from([None, "k4"])})
GROUPS = st.lists(st.lists(st.one_of(LEARN, LEARN, FORGET, FORGET, TRIM), min_size=1, max_size=6), max_size=4)

Asked = dict[str, Any]


def opened(path: Path | None, retain: str = "codes") -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=WIDTH, retain=retain)


def call(memory: protomem.Memory, asked: Asked) -> Callable[[], protomem.Receipt]:
    """The call of the memory that a request is."""
    match asked["do"]:
        case "learn":
            count, key = len(asked["vectors"]), asked["key"]
            return lambda: memory.learn(
                [VECTORS[one] for one in asked["vectors"]],
                [asked["label"]] * count,
                asked["ids"][:count],
                None if asked["subject"] is None else [asked["subject"]] * count,
                relearn=asked["relearn"],
                idempotency_key=key,
            )
        case "forget":
            return lambda: memory.forget(**asked["what"], idempotency_key=asked["key"])
        case _:
            return lambda: memory.trim(asked["to"], idempotency_key=asked["key"])


def alone(asked: Callable[[], protomem.Receipt]) -> protomem.Receipt | protomem.ProtomemError:
    try:
        return asked()
    except protomem.ProtomemError as error:
        return error


def told(outcome: protomem.Receipt | protomem.ProtomemError) -> tuple[Any, ...]:
    """What of an outcome does not depend on a memory's keys and the clock."""
    if isinstance(outcome, protomem.RequestConflict):
        return (type(outcome),)  # its message tells the time of the first request
    if isinstance(outcome, protomem.ProtomemError):
        return type(outcome), str(outcome)
    shown = outcome.kind, outcome.sequence, outcome.count, outcome.before, outcome.after
    return (*shown, outcome.ids, outcome.unchanged, outcome.content)


def check_whole(memory: protomem.Memory) -> None:
    """The memory is what the oracle makes of its examples, and its receipts are a chain of their own."""
    oracle = Oracle(oracle_space(DIMENSION, WIDTH))
    for one in memory._shared.keeping._own.rows():
        codes = tuple(code - 256 * (code > 127) for code in one.codes)
        oracle.examples[one.id] = (codes, one.labels, one.subject)
    assert memory.digest() == oracle.digest()
    assert memory.classes() == oracle.classes()
    check_chain(memory)


def check_chain(memory: protomem.Memory) -> None:
    receipts = memory.receipts()
    assert [receipt.sequence for receipt in receipts] == list(range(1, len(receipts) + 1))
    checks = protomem.audit_chain(receipts, memory.public_key)
    assert all(check.ok for check in checks), checks
    found = memory.verify()
    assert found.ok, found.checks


@pytest.mark.parametrize("kind", ["ram", "duckdb"])
@given(groups=GROUPS)
@settings(max_examples=settings().max_examples // 2)
def test_a_group_equals_its_requests_one_by_one(
    kind: str, groups: list[list[Asked]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = None if kind == "ram" else tmp_path_factory.mktemp("group") / "m.duckdb"
    with opened(None) as single:
        with opened(path) as grouped:
            for group in groups:
                right = [told(alone(call(single, asked))) for asked in group]
                assert [told(one) for one in together(grouped, [call(grouped, asked) for asked in group])] == right
                assert grouped.digest() == single.digest()
                assert list(grouped.examples()) == list(single.examples())
                check_whole(grouped)
        if path is not None:
            with protomem.open(path) as again:
                assert list(again.examples()) == list(single.examples())
                check_whole(again)


@pytest.mark.parametrize("kind", ["ram", "duckdb"])
def test_a_group_of_a_memory_that_retains_nothing_equals_its_requests_one_by_one(kind: str, tmp_path: Path) -> None:
    """Learned, repeated, conflicting, forgotten, forgotten once more, and learned anew, all in one commit."""
    path = None if kind == "ram" else tmp_path / "m.duckdb"
    with opened(None, "nothing") as single, opened(path, "nothing") as grouped:
        outcomes = {}
        for memory, carry_out in ((single, lambda _, calls: [alone(one) for one in calls]), (grouped, together)):

            def learn(memory: protomem.Memory, vector: int, id: str, key: str | None = None, **more: Any) -> Any:
                return lambda: memory.learn([VECTORS[vector]], ["a"], [id], idempotency_key=key, **more)

            first = memory.learn(VECTORS[:2], ["a", "b"], ["x", "y"])
            outcomes[memory] = carry_out(
                memory,
                [
                    learn(memory, 3, "z", "key"),
                    learn(memory, 3, "z", "key"),
                    learn(memory, 4, "z"),
                    lambda memory=memory, first=first: memory.forget(receipt=first),
                    lambda memory=memory, first=first: memory.forget(receipt=first),
                    learn(memory, 5, "x"),
                    learn(memory, 5, "x", relearn=True),
                    lambda memory=memory: memory.trim(1),
                ],
            )
        assert list(map(told, outcomes[grouped])) == list(map(told, outcomes[single]))
        kinds = [type(one).__name__ for one in outcomes[grouped]]
        assert kinds[:5] == ["Receipt", "Receipt", "IdConflict", "Receipt", "NotRemembered"]
        assert kinds[5:] == ["Forgotten", "Receipt", "InvalidInput"]
        assert grouped.digest() == single.digest()
        check_chain(grouped)
        digest = grouped.digest()
    if path is not None:
        with protomem.open(path) as again:
            assert again.digest() == digest


@pytest.mark.parametrize("kind", ["ram", "duckdb"])
@pytest.mark.parametrize("seed", range(3))
def test_writers_in_threads_did_what_their_receipts_say(kind: str, seed: int, tmp_path: Path) -> None:
    """Eight threads learn and forget the same few ids; the receipts in their order, replayed, are the memory."""
    with opened(None if kind == "ram" else tmp_path / "m.duckdb") as memory:

        def write(thread: int) -> list[tuple[protomem.Receipt, int]]:
            dice, done = random.Random(100 * seed + thread), []
            for _ in range(15):
                ids, vector = [f"id {dice.randrange(6)}"], dice.randrange(len(VECTORS))
                learns = partial(memory.learn, [VECTORS[vector]], ["a"], ids, relearn=True)
                outcome = alone(learns if dice.random() < 0.6 else partial(memory.forget, ids))
                if isinstance(outcome, protomem.Receipt):
                    done.append((outcome, vector))
                else:
                    assert isinstance(outcome, protomem.IdConflict | protomem.NotRemembered), outcome
            return done

        with ThreadPoolExecutor(8) as pool:
            done = [one for thread in pool.map(write, range(8)) for one in thread]
        oracle = Oracle(oracle_space(DIMENSION, WIDTH))
        for receipt, vector in sorted(done, key=lambda one: one[0].sequence):
            assert receipt.before == oracle.commitment()
            for id in receipt.ids:
                if receipt.kind == "learn":
                    oracle.examples[id] = (quantized(VECTORS[vector], oracle.space.scale), ("a",), None)
                else:
                    del oracle.examples[id]
            assert receipt.after == oracle.commitment()
        assert [one.id for one in memory.receipts()] == [
            receipt.id for receipt, _ in sorted(done, key=lambda one: one[0].sequence)
        ]
        assert memory.digest() == oracle.digest()
        check_whole(memory)


class Refusing:
    """A store in RAM that may refuse writes, before it has kept them or after, as a disk does within a commit."""

    def __init__(self) -> None:
        self._kept = RamStore()
        self.refuses: str | None = None

    def write(self, *writes: Write) -> None:
        if self.refuses != "before":
            self._kept.write(*writes)
        if self.refuses is not None:
            raise protomem.StoreUnavailable("memory.duckdb: the disk refused; free some space and try again")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


def on(store: Refusing, retain: Retain) -> protomem.Memory:
    encoder = protomem.Vectors(DIMENSION)
    settings = MemorySettings(encoder.name, retain, SpaceSettings(DIMENSION, encoder.fingerprint, width=WIDTH))
    numbers = count()
    keys = Secrets(bytes(32), bytes(32))
    return protomem.Memory(store, encoder, settings, keys, now=lambda: "now", new_id=lambda: str(next(numbers)))


@pytest.mark.parametrize("retain", ["codes", "nothing"])
@pytest.mark.parametrize("refuses", ["before", "after"])
def test_if_the_commit_fails_all_callers_are_told_and_none_or_all_of_it_happened(refuses: str, retain: Retain) -> None:
    """Also the one whose request would have been refused: by what never came to be."""
    store = Refusing()
    memory = on(store, retain)
    first = memory.learn(VECTORS[:2], ["a", "b"], ["x", "y"])
    before = memory.digest()
    group = [
        lambda: memory.learn([VECTORS[2]], ["a"], ["z"], idempotency_key="key"),
        lambda: memory.learn([VECTORS[3]], ["a"], ["z"]),
        lambda: memory.forget(receipt=first),
        lambda: memory.learn([VECTORS[2]], ["a"], ["z"], idempotency_key="key"),
    ]
    store.refuses = refuses
    outcomes = together(memory, group)
    assert [type(one) for one in outcomes] == [protomem.StoreUnavailable] * 4
    store.refuses = None
    if refuses == "before":
        assert (memory.digest(), len(memory), len(memory.receipts())) == (before, 2, 1)
        check_chain(memory)
        outcomes = together(memory, group)
        assert [type(one).__name__ for one in outcomes] == ["Receipt", "IdConflict", "Receipt", "Receipt"]
    with opened(None, retain) as fresh:
        fresh.learn([VECTORS[2]], ["a"], ["z"])
        assert memory.digest() == fresh.digest()
    assert (len(memory), len(memory.receipts())) == (1, 3)
    check_chain(memory)


@pytest.mark.parametrize("stopped", [1, 2, 3])
def test_a_group_that_is_stopped_halfway_leaves_no_trace(stopped: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, or a full RAM, after any of its requests; what was taken over of those before is thrown away."""
    with opened(None) as memory:
        memory.learn(VECTORS[:2], ["a", "b"], ["x", "y"])
        before, calls = memory.digest(), count(1)

        def apply(state: State, change: Change) -> None:
            taken_over(state, change)
            if next(calls) == stopped:
                raise MemoryError("in the middle")

        taken_over = State.apply
        monkeypatch.setattr(State, "apply", apply)
        learns = [partial(memory.learn, [VECTORS[number]], ["a"], [f"id {number}"]) for number in range(3)]
        outcomes = together(memory, learns)
        monkeypatch.undo()
        assert sorted(type(one).__name__ for one in outcomes) == ["MemoryError", "StoreError", "StoreError"]
        assert (memory.digest(), len(memory), len(memory.receipts())) == (before, 2, 1)
        check_whole(memory)
        assert [one.count for one in together(memory, learns)] == [1, 1, 1]
        check_whole(memory)


def test_forgetting_with_a_purge_joins_a_group_too(tmp_path: Path) -> None:
    with opened(tmp_path / "m.duckdb") as memory:
        memory.learn(VECTORS[:3], ["a", "b", "c"], ["x", "y", "z"])
        outcomes = together(memory, [partial(memory.forget, [id], purge=True) for id in "xy"])
        assert [one.ids for one in outcomes] == [("x",), ("y",)]
        assert [one.kind for one in memory.receipts()] == ["learn", "forget", "forget", "purge", "purge"]
        check_whole(memory)
