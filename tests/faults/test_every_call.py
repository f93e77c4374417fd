"""Law 4 at every system call: each write, sync, rename and removal of an operation fails, or is the process's last act.

The memory is then the one before or the one after, and goes on. A `learn` or `forget` that raised kept nothing, except
on a disk that fails for good in the middle of it: then nobody can say, and only half of it would be wrong.
"""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.faults.expected import ASKED, differences
from tests.faults.interposer import Act
from tests.faults.operations import SWEEP, Model, Operation, learn, merges
from tests.faults.workers import Said, Worker

EVERY = 1 if SWEEP else 7
"""In CI every seventh call, beginning with another one for each way to fail."""

DICE = random.Random(7)
TAUGHT = [learn([f"first-{number}" for number in range(40)], DICE), learn(["single"], DICE)]
FORGOTTEN: Operation = {"do": "forget", "ids": ["first-1", "first-2", "single"]}
LATE = [learn([f"late-{number}" for number in range(3)], DICE), {"do": "forget", "ids": ["first-3", "late-1"]}]
GROUP = [learn(["one"], DICE), {"do": "forget", "ids": ["first-4"]}, learn(["two", "three"], DICE)]
FIRST, THEN = merges("clinic", [3, 2], DICE)
OTHER, *_ = merges("other clinic", [4], DICE)
THIRD, *_ = merges("third clinic", [1], DICE)
MERGED = (*TAUGHT, FORGOTTEN, FIRST, OTHER)
LEAVES: Operation = {"do": "withdraw", "client": "other clinic"}
MIXED = [learn(["with a merge"], DICE), THEN, THIRD, LEAVES]
GOES_ON = [learn(["afterwards"], DICE), {"do": "forget", "ids": ["first-30"]}]
BEGINS = [learn(["first-30"], DICE)]


@dataclass(frozen=True)
class Case:
    """An operation, and what was done before: `closed` and closed, `killed` and killed, `open` by the same process."""

    operation: Operation
    closed: tuple[Operation, ...] = (*TAUGHT, FORGOTTEN)
    killed: tuple[Operation, ...] = ()
    open: tuple[Operation, ...] = ()

    @property
    def model(self) -> Model:
        return Model().after_all([*self.closed, *self.killed, *self.open])


CASES = {
    "create": Case({"do": "open"}, closed=()),
    "first write": Case(learn(["one", "two"], DICE)),
    "learn one": Case(learn(["one"], DICE), open=(*LATE,)),
    "learn many": Case(learn([f"many-{number}" for number in range(50)], DICE), open=(*LATE,)),
    "forget": Case({"do": "forget", "label": "refund"}, open=(*LATE,)),
    "group": Case({"do": "together", "operations": GROUP}, open=(*LATE,)),
    "purge": Case({"do": "purge"}, open=(*LATE,)),
    "purge at once": Case({"do": "purge"}),
    "close": Case({"do": "close"}, open=(*LATE,)),
    "close after a purge": Case({"do": "close"}, open=(*LATE, {"do": "purge"})),
    "open": Case({"do": "open"}),
    "open after a kill": Case({"do": "open"}, killed=(*LATE,)),
    "first merge": Case(FIRST),
    "merge": Case(THEN, closed=MERGED, open=(*LATE,)),
    "withdraw": Case(LEAVES, closed=MERGED, open=(*LATE,)),
    "group with merges": Case({"do": "together", "operations": MIXED}, closed=MERGED),
    "learn beside what is merged": Case(learn(["beside"], DICE), closed=MERGED),
    "purge what was withdrawn": Case({"do": "purge"}, closed=MERGED, open=(LEAVES,)),
    "open with a merge in the log": Case({"do": "open"}, closed=MERGED, killed=(THEN, LEAVES)),
}

ERRORS = {
    "full once": (Act.FAIL_ONCE, errno.ENOSPC),
    "full": (Act.FAIL_FROM_THERE_ON, errno.ENOSPC),
    "broken once": (Act.FAIL_ONCE, errno.EIO),
    "broken": (Act.FAIL_FROM_THERE_ON, errno.EIO),
}
KILLS = {
    "killed before": (Act.KILL_BEFORE, 0),
    "killed halfway": (Act.KILL_HALFWAY, 0),
    "killed after": (Act.KILL_AFTER, 0),
}

Prepared = Callable[[Case], Path]


