"""Predictions in threads beside writes: each sees some state that was acknowledged, whole."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import protomem

DIMENSION = 8
ALL = 10_000
"""More evidence than is ever remembered: an answer then shows the whole state that it rests on."""

SIDES = ("left", "right")


@pytest.fixture(params=["ram", "duckdb", "ahead"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[protomem.Memory]:
    """In RAM, in a file, and in a file with heads that are solved before a change is acknowledged."""
    path = None if request.param == "ram" else tmp_path / "memory.duckdb"
    ahead = request.param == "ahead"
    with protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=64, solve_ahead=ahead) as memory:
        yield memory


def pair(number: int) -> np.ndarray:
    """One vector for each side."""
    dice = np.random.default_rng(number)
    return np.array([1.0, -1.0])[:, None] + dice.normal(size=(2, DIMENSION))


def learn_pair(memory: protomem.Memory, number: int) -> None:
    """Both sides in one call, which is one transaction."""
    memory.learn(pair(number), SIDES, ids=[f"{number}-{side}" for side in SIDES], subjects=[f"{number}", f"{number}"])


def seen_pairs(answers: list[protomem.Answer]) -> set[int]:
    """The numbers of the pairs that the answers rest on; fails where one is there in part or answers disagree."""
    seen = {frozenset((one.id, one.labels) for one in answer.evidence) for answer in answers}
    assert len(seen) == 1, "two answers of one call rest on different states"
    (state,) = seen
    numbers = {int(id.split("-")[0]) for id, _ in state}
    assert state == {(f"{number}-{side}", (side,)) for number in numbers for side in SIDES}, "half of a write was seen"
    return numbers


def check_answers(answers: list[protomem.Answer]) -> None:
    for answer in answers:
        assert [label for label, _ in sorted(answer.ranking)] == sorted(SIDES)
        assert abs(sum(probability for _, probability in answer.ranking) - 1) < 1e-12
        assert 0 < answer.novelty <= 1


def run_beside(write: Callable[[], None], read: Callable[[], None], readers: int = 3) -> None:
    """`read` again and again in some threads until `write` has ended in another; raises what any of them raised."""
    ended = threading.Event()

    def reading() -> int:
        rounds = 0
        while not ended.is_set() or rounds == 0:
            read()
            rounds += 1
        return rounds

    def writing() -> None:
        try:
            write()
        finally:
            ended.set()

    with ThreadPoolExecutor(readers + 1) as pool:
        futures = [pool.submit(writing), *(pool.submit(reading) for _ in range(readers))]
        for future in futures:
            future.result()


def test_a_prediction_never_sees_half_of_a_write(memory: protomem.Memory) -> None:
    items, kept = pair(10_000), {0, 1}
    for number in kept:
        learn_pair(memory, number)

    def write() -> None:
        for number in range(2, 70):
            learn_pair(memory, number)
            kept.add(number)
            if number % 3 == 0 and number - 1 in kept:
                memory.forget(subject=f"{number - 1}")
                kept.remove(number - 1)
            if number % 5 == 0:
                memory.forget(ids=[f"{number}-{side}" for side in SIDES])
                kept.remove(number)

    def read() -> None:
        answers = memory.predict(items, evidence=ALL)
        assert {0, 1} <= seen_pairs(answers)  # these two are never forgotten
        check_answers(answers)

    run_beside(write, read)
    assert seen_pairs(memory.predict(items, evidence=ALL)) == kept
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as fresh:
        for number in sorted(kept):
            learn_pair(fresh, number)
        assert memory.digest() == fresh.digest()
        assert memory.predict(items, evidence=ALL) == fresh.predict(items, evidence=ALL)
    assert memory.verify().ok


def test_a_prediction_reflects_every_write_acknowledged_before_it(memory: protomem.Memory) -> None:
    items = pair(10_000)
    acknowledged: set[int] = set()
    learn_pair(memory, 0)

    def write() -> None:
        for number in range(1, 30):
            learn_pair(memory, number)
            acknowledged.add(number)

    def read() -> None:
        before = set(acknowledged)
        assert before <= seen_pairs(memory.predict(items, evidence=ALL))

    run_beside(write, read)


def test_writers_in_several_threads_are_put_in_a_row(memory: protomem.Memory) -> None:
    """Four threads learn pairs of their own and forget some: all of it happened, as if one after another."""

    def write(first: int) -> None:
        for number in range(first, first + 10):
            learn_pair(memory, number)
        memory.forget(ids=[f"{number}-{side}" for number in range(first, first + 10, 2) for side in SIDES])

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(write, 100 * thread) for thread in range(4)]:
            future.result()
    left = [100 * thread + number for thread in range(4) for number in range(1, 10, 2)]
    assert seen_pairs(memory.predict(pair(10_000), evidence=ALL)) == set(left)
    receipts = memory.receipts()
    assert len(receipts) == 44
    assert all(older.after == newer.before for older, newer in pairwise(receipts))
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as fresh:
        for number in left:
            learn_pair(fresh, number)
        assert memory.digest() == fresh.digest()


def test_the_same_id_taught_by_two_threads_is_learned_once(memory: protomem.Memory) -> None:
    barrier = threading.Barrier(4)

    def write() -> protomem.Receipt:
        barrier.wait()
        return memory.learn(pair(7), SIDES, ids=["7-left", "7-right"])

    with ThreadPoolExecutor(4) as pool:
        receipts = [future.result() for future in [pool.submit(write) for _ in range(4)]]
    assert sorted(receipt.count for receipt in receipts) == [0, 0, 0, 2]
    assert len(memory) == 2


def test_reports_in_threads_beside_writes_are_of_whole_states(memory: protomem.Memory) -> None:
    learn_pair(memory, 0)

    def write() -> None:
        for number in range(1, 25):
            learn_pair(memory, number)

    def read() -> None:
        counts = memory.classes()
        assert counts["left"] == counts["right"]
        assert len(memory) % 2 == 0
        assert len(list(memory.examples(label="left"))) * 2 <= len(memory)
        assert memory.verify().ok

    run_beside(write, read, readers=2)


def test_a_prediction_begun_before_close_answers_or_says_that_it_is_closed(memory: protomem.Memory) -> None:
    learn_pair(memory, 0)

    def read() -> None:
        try:
            check_answers(memory.predict(pair(10_000)))
        except protomem.MemoryClosed:
            return

    run_beside(memory.close, read)
    with pytest.raises(protomem.MemoryClosed, match="this memory is closed: open it again"):
        memory.predict(pair(10_000))


def test_predictions_of_many_classes_share_what_is_solved_when_first_asked(memory: protomem.Memory) -> None:
    """120 classes, each solved in the thread that first meets it, while a write takes over what was solved before."""
    classes = np.random.default_rng(0).normal(size=(120, DIMENSION))
    memory.learn(classes, [f"class {number}" for number in range(120)])
    dice = np.random.default_rng(1)

    def write() -> None:
        for number in range(60):
            memory.learn(classes[[number]] + 0.1, [f"class {number}"])

    def read() -> None:
        asked = dice.permutation(120)[:10]
        answers = memory.predict(classes[asked])
        assert [answer.evidence[0].labels[0] for answer in answers] == [f"class {number}" for number in asked]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads meet in the middle of each other's work
    try:
        run_beside(write, read)
    finally:
        sys.setswitchinterval(interval)
