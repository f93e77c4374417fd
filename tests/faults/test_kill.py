"""Law 4: what was acknowledged survives `kill -9`, and what was not is wholly there or wholly absent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.expected import ASKED, differences
from tests.faults.operations import SWEEP, Model, Operation, learn, sequence
from tests.faults.workers import Outcome, Said, Worker

FOLDERS = 16 if SWEEP else 2
"""Memories; each goes through its trials one after another, so that damage would add up."""

TRIALS = 25 if SWEEP else 8

LENGTH = 10
"""Operations of one trial, if it is not killed before."""


def after_a_moment(dice: random.Random) -> Callable[[Said, Callable[[], None]], None]:
    """Kill the child when it has been alive, or its memory open, for a random time."""
    start, delay = dice.choice(["process", "ready", "ready"]), dice.uniform(0, 0.08)

    def watch(line: Said, kill: Callable[[], None]) -> None:
        if start in line:
            time.sleep(delay)
            kill()

    return watch


def after_an_acknowledgement(dice: random.Random) -> Callable[[Said, Callable[[], None]], None]:
    """Kill the child as soon as it has acknowledged a random operation."""
    number = dice.randint(1, LENGTH)

    def watch(line: Said, kill: Callable[[], None]) -> None:
        if line.get("done") == number:
            kill()

    return watch


def survivor(model: Model, operations: list[Operation], outcome: Outcome, said: Said) -> Model:
    """The model of what is there now: after what was acknowledged, or with the one in flight as well."""
    acknowledged = model.after_all(operations[: outcome.done])
    possible = [acknowledged, acknowledged.after_all(operations[outcome.done : outcome.done + 1])]
    wrong = [differences(said, one) for one in possible]
    for one, found in zip(possible, wrong, strict=True):
        if not found:
            return one
    done = [operation["do"] for operation in operations]
    raise AssertionError(f"{outcome.done} of {done} were acknowledged: {wrong[0]}; with the next: {wrong[1]}")


def surely_gone(model: Model, operations: list[Operation], outcome: Outcome) -> list[str]:
    """Ids that are forgotten, whether the operation in flight was carried out or not."""
    acknowledged = model.after_all(operations[: outcome.done])
    return sorted(
        acknowledged.gone - acknowledged.after_all(operations[outcome.done : outcome.done + 1]).examples.keys()
    )


@pytest.mark.slow
@pytest.mark.parametrize("folder", range(FOLDERS))
def test_what_was_acknowledged_survives_a_kill(folder: int, worker: Worker, tmp_path: Path) -> None:
    dice = random.Random(folder)
    path = tmp_path / "m.duckdb"
    model, cut_short = Model(), 0
    for _ in range(TRIALS):
        operations = sequence(model, LENGTH, dice)
        watch = dice.choice([after_a_moment, after_an_acknowledgement])(dice)
        outcome = worker.run(watch, job="work", path=path, operations=operations, then="wait")
        assert outcome.killed
        cut_short += outcome.done < LENGTH
        gone = surely_gone(model, operations, outcome)
        said = worker.inspect(path, gone=dice.sample(gone, min(len(gone), 3)), asked=ASKED)
        model = survivor(model, operations, outcome, said)
    assert cut_short, "no trial was cut short: nothing was tested"


WRITERS = 8


def writer(thread: int, folder: int, dice: random.Random) -> list[Operation]:
    """Learns one by one under ids of its own, and forgets every third of them again."""
    ids = [f"{folder}-{thread}-{dice.getrandbits(32):08x}" for _ in range(40)]
    forgets = {number: {"do": "forget", "ids": [id]} for number, id in enumerate(ids) if number % 3 == 0}
    taught = [[learn([id], dice), *([forgets[number]] if number in forgets else [])] for number, id in enumerate(ids)]
    return [operation for some in taught for operation in some]


def after_some_acknowledgements(dice: random.Random) -> Callable[[Said, Callable[[], None]], None]:
    """Kill the child when it has acknowledged a random number of operations, of all threads together."""
    left = iter(range(dice.randint(1, 150)))

    def watch(line: Said, kill: Callable[[], None]) -> None:
        nonlocal left
        if "number" in line and next(left, None) is None:
            left = iter(range(10**9))  # killed once
            kill()

    return watch


def crowded(model: Model, threads: list[list[Operation]], done: list[int], said: Said) -> Model:
    """The model of what is there now, each thread being as far as acknowledged or, by its own ids, one further."""
    for operations, number in zip(threads, done, strict=True):
        told = model.after_all(operations[:number])
        further = told.after_all(operations[number : number + 1])
        ids = {id for operation in operations for id in operation["ids"]}
        there = said["examples"].keys() & ids
        assert there in (told.examples.keys() & ids, further.examples.keys() & ids), (
            "an acknowledged write is not there"
        )
        model = told if there == told.examples.keys() & ids else further
    assert sorted(said["receipts"]) == sorted(model.receipts)
    return Model(model.examples, tuple(said["receipts"]), model.gone)  # in which order they came nobody else can say


@pytest.mark.slow
@pytest.mark.parametrize("folder", range(FOLDERS))
def test_what_several_threads_were_told_survives_a_kill(folder: int, worker: Worker, tmp_path: Path) -> None:
    """Of each thread all that was acknowledged is there, and what was in flight wholly or not at all."""
    dice = random.Random(100 + folder)
    path = tmp_path / "m.duckdb"
    model, acknowledged = Model(), 0
    for trial in range(TRIALS):
        threads = [writer(thread, trial, dice) for thread in range(WRITERS)]
        outcome = worker.run(after_some_acknowledgements(dice), job="crowd", path=path, threads=threads)
        assert outcome.killed
        done = [
            max((line["number"] for line in outcome.said if line.get("thread") == thread), default=0)
            for thread in range(WRITERS)
        ]
        acknowledged += sum(done)
        said = worker.inspect(path)
        model = crowded(model, threads, done, said)
        assert differences(said, model) == []
    assert acknowledged, "no trial acknowledged anything: nothing was tested"
