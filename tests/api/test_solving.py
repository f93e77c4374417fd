"""Heads solved by a process beside the server are those solved by itself, whatever becomes of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.api.serving import served, wait_until

import protomem
from protomem.over_all import OverAll, solve_over_all
from protomem_api import Settings, solver
from protomem_api.frames import question, read_answer, write_answer
from protomem_api.solving import APART_FROM, Solver, SolvingProcess
from protomem_api.threads import NICER, give_way

pytestmark = pytest.mark.usefixtures("one_thread")

SECONDS = 60.0
"""Within which a process begins or ends, however busy the machine is."""

Question = tuple[np.ndarray, np.ndarray]


def drawn(count: int = APART_FROM, labels: int = 5) -> Question:
    """Codes (count, 24) and targets."""
    codes = np.random.default_rng(count).integers(-127, 128, size=(count, 24)).astype(np.int8)
    return codes, np.eye(labels, dtype=bool)[np.arange(count) % labels]


def begun(solving: SolvingProcess) -> int:
    """The id of its process, when it takes questions."""
    solving.solve(*drawn(), centred=True)
    wait_until(lambda: solving.pid is not None, SECONDS)
    return solving.pid or 0


def assert_right(solving: SolvingProcess, count: int = APART_FROM, labels: int = 5, *, centred: bool = True) -> None:
    codes, targets = drawn(count, labels)
    assert_same(solving.solve(codes, targets, centred=centred), solve_over_all(codes, targets, centred=centred))


def assert_same(found: OverAll, expected: OverAll) -> None:
    """To the bit, and in the same order in memory, with which sums over them may round."""
    for one, other in ((found.logistic, expected.logistic), (found.kernel, expected.kernel)):
        parts = (one.duals.values, other.duals.values), (one.duals.total, other.duals.total)
        for part, same in (*parts, (one.left_out, other.left_out)):
            assert np.array_equal(part, same)
            assert part.flags.c_contiguous == same.flags.c_contiguous


@pytest.fixture
def solving() -> Iterator[SolvingProcess]:
    solving = SolvingProcess()
    yield solving
    solving.close()


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many examples a process solved, each time."""
    solved: list[int] = []
    solve = Solver.solve

    def counted(self: Solver, codes: np.ndarray, targets: np.ndarray, *, centred: bool) -> OverAll | None:
        found = solve(self, codes, targets, centred=centred)
        solved.append(len(codes))
        return found

    monkeypatch.setattr(Solver, "solve", counted)
    return solved


def test_what_the_process_solves_is_what_the_server_would(solving: SolvingProcess, apart: list[int]) -> None:
    begun(solving)
    sizes = [(APART_FROM, 1), (APART_FROM, 40), (500, 3), (900, 2)]
    for count, labels in sizes:
        for centred in (True, False):
            assert_right(solving, count, labels, centred=centred)
    assert apart == [count for count, _ in sizes for _ in (True, False)]


