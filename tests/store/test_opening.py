"""Which files are memories: what is refused and stays as it is, what is damaged, and what was cut off."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from protomem.errors import MemoryDamaged, NotAMemory, StoreUnavailable
from protomem_store import DuckDbStore

Run = Callable[..., "subprocess.CompletedProcess[str]"]
WRITE_AND_DIE = """
import os, pathlib, signal, sys
from protomem.receipts import Receipt
from protomem.store import Row, Write
from protomem_store import DuckDbStore
store = DuckDbStore(pathlib.Path(sys.argv[1]))
store.create({"encoder": "vectors"})
store.write(Write(Receipt("r", "learn", 1, 1, "b" * 64, "a" * 64, "t"), [Row("id-1", None, ("label",), b"codes")]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def write_text(path: Path) -> None:
    path.write_text("a letter, longer than the headers of a database\n" * 1_000)


def write_short_text(path: Path) -> None:
    path.write_text("!")


def write_sqlite(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE meta (key, value)")
    other.commit()
    other.close()


def write_duckdb(*statements: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with duckdb.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)

    return write


def write_duckdb_with_log(path: Path) -> None:
    code = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE other (a INTEGER)")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.with_name(path.name + ".wal").exists()


@pytest.mark.parametrize(
    "make",
    [
        write_text,
        write_short_text,
        write_sqlite,
        write_duckdb("CREATE TABLE other (a INTEGER)"),
        write_duckdb("CREATE VIEW other AS SELECT 1 AS a"),
        write_duckdb("CREATE TABLE meta (a INTEGER)"),
        write_duckdb("CREATE TABLE meta (key VARCHAR, value VARCHAR)", "INSERT INTO meta VALUES ('magic', 'other')"),
        write_duckdb_with_log,
    ],
    ids=["text", "short text", "sqlite", "table", "view", "other meta", "other magic", "table in the log"],
)
def test_another_file_is_refused_and_stays_as_it_is(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(NotAMemory, match=r"memory\.duckdb is "):
        DuckDbStore(path)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAMemory, match="is no file"):
        DuckDbStore(tmp_path)


def test_a_newer_format_is_refused_and_stays_as_it_is(memory: Path) -> None:
    write_duckdb("UPDATE meta SET value = '3' WHERE key = 'format_version'")(memory)
    before = memory.read_bytes()
    with pytest.raises(NotAMemory, match="format version 3, and this release reads version 2 and older"):
        DuckDbStore(memory)
    assert memory.read_bytes() == before


@pytest.mark.parametrize(
    "statement", ["DROP TABLE receipts", "DROP TABLE tombstones", "ALTER TABLE examples DROP COLUMN item"]
)
def test_a_memory_without_its_tables_is_damaged(memory: Path, statement: str) -> None:
    write_duckdb(statement)(memory)
    with pytest.raises(MemoryDamaged, match="is not as protomem wrote it"):
        DuckDbStore(memory)


@pytest.mark.parametrize("at", [20, 4_096 + 8, 12_288 + 100])
def test_a_flipped_byte_is_damage(memory: Path, at: int) -> None:
    # At 20 the header that names the storage version; then the two headers that take turns, and the first block.
    content = bytearray(memory.read_bytes())
    for place in {at, 8_192 + 8} if at == 4_096 + 8 else {at}:
        content[place] ^= 0xFF
    memory.write_bytes(content)
    with pytest.raises(MemoryDamaged, match=r"memory\.duckdb: the file is damaged"):
        DuckDbStore(memory)


def test_a_file_cut_short_is_damage(memory: Path) -> None:
    memory.write_bytes(memory.read_bytes()[:20_000])
    with pytest.raises(MemoryDamaged, match="the file is damaged"):
        DuckDbStore(memory)


@pytest.mark.parametrize("emptied", [True, False], ids=["emptied", "removed"])
def test_a_log_without_its_file_is_damage_and_is_kept(path: Path, emptied: bool, run: Run) -> None:
    log = path.with_name(path.name + ".wal")
    run(WRITE_AND_DIE, path)
    if emptied:
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(MemoryDamaged, match="put the file back"):
        DuckDbStore(path)
    assert log.exists()


@pytest.mark.parametrize(
    "make",
    [Path.touch, write_duckdb(), lambda path: DuckDbStore(path).close()],
    ids=["empty file", "empty database", "no settings"],
)
def test_a_creation_that_was_cut_off_opens_as_a_new_memory(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    store = DuckDbStore(path)
    assert store.settings() == {}
    store.create({"encoder": "vectors"})
    store.close()
    store = DuckDbStore(path, must_exist=True)
    assert store.settings() == {"encoder": "vectors"}
    store.close()


@pytest.mark.parametrize("kept", [12, 4_096, 8_192])
def test_headers_that_were_cut_off_open_as_a_new_memory(path: Path, kept: int) -> None:
    write_duckdb()(path)
    path.write_bytes(path.read_bytes()[:kept])
    store = DuckDbStore(path)
    assert store.settings() == {}
    store.close()


def test_must_exist_refuses_what_is_not_there(path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no such file"):
        DuckDbStore(path, must_exist=True)
    assert not path.exists()


@pytest.mark.parametrize("make", [Path.touch, write_duckdb()], ids=["empty file", "empty database"])
def test_must_exist_refuses_what_is_empty(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(NotAMemory, match="no memory yet"):
        DuckDbStore(path, must_exist=True)
    assert path.read_bytes() == before


def test_what_was_written_survives_a_kill(path: Path, run: Run) -> None:
    assert run(WRITE_AND_DIE, path).returncode == -signal.SIGKILL
    store = DuckDbStore(path, must_exist=True)
    assert store.settings() == {"encoder": "vectors"}
    assert [each.id for batch in store.rows() for each in batch] == ["id-1"]
    assert [each.id for each in store.receipts()] == ["r"]
    store.close()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no folder .*missing; create it first"):
        DuckDbStore(tmp_path / "missing" / "memory.duckdb")


@pytest.mark.parametrize("new", [True, False])
def test_a_folder_or_file_without_permission_is_named(memory: Path, new: bool) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    memory.parent.chmod(0o500)
    memory.chmod(0o400)
    with pytest.raises(StoreUnavailable, match="the disk refused"):
        DuckDbStore(memory.with_name("new.duckdb") if new else memory)
    memory.parent.chmod(0o700)
