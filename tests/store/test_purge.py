"""A purge leaves no byte of what was removed, everything else as it was, and the path held throughout."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from tests.store.samples import count_rows, id_hash, ids, next_receipt, receipt, row, write
from tests.store.samples import purge as purged

from protomem.errors import StoreError, StoreUnavailable
from protomem.store import Row, Write
from protomem_store import DuckDbStore, purge

Run = Callable[..., "subprocess.CompletedProcess[str]"]
BY_STORE = "import pathlib, sys; from protomem_store import DuckDbStore; s = DuckDbStore(pathlib.Path(sys.argv[1]))"


@pytest.fixture
def store(path: Path) -> Iterator[DuckDbStore]:
    store = DuckDbStore(path)
    store.create({"encoder": "vectors"})
    yield store
    store.close()


def marked_row(number: int) -> Row:
    """A row whose every part cannot be compressed and is found by its bytes, if it is anywhere."""
    parts = [os.urandom(24).hex() for _ in range(4)]
    return Row(parts[0], parts[1], (f"label-{number % 7}",), os.urandom(384), parts[2] + parts[3])


def bytes_of(path: Path) -> bytes:
    """Every file of the memory, one after another."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def traces(row: Row, content: bytes) -> list[bytes]:
    """Which of the row's parts are in there. Pieces of the codes, for a block may end within them."""
    assert row.subject is not None
    assert row.item is not None
    pieces = [row.codes[at : at + 16] for at in (0, 160, 320)]
    return [part for part in (row.id.encode(), row.subject.encode(), row.item.encode(), *pieces) if part in content]


