"""With `solve_ahead` whoever changes a memory solves its heads, and others go on with the answers of before."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import protomem
from protomem.predicting import Predictor

LIMIT = 60.0
"""Seconds within which another thread comes along, however busy the machine is."""

VECTORS = {"left": [-1.0, 0.1], "right": [1.0, 0.1], "up": [0.1, 1.0]}


class Gate:
    """Counts the times that heads were solved; closed, it stops whoever begins to solve, and may make it fail."""

    def __init__(self) -> None:
        self.solved = 0
        self.fails = False
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        self.solved += 1
        self.reached.set()
        assert self.open.wait(LIMIT)
        if self.fails:
            raise MemoryError("no room to solve")
        yield

    def close(self) -> None:
        self.open.clear()
        self.reached.clear()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture(params=["codes", "nothing"])
def memory(request: pytest.FixtureRequest, gate: Gate) -> Iterator[protomem.Memory]:
    """Taught two labels, and asked once."""
    with protomem.open(
        None, encoder=protomem.Vectors(2), width=16, retain=request.param, solve_ahead=True, watch_solving=gate
    ) as memory:
        teach(memory, "left", "right")
        assert labels(memory) == {"left", "right"}
        yield memory


def teach(memory: protomem.Memory, *names: str) -> protomem.Receipt:
    return memory.learn([VECTORS[name] for name in names], list(names), ids=list(names), relearn=True)


def labels(memory: protomem.Memory) -> set[str]:
    return {label for label, _ in memory.predict([[0.3, 0.2]])[0].ranking}


def test_others_are_answered_from_before_until_a_change_is_acknowledged(memory: protomem.Memory, gate: Gate) -> None:
    gate.close()
    with ThreadPoolExecutor(1) as pool:
        learned = pool.submit(teach, memory, "up")
        assert gate.reached.wait(LIMIT)
        assert len(memory) == 3, "it is kept by now"
        assert labels(memory) == {"left", "right"}
        assert not learned.done()
        gate.open.set()
        learned.result()
    assert labels(memory) == {"left", "right", "up"}
    assert gate.solved == 2, "the question after the change found everything solved"


def test_the_answers_are_those_of_a_memory_that_solves_when_it_is_asked(memory: protomem.Memory) -> None:
    teach(memory, "up")
    with protomem.open(None, encoder=protomem.Vectors(2), width=16, retain=memory.settings.retain) as other:
        teach(other, "up", "right", "left")
        items = np.random.default_rng(0).normal(size=(20, 2))
        assert memory.predict(items) == other.predict(items)
        assert memory.digest() == other.digest()


def test_of_changes_in_a_row_only_those_that_somebody_waits_for_are_solved(memory: protomem.Memory, gate: Gate) -> None:
    receipt = teach(memory, "up")
    for _ in range(5):
        memory.forget(receipt=receipt)
        receipt = teach(memory, "up")
    assert gate.solved == 2
    assert labels(memory) == {"left", "right", "up"}
    assert gate.solved == 3


def test_what_is_refused_or_known_already_leaves_the_answers_solved(memory: protomem.Memory, gate: Gate) -> None:
    with pytest.raises(protomem.IdConflict, match="left"):
        memory.learn([[5.0, 5.0]], ["right"], ids=["left"])
    if memory.settings.retain == "codes":
        assert teach(memory, "left").unchanged == ("left",)
    labels(memory)
    assert gate.solved == 1


def test_what_a_question_needed_is_there_after_a_change(gate: Gate) -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16, solve_ahead=True, watch_solving=gate) as memory:
        memory.learn(np.random.default_rng(0).normal(size=(40, 2)), ["left", "right"] * 20)
        before = memory.predict([[1.0, 0.0]], coverage=0.9)
        solved = gate.solved
        teach(memory, "up")
        assert gate.solved == solved + 1
        after = memory.predict([[1.0, 0.0]], coverage=0.9)
        assert gate.solved == solved + 1
        assert before != after


def test_a_change_that_is_kept_is_told_to_the_others_even_if_solving_fails(memory: protomem.Memory, gate: Gate) -> None:
    gate.fails = True
    with pytest.raises(MemoryError, match="no room"):
        teach(memory, "up")
    gate.fails = False
    assert labels(memory) == {"left", "right", "up"}


@pytest.mark.parametrize("retain", ["codes", "nothing"])
def test_a_memory_that_forgot_everything_says_so(retain: str) -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16, retain=retain, solve_ahead=True) as memory:
        receipt = teach(memory, "up")
        assert labels(memory) == {"up"}
        memory.forget(receipt=receipt)
        with pytest.raises(protomem.EmptyMemory, match="nothing is remembered"):
            labels(memory)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts are raised, as they are not in a process that a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_whoever_is_interrupted_waits_for_what_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next change would be made to the sums that are still being read."""
    solve, ended = Predictor.of, threading.Event()

    def interrupted(*args: Any) -> Predictor:
        threading.Event().wait(0.2)  # the leader waits by then
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        found = solve(*args)
        threading.Event().wait(0.2)
        ended.set()
        return found

    with protomem.open(None, encoder=protomem.Vectors(2), width=16, solve_ahead=True) as memory:
        teach(memory, "left", "right")
        labels(memory)
        monkeypatch.setattr(Predictor, "of", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            teach(memory, "up")
        assert ended.is_set()
        monkeypatch.undo()
        assert labels(memory) == {"left", "right", "up"}


def test_a_memory_that_was_closed_does_not_answer(memory: protomem.Memory) -> None:
    memory.close()
    with pytest.raises(protomem.MemoryClosed, match="is closed"):
        labels(memory)


def test_who_is_told_of_progress_cannot_change_the_memory() -> None:
    """It would wait for a group of other threads, which waits for it."""
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as memory:
        teach(memory, "left")
        with pytest.raises(protomem.InvalidInput, match="told of progress"):
            memory.verify(progress=lambda done, of: teach(memory, "right"))
        assert len(memory) == 1
        assert memory.verify().ok
