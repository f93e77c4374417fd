"""One store at a time: in this process, among all, and whatever the program does with the file meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from protomem.errors import MemoryLocked, NotAMemory
from protomem_store import DuckDbStore

Run = Callable[..., "subprocess.CompletedProcess[str]"]
BY_STORE = "import pathlib, sys; from protomem_store import DuckDbStore; s = DuckDbStore(pathlib.Path(sys.argv[1]))"
BY_DUCKDB = "import sys, duckdb; c = duckdb.connect(sys.argv[1])"


@pytest.fixture
def store(path: Path) -> Iterator[DuckDbStore]:
    store = DuckDbStore(path)
    yield store
    store.close()


@contextmanager
def held(path: Path, code: str) -> Iterator[None]:
    """A second process that has opened the file in its way and holds it."""
    process = subprocess.Popen(
        [sys.executable, "-c", code + "\nprint('held', flush=True)\ninput()", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.kill()


@pytest.mark.parametrize("code", [BY_STORE, BY_DUCKDB], ids=["protomem", "duckdb"])
def test_a_file_that_another_process_holds_is_refused_by_name(memory: Path, code: str) -> None:
    with held(memory, code), pytest.raises(MemoryLocked, match=r"memory\.duckdb: another process holds it"):
        DuckDbStore(memory)
    DuckDbStore(memory).close()


def test_another_process_is_refused_while_the_store_is_open(store: DuckDbStore, run: Run) -> None:
    assert "MemoryLocked" in run(BY_STORE, store.path).stderr


def test_the_lock_outlives_a_copy_made_by_the_same_process(store: DuckDbStore, run: Run) -> None:
    store.path.read_bytes()  # takes DuckDB's own lock off
    assert "MemoryLocked" in run(BY_STORE, store.path).stderr


@pytest.mark.parametrize("name", ["memory.duckdb", "link.duckdb", "folder/../memory.duckdb"])
def test_a_second_store_in_this_process_is_refused(store: DuckDbStore, name: str, run: Run) -> None:
    (store.path.parent / "folder").mkdir()
    (store.path.parent / "link.duckdb").symlink_to(store.path)
    with pytest.raises(MemoryLocked, match="this process has it open already"):
        DuckDbStore(store.path.parent / name)
    assert "Could not set lock" in run(BY_DUCKDB, store.path).stderr  # the refused one took no lock off


def test_a_file_that_this_process_opened_with_duckdb_itself_is_refused(memory: Path) -> None:
    with (
        duckdb.connect(memory),
        pytest.raises(MemoryLocked, match="this process has it open with DuckDB itself"),
    ):
        DuckDbStore(memory)


def test_a_closed_file_can_be_opened_by_anyone(memory: Path, run: Run) -> None:
    DuckDbStore(memory).close()
    assert run(BY_STORE, memory).returncode == 0


def test_a_store_that_could_not_be_opened_holds_nothing(path: Path) -> None:
    path.write_text("a letter")
    for _ in range(2):
        with pytest.raises(NotAMemory, match="some other file"):
            DuckDbStore(path)
    path.unlink()
    DuckDbStore(path).close()
