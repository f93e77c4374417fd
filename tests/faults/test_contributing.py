"""Law 4 for what is sent: a number that was handed out is never handed out again, whatever ends the process."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.operations import Operation, learn
from tests.faults.workers import Said, Worker

SEND: Operation = {"do": "contribute", "client": "clinic"}


@pytest.mark.slow
def test_a_number_that_was_handed_out_is_not_used_again_after_a_kill(worker: Worker, tmp_path: Path) -> None:
    numbers: list[int] = []

    def kill_at_once(said: Said, kill: Callable[[], None]) -> None:
        if "sequence" in said:
            numbers.append(said["sequence"])
            kill()

    path = tmp_path / "m.duckdb"
    worker.run(job="work", path=path, operations=[learn(["one"], random.Random(1)), SEND, {"do": "close"}])
    for _ in range(3):
        worker.run(kill_at_once, job="work", path=path, operations=[SEND], then="wait")
    assert numbers == [2, 3, 4]