@pytest.fixture(scope="module")
def originals(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The folder with the memory as it lies there before the operation of a case; to be copied."""
    built: dict[tuple[str, ...], Path] = {}

    def original(case: Case) -> Path:
        key = tuple(map(str, (*case.closed, "killed", *case.killed)))
        if key not in built:
            built[key] = tmp_path_factory.mktemp("before")
            build(case, built[key] / "m.duckdb", worker)
        return built[key]

    return original


def build(case: Case, path: Path, worker: Worker) -> None:
    """Do what was done before a case by other processes."""

    def kill_at_the_end(said: Said, kill: Callable[[], None]) -> None:
        if said.get("done") == len(case.killed):
            kill()

    if case.closed:
        worker.run(job="work", path=path, operations=[*case.closed, {"do": "close"}])
    if case.killed:
        worker.run(kill_at_the_end, job="work", path=path, operations=case.killed, then="wait")


@pytest.fixture
def prepared(originals: Prepared, tmp_path: Path) -> Prepared:
    """The path of a new copy of the memory before the operation of a case."""
    numbers = count()

    def copy(case: Case) -> Path:
        folder = tmp_path / f"run-{next(numbers)}"
        shutil.copytree(originals(case), folder)
        return folder / "m.duckdb"

    return copy


def goes_on(case: Case) -> list[Operation]:
    """What is done after a failure, to see that the memory goes on."""
    return GOES_ON if case.closed else [*BEGINS, *GOES_ON]


def runs(
    faulty: Worker, prepared: Prepared, case: Case, act: Act, error: int, first: int
) -> list[tuple[int, Path, list[Said], bool]]:
    """Every run of a case: the number of the call, the memory, what was said, and whether it was killed."""
    found: list[tuple[int, Path, list[Said], bool]] = []
    for at in count(first, EVERY):
        path = prepared(case)
        job: dict[str, Any] = {"path": path, "before": case.open, "operation": case.operation, "after": goes_on(case)}
        outcome = faulty.run(job="fault", act=act.name, at=at, errno=error, **job)
        said = outcome.said[1:]
        if not outcome.killed and len(said[0]["calls"]) < at:
            return found
        found.append((at, path, said, outcome.killed))
    raise AssertionError("an operation has an end")


@pytest.mark.slow
@pytest.mark.parametrize("way", KILLS)
@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_call_leaves_the_memory_before_or_after(
    name: str, way: str, worker: Worker, faulty: Worker, prepared: Prepared
) -> None:
    case, (act, error) = CASES[name], KILLS[way]
    before, after = case.model, case.model.after(case.operation)
    wrong = []
    for at, path, _, killed in runs(faulty, prepared, case, act, error, 1 + list(KILLS).index(way)):
        assert killed
        said = worker.inspect(path, asked=ASKED, gone=sorted(before.gone)[:3])
        found = [differences(said, before), differences(said, after)]
        if all(found):
            wrong.append(f"call {at}: not the one before: {found[0]}; not the one after: {found[1]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("way", ERRORS)
@pytest.mark.parametrize("name", CASES)
def test_a_call_that_fails_is_named_and_leaves_the_memory_unharmed(
    name: str, way: str, worker: Worker, faulty: Worker, prepared: Prepared
) -> None:
    case, (act, error) = CASES[name], ERRORS[way]
    wrong = []
    for at, path, said, _ in runs(faulty, prepared, case, act, error, 1 + list(ERRORS).index(way)):
        first, *later = said
        found = misnamed(first) + [
            f"afterwards: {line['error']}: {line['message']}" for line in later if "error" in line
        ]
        unharmed = [harm(case, model, later, worker.inspect(path, asked=ASKED)) for model in possible(case, way, first)]
        if found or all(unharmed):
            told = first.get("message", "acknowledged")
            wrong.append(f"call {at}, {first['calls'][at - 1]}: {told}: {[*found, *min(unharmed, key=len)]}")
    assert not wrong, "\n".join(wrong)


def misnamed(said: Said) -> list[str]:
    """What is wrong with the error that was raised, if one was."""
    if said["acknowledged"]:
        return []
    found = [] if said["error"] == "StoreUnavailable" else [f"raised {said['error']}"]
    return found if "m.duckdb" in said["message"] else [*found, "names no file"]


def possible(case: Case, way: str, said: Said) -> list[Model]:
    """What the memory may be after the operation raised or returned."""
    before, after = case.model, case.model.after(case.operation)
    if said["acknowledged"]:
        return [after]
    is_known = case.operation["do"] in ("learn", "forget", "together", "merge", "withdraw") and way != "broken"
    return [before] if is_known else [before, after]


def harm(case: Case, model: Model, later: list[Said], opened: Said) -> list[str]:
    """How the memory that went on, and the one opened again, differ from this model and what was done afterwards."""
    found = [f"live: {one}" for line in later if "digest" in line for one in differences(line, model)]
    taken = [line["acknowledged"] for line in later if "acknowledged" in line]
    final = model.after_all([one for one in goes_on(case) if one["do"] in taken])
    return found + [f"opened again: {one}" for one in differences(opened, final)]
