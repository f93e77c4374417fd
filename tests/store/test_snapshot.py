"""A snapshot is there whole or not at all, and never outlives a row that it was taken of."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from tests.store.samples import purge, row, write

from protomem.errors import MemoryDamaged, StoreUnavailable
from protomem_store import DuckDbStore, files


def names(path: Path) -> set[str]:
    return {file.name.removeprefix(path.name) for file in path.parent.iterdir()}


def test_the_latest_snapshot_comes_back_after_reopening(memory: Path) -> None:
    store = DuckDbStore(memory)
    assert store.snapshot() is None
    store.keep_snapshot(b"first")
    store.keep_snapshot(bytes(range(256)) * 1_000)
    store.close()
    assert names(memory) == {"", ".snapshot"}
    store = DuckDbStore(memory)
    assert store.snapshot() == bytes(range(256)) * 1_000
    store.close()


def test_learning_keeps_the_snapshot_and_removing_drops_it(memory: Path) -> None:
    store = DuckDbStore(memory)
    store.keep_snapshot(b"picture")
    write(store, [row(2)])
    assert store.snapshot() == b"picture"
    write(store, removed=["id-1"])
    assert store.snapshot() is None
    store.close()


def test_a_purge_drops_the_snapshot(memory: Path) -> None:
    store = DuckDbStore(memory)
    store.keep_snapshot(b"picture")
    purge(store)
    assert store.snapshot() is None
    store.close()
    assert names(memory) == {""}


def test_a_snapshot_is_gone_before_the_removal_is_committed(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DuckDbStore(memory)
    store.keep_snapshot(b"picture")
    with pytest.raises(MemoryDamaged, match="were to go"):
        write(store, removed=["never there"])
    assert store.snapshot() == b"picture"  # nothing was removed
    synced: list[set[str]] = []
    monkeypatch.setattr("protomem_store.files.sync_folder", lambda folder: synced.append(names(memory)))
    writer = store._database._writer

    def committing() -> object:
        assert synced == []
        return writer()

    monkeypatch.setattr(store._database, "_writer", committing)
    write(store, removed=["id-1"])
    assert synced == [{"", ".mark", ".wal"} & synced[0]]
    assert ".snapshot" not in synced[0]
    store.close()


def test_a_full_disk_leaves_the_snapshot_before(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise OSError("no space")

    store = DuckDbStore(memory)
    store.keep_snapshot(b"picture")
    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StoreUnavailable, match=r"the disk refused.*no space"):
        store.keep_snapshot(b"other")
    monkeypatch.undo()
    assert store.snapshot() == b"picture"
    store.close()
    assert names(memory) == {"", ".snapshot"}


def test_what_a_dead_process_left_is_never_trusted(memory: Path) -> None:
    for suffix in (".snapshot.new", ".purge", ".purge.wal"):
        memory.with_name(memory.name + suffix).write_bytes(b"half")
    store = DuckDbStore(memory)
    assert store.snapshot() is None
    store.close()
    assert names(memory) == {""}


@pytest.mark.parametrize("suffix", [".snapshot", ".sums-3"])
def test_a_memory_is_not_begun_anew_beside_what_another_left(path: Path, suffix: str) -> None:
    """Its file was lost or cut to nothing: an empty memory in its place would hide that."""
    left = path.with_name(path.name + suffix)
    left.write_bytes(b"of another")
    with pytest.raises(MemoryDamaged, match=r"what belongs to it is here \(.*\) and the file itself is not"):
        DuckDbStore(path)
    assert left.read_bytes() == b"of another"
    left.unlink()
    DuckDbStore(path).close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs the permissions of a POSIX system")
def test_a_snapshot_is_as_private_as_the_memory(memory: Path) -> None:
    os.chmod(memory, 0o600)  # noqa: PTH101 - beside its counterpart below
    store = DuckDbStore(memory)
    store.keep_snapshot(b"picture")
    store.close()
    assert stat.S_IMODE(memory.with_name(memory.name + ".snapshot").stat().st_mode) == 0o600
