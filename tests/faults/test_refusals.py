"""A disk that is full or read-only, a file that is taken away, a second process: a named error, an unharmed memory."""

from __future__ import annotations

import errno
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
from tests.faults.expected import ASKED, differences
from tests.faults.interposer import Act
from tests.faults.operations import Model, Operation, learn
from tests.faults.workers import Said, Worker

DICE = random.Random(11)
FIRST = learn([f"first-{number}" for number in range(30)], DICE)
MANY = learn([f"many-{number}" for number in range(400)], DICE)
LAST = learn(["last"], DICE)
CLOSE: Operation = {"do": "close"}


@pytest.fixture
def path(worker: Worker, tmp_path: Path) -> Path:
    """A closed memory that has learned FIRST, in a folder of its own."""
    folder = tmp_path / "memory"
    folder.mkdir()
    worker.run(job="work", path=folder / "m.duckdb", operations=[FIRST, CLOSE])
    return folder / "m.duckdb"


def check(worker: Worker, path: Path, *operations: Operation) -> None:
    """The memory holds what these operations made of it, and nothing else."""
    assert differences(worker.inspect(path, asked=ASKED), Model().after_all(operations)) == []


def check_named(said: Said, kind: str, *words: str) -> None:
    """The error is of this kind, names the file, and says these words."""
    assert said.get("error") == kind, said
    for word in ("m.duckdb", *words):
        assert re.search(word, said["message"]), f"{said['message']!r} does not say {word!r}"


def test_a_full_disk_is_named_and_the_memory_goes_on_when_there_is_space_again(worker: Worker, path: Path) -> None:
    size = path.stat().st_size
    limited = [{"do": "limit", "bytes": 1_024}, MANY, {"do": "limit", "bytes": 100 * size}, LAST, CLOSE]
    opened, _, full, _, taught, closed = worker.run(job="attempt", path=path, operations=limited).said[1:]
    check_named(full, "StoreUnavailable", "free space")
    assert "error" not in opened | taught | closed
    check(worker, path, FIRST, LAST)


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("operation", [{"do": "open"}, MANY, {"do": "purge"}], ids=["open", "learn", "purge"])
def test_a_disk_that_refuses_every_write_is_named(
    operation: Operation, error: int, worker: Worker, faulty: Worker, path: Path
) -> None:
    job: dict[str, Any] = {"path": path, "before": [], "operation": operation, "after": []}
    outcome = faulty.run(job="fault", act=Act.FAIL_FROM_THERE_ON.name, at=1, errno=error, **job)
    check_named(outcome.said[1], "StoreUnavailable", "free space", "permission")
    check(worker, path, FIRST)


@pytest.mark.parametrize("new", [True, False], ids=["new", "there"])
def test_a_read_only_folder_is_named(new: bool, worker: Worker, path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    path.parent.chmod(0o500)
    path.chmod(0o400)
    said = worker.inspect(path.with_name("m.duckdb-new") if new else path)
    path.parent.chmod(0o700)
    path.chmod(0o600)
    check_named(said, "StoreUnavailable", "permission")
    check(worker, path, FIRST)


@pytest.mark.parametrize("operation", [LAST, {"do": "forget", "ids": ["first-1"]}, {"do": "purge"}])
def test_a_file_that_was_taken_away_is_named_and_can_be_put_back(
    operation: Operation, worker: Worker, path: Path
) -> None:
    away = [{"do": "move", "from": path.name, "to": "away"}, operation, CLOSE]
    _, _, said, _ = worker.run(job="attempt", path=path, operations=away).said[1:]
    check_named(said, "StoreUnavailable", "removed|moved|not there|no such file|gone")
    path.with_name("away").rename(path)
    check(worker, path, FIRST)


def test_a_file_that_was_exchanged_is_named_and_both_are_unharmed(worker: Worker, path: Path) -> None:
    worker.run(job="work", path=path.with_name("other"), operations=[LAST, CLOSE])
    exchange = [{"do": "move", "from": path.name, "to": "away"}, {"do": "move", "from": "other", "to": path.name}]
    *_, said, _ = worker.run(job="attempt", path=path, operations=[*exchange, LAST, CLOSE]).said
    check_named(said, "StoreUnavailable", "removed|moved|replaced|another file")
    check(worker, path, LAST)
    path.unlink()
    path.with_name("away").rename(path)
    check(worker, path, FIRST)


def test_a_second_process_is_refused_and_changes_nothing(worker: Worker, path: Path) -> None:
    refused = []
    with Worker() as other:

        def watch(said: Said, kill: object) -> None:
            if said.get("done") == 1:
                refused.append(other.inspect(path))
            if said.get("done") == 2:
                refused.append(other.inspect(path))
                kill()  # type: ignore[operator]

        worker.run(watch, job="work", path=path, operations=[LAST, {"do": "purge"}], then="wait")
    for said in refused:
        check_named(said, "MemoryLocked", "process", "close")
    assert len(refused) == 2
    check(worker, path, FIRST, LAST, {"do": "purge"})