def test_few_examples_start_no_process(solving: SolvingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protomem_api.solving.Solver", None)
    assert_right(solving, APART_FROM - 1)


def test_nobody_waits_for_another_or_for_the_process_to_begin(
    solving: SolvingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, may_go_on = threading.Event(), threading.Event()
    solve, codes, targets = Solver.solve, *drawn(300)

    def held(*args: Any, **options: Any) -> OverAll | None:
        reached.set()
        assert may_go_on.wait(SECONDS)
        return solve(*args, **options)

    monkeypatch.setattr(Solver, "solve", held)
    begun(solving)
    assert not reached.is_set()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(solving.solve, codes, targets, centred=True)
        assert reached.wait(SECONDS)
        assert_right(solving, 400)
        may_go_on.set()
        assert_same(first.result(), solve_over_all(codes, targets, centred=True))


def test_a_process_that_was_killed_is_replaced(solving: SolvingProcess, apart: list[int]) -> None:
    killed = begun(solving)
    os.kill(killed, signal.SIGKILL)
    with capture_logs() as logs:
        assert_right(solving, 300)
    assert [(line["event"], line["log_level"], line["status"]) for line in logs] == [
        ("solving process failed", "warning", -signal.SIGKILL)
    ]
    assert apart == []
    assert begun(solving) != killed
    assert_right(solving, 301)
    assert apart == [301]


def test_a_process_that_is_killed_while_it_solves_is_replaced(
    solving: SolvingProcess, apart: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = begun(solving)
    os.kill(killed, signal.SIGSTOP)  # it cannot have answered before it is killed

    def read(*args: Any) -> OverAll | None:
        os.kill(killed, signal.SIGKILL)
        return read_answer(*args)

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("protomem_api.solving.read_answer", read)
        assert_right(solving, 300)
    assert [line["error"] for line in logs] == ["EOFError"]
    assert begun(solving) != killed
    assert_right(solving, 301)
    assert apart == [301]


STRANGERS = {
    "is not there": None,
    "ends at once": "exit 1",
    "says something": "echo; echo Hello, world!; cat > /dev/null",
    "answers with no document": "echo; printf '\\1\\0\\0\\0\\0\\0\\0\\0?'; cat > /dev/null",
}


@pytest.mark.parametrize("program", STRANGERS.values(), ids=STRANGERS.keys())
def test_another_program_in_its_place_changes_no_answer(
    program: str | None, solving: SolvingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in_place_of_python(program, tmp_path, monkeypatch)
    with capture_logs() as logs:
        assert_right(solving)
        if program is not None:
            wait_until(lambda: solving.pid is not None, SECONDS)
        assert_right(solving, 300)
    assert {line["event"] for line in logs} == {"solving process failed"}
    assert solving.pid is None


def run_in_place_of_python(program: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell's program, or None for one that is not there."""
    file = folder / "python"
    if program is not None:
        file.write_text(f"#!/bin/sh\n{program}\n")
        file.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(file))


def test_an_answer_of_another_length_is_refused() -> None:
    codes, targets = drawn(12, 3)
    solved, sent = solve_over_all(codes, targets, centred=True), BytesIO()
    write_answer(sent, solved)
    found = read_answer(BytesIO(sent.getvalue()), (12, 3))
    assert found is not None
    assert_same(found, solved)
    with pytest.raises(ValueError, match="an answer of 864 bytes came where 1152 were expected"):
        read_answer(BytesIO(sent.getvalue()), (12, 4))
    for missing in (1, 864, 865, 872):
        with pytest.raises(EOFError, match="the other side has ended"):
            read_answer(BytesIO(sent.getvalue()[:-missing]), (12, 3))


def test_where_the_mathematics_raises_an_error_the_server_comes_to_it_by_itself(
    solving: SolvingProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> OverAll:
        raise np.linalg.LinAlgError("the matrix is not positive definite")

    monkeypatch.setattr("protomem_api.solver.solve_over_all", fails)
    with (tmp_path / "said").open("wb") as said:
        for _ in range(2):
            write_answer(said, solver._solved(question(*drawn(12), centred=True)))
    run_in_place_of_python(f"echo; cat {tmp_path}/said; cat > /dev/null", tmp_path, monkeypatch)
    process = begun(solving)
    with capture_logs() as logs:
        assert_right(solving)
        monkeypatch.setattr("protomem_api.solving.solve_over_all", fails)
        with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
            solving.solve(*drawn(), centred=True)
    assert logs == []
    assert solving.pid == process


def test_closing_ends_the_process_and_begins_no_other(solving: SolvingProcess) -> None:
    process = begun(solving)
    solving.close()
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(process, 0)
    solving.close()
    assert_right(solving, 300)
    assert solving.pid is None


def test_a_process_that_does_not_end_is_killed(solving: SolvingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protomem_api.solving.END_SECONDS", 0.01)
    process = begun(solving)
    os.kill(process, signal.SIGSTOP)
    solving.close()
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(process, 0)


def test_an_interrupt_is_for_the_server(solving: SolvingProcess, apart: list[int]) -> None:
    """As one that a terminal sends, which the process is spared, or one sent to every process of a service."""
    process = begun(solving)
    assert os.getpgid(process) != os.getpgid(0)
    os.kill(process, signal.SIGINT)
    assert_right(solving, 300)
    assert (solving.pid, apart) == (process, [300])


SOLVES_FOR_EVER = """
import numpy as np
from protomem_api.solving import SolvingProcess
solving = SolvingProcess()
codes = np.random.default_rng(0).integers(-127, 128, size=(700, 24)).astype(np.int8)
targets = np.eye(70, dtype=bool)[np.arange(700) % 70]
while True:
    solving.solve(codes, targets, centred=True)
    if solving.pid is not None:
        print(solving.pid, flush=True)
"""


def test_a_server_that_is_killed_leaves_no_process_behind() -> None:
    """The process has the server's standard error, which so ends when both have; it has nothing to say there."""
    with subprocess.Popen(
        [sys.executable, "-c", SOLVES_FOR_EVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        os.kill(int(server.stdout.readline()), 0)  # it is there
        server.kill()
        _, said = server.communicate(timeout=SECONDS)
    assert said == b""


def test_nothing_but_frames_goes_to_the_standard_output_of_the_process() -> None:
    code = """
import os, sys
from protomem_api.solver import _standard_output
with _standard_output() as alone:
    print("by Python", flush=True)
    os.write(1, b"by anything else")
    alone.write(b"a frame")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"a frame", b"by Python\nby anything else")


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's own on Linux alone")
@pytest.mark.parametrize("background", [False, True])
def test_the_process_gives_way_as_threads_in_the_background_do(solving: SolvingProcess, *, background: bool) -> None:
    with ThreadPoolExecutor(1, initializer=give_way if background else None) as pool:
        process = pool.submit(begun, solving).result()
    assert os.getpriority(os.PRIO_PROCESS, process) == min(19, os.getpriority(os.PRIO_PROCESS, os.getpid()) + NICER)


@pytest.mark.parametrize("count", [1, 6])
def test_a_served_memory_answers_as_an_embedded_one(
    count: int, tmp_path: Path, apart: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Solver] = []

    def noted() -> Solver:
        made.append(Solver())
        return made[-1]

    monkeypatch.setattr("protomem_api.solving.Solver", noted)
    vectors = np.random.default_rng(3).normal(size=(APART_FROM + 4, 8))
    labels = [f"label {row % count}" for row in range(len(vectors))]
    ids = [f"{row:04}" for row in range(len(vectors))]
    items = np.random.default_rng(4).normal(size=(20, 8))
    with served(Settings(data=tmp_path, auth=False)) as server, protomem.Client(server.url) as client:
        remote = client.memory("points", encoder="vectors:8", width=64)
        with protomem.open(None, encoder=protomem.Vectors(8), width=64) as embedded:
            for rows in (slice(0, APART_FROM), slice(APART_FROM, None)):
                for memory in (remote, embedded):
                    memory.learn(vectors[rows], labels[rows], ids=ids[rows])
                for options in ({"coverage": 0.9}, {"multi_label": True}):
                    assert remote.predict(items, **options) == embedded.predict(items, **options)
                wait_until(lambda: made[0].has_begun, SECONDS)
    assert apart == [APART_FROM + 4]
    (only,) = made
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(only.pid, 0)