# Removed in one write and row by row; folded in before or still in the log; few rows and more than DuckDB's groups.
@pytest.mark.parametrize(("number", "removed"), [(40, 13), (3_000, 60), (130_000, 4)])
@pytest.mark.parametrize("reopened", [False, True])
def test_no_byte_of_a_removed_row_is_left(store: DuckDbStore, number: int, removed: int, reopened: bool) -> None:
    rows = [marked_row(each) for each in range(number)]
    write(store, rows)
    if reopened:
        store.close()
        store.__init__(store.path)  # type: ignore[misc]
    gone = rows[:: number // removed][:removed]
    write(store, removed=[row.id for row in gone[2:]])
    for each in gone[:2]:
        write(store, removed=[each.id])
    assert any(traces(row, bytes_of(store.path)) for row in gone)  # removal alone does not erase
    purged(store)
    content = bytes_of(store.path)
    assert [traces(row, content) for row in gone if traces(row, content)] == []
    assert all(traces(row, content) for row in rows[1 : number : number // 3] if row not in gone)  # the search finds
    assert count_rows(store) == number - removed
    store.close()
    content = bytes_of(store.path)
    assert [traces(row, content) for row in gone if traces(row, content)] == []


def test_what_was_replaced_is_erased_too(store: DuckDbStore) -> None:
    old = marked_row(0)
    write(store, [old])
    write(store, [Row(old.id, None, ("other",), b"codes")], [old.id])
    purged(store)
    assert traces(old, bytes_of(store.path)) == [old.id.encode()]


def test_a_purge_takes_the_bytes_of_raised_tombstones(store: DuckDbStore) -> None:
    hashes = [os.urandom(16).hex() for _ in range(50)]
    store.write(Write(next_receipt(), buried=hashes))
    store.write(Write(next_receipt(), raised=hashes[1:]))
    purged(store)
    content = bytes_of(store.path)
    assert [hash for hash in hashes if bytes.fromhex(hash) in content] == hashes[:1]


def test_purged_again_and_again_the_store_goes_on(store: DuckDbStore) -> None:
    kept = []
    for number in range(4):
        kept += [write(store, [row(number), row(100 + number)]), write(store, removed=[f"id-{100 + number}"])]
        kept.append(purged(store))
    assert ids(store) == ["id-0", "id-1", "id-2", "id-3"]
    assert store.receipts() == kept
    store.close()
    reopened = DuckDbStore(store.path, must_exist=True)
    assert (ids(reopened), reopened.receipts()) == (["id-0", "id-1", "id-2", "id-3"], kept)
    reopened.close()
    assert [file.name for file in store.path.parent.iterdir()] == ["memory.duckdb"]


def test_what_is_written_after_a_purge_survives_a_kill(path: Path, run: Run) -> None:
    code = """
import os, pathlib, signal, sys
from protomem_store import DuckDbStore
from tests.store.samples import purge, row, write
store = DuckDbStore(pathlib.Path(sys.argv[1]))
write(store, [row(1), row(2)])
write(store, removed=["id-1"])
purge(store)
write(store, [row(3)])
os.kill(os.getpid(), signal.SIGKILL)
"""
    here = str(Path(__file__).parents[2])
    assert run(f"import sys; sys.path.insert(0, {here!r}){code}", path).returncode < 0
    store = DuckDbStore(path, must_exist=True)
    assert ids(store) == ["id-2", "id-3"]
    assert [each.kind for each in store.receipts()] == ["learn", "learn", "purge", "learn"]
    store.close()


# ------------------------------------------------------------------------------------------------ readers and writers


def test_a_reading_goes_on_during_the_copy_and_is_told_to_begin_again_after(store: DuckDbStore) -> None:
    write(store, [row(each) for each in range(60_000)])
    reading = store.rows()
    seen = [len(next(reading))]
    store.purge(next_receipt("purge"), lambda done, total: seen.append(len(next(reading))) if len(seen) < 3 else None)
    assert all(seen)
    with pytest.raises(StoreUnavailable, match="reading was interrupted by a purge; read again"):
        next(reading)
    assert count_rows(store) == 60_000


def test_a_writer_waits_for_the_purge(store: DuckDbStore) -> None:
    write(store, [row(1)])
    writer = threading.Thread(target=lambda: store.write(Write(receipt(10_000_001), [row(2)])))

    def progress(done: int, total: int) -> None:
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()

    store.purge(receipt(10_000_000, "purge"), progress)
    writer.join()
    assert ids(store) == ["id-1", "id-2"]


def test_no_other_process_can_take_the_path_meanwhile(
    store: DuckDbStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []
    rename = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        refused.append(run(BY_STORE, store.path).stderr)
        rename(self, target)
        refused.append(run(BY_STORE, store.path).stderr)
        return target

    monkeypatch.setattr(Path, "replace", renamed)
    store.purge(next_receipt("purge"), lambda *_: refused.append(run(BY_STORE, store.path).stderr))
    monkeypatch.undo()
    refused.append(run(BY_STORE, store.path).stderr)
    store.path.read_bytes()  # takes DuckDB's own lock off
    refused.append(run(BY_STORE, store.path).stderr)
    assert ["MemoryLocked" in each for each in refused] == [True] * len(refused)
    assert len(refused) >= 4
    store.close()
    assert run(BY_STORE, store.path).returncode == 0


# ------------------------------------------------------------------------------------------------------ what goes wrong


def state(store: DuckDbStore) -> tuple[object, ...]:
    return ids(store), store.receipts(), store.tombstones([id_hash(1)])


def test_a_full_disk_leaves_the_memory_as_it_was(store: DuckDbStore) -> None:
    resource = pytest.importorskip("resource", reason="needs the limits of a POSIX system")
    write(store, [row(each, os.urandom(400)) for each in range(30_000)])
    store.close()
    store.__init__(store.path)  # type: ignore[misc]
    store.write(Write(next_receipt(), removed=["id-7"], buried=[id_hash(1)]))
    before = state(store)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        with pytest.raises(StoreUnavailable, match="the disk refused"):
            purged(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not list(store.path.parent.glob("*.purge*"))
    assert state(store) == before
    write(store, [row(7)])
    purged(store)
    assert count_rows(store) == 30_000


def test_a_rename_that_is_refused_leaves_the_memory_as_it_was(
    store: DuckDbStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "no")

    write(store, [row(1), row(2)])
    before = state(store)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreUnavailable, match="the disk refused"):
        purged(store)
    monkeypatch.undo()
    assert "MemoryLocked" in run(BY_STORE, store.path).stderr
    assert state(store) == before
    assert not list(store.path.parent.glob("*.purge*"))
    write(store, removed=["id-2"])
    purged(store)
    assert ids(store) == ["id-1"]


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), StoreError("stop")])
def test_a_purge_that_is_interrupted_leaves_the_memory_as_it_was(store: DuckDbStore, error: BaseException) -> None:
    def interrupt(*_: object) -> None:
        raise error

    write(store, [row(1), row(2)])
    before = state(store)
    with pytest.raises(type(error), match="stop"):
        store.purge(next_receipt("purge"), interrupt)
    assert state(store) == before
    assert not list(store.path.parent.glob("*.purge*"))
    write(store, removed=["id-2"])
    purged(store)
    assert ids(store) == ["id-1"]


def test_a_copy_that_lacks_a_row_never_takes_the_place(store: DuckDbStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(source: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection, table: str, _: object) -> None:
        rows = source.sql(f"SELECT * FROM {table} LIMIT 1").to_arrow_table()
        target.from_arrow(rows).insert_into(table)

    write(store, [row(1), row(2)])
    monkeypatch.setattr(purge, "_copy", forgetful)
    with pytest.raises(StoreError, match="1 of 3 rows of meta could be copied; the file stays as it is"):
        purged(store)
    monkeypatch.undo()
    assert ids(store) == ["id-1", "id-2"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs the permissions of a POSIX system")
def test_the_new_file_is_as_private_as_the_old_one(store: DuckDbStore) -> None:
    store.path.chmod(0o600)
    write(store, [row(1)])
    modes = []
    store.purge(
        next_receipt("purge"),
        lambda *_: modes.append(stat.S_IMODE(store.path.with_name("memory.duckdb.purge").stat().st_mode)),
    )
    assert [*modes, stat.S_IMODE(store.path.stat().st_mode)] == [0o600, 0o600]
