"""What the store on disk does when the disk, the caller or a thread gets in the way."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from tests.store.samples import count_rows, receipt, row, write

from protomem.errors import MemoryClosed, MemoryDamaged, StoreError, StoreUnavailable
from protomem.store import Row, Write
from protomem_store import DuckDbStore, database, receipt_rows

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def store(path: Path) -> Iterator[DuckDbStore]:
    store = DuckDbStore(path)
    yield store
    store.close()


BY_DUCKDB = "import sys, duckdb; c = duckdb.connect(sys.argv[1])"

# ---------------------------------------------------------------------------------------------- what the disk refuses


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, which DuckDB meets as it meets a full disk."""
    resource = pytest.importorskip("resource", reason="needs the limits of a POSIX system")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.parametrize("number", [5, 500])
def test_a_full_disk_keeps_nothing_of_a_write_and_the_store_goes_on(memory: Path, number: int) -> None:
    store = DuckDbStore(memory)
    with full_disk(1_000), pytest.raises(StoreUnavailable, match=r"the disk refused.*File too large"):
        write(store, [row(each, os.urandom(400)) for each in range(2, number + 2)], ["id-1"])
    assert list(store.get(["id-1", "id-2"])) == ["id-1"]
    write(store, [row(2)])
    store.close()
    store = DuckDbStore(memory)
    assert (count_rows(store), len(store.receipts())) == (2, 2)
    store.close()


def test_a_log_that_cannot_be_opened_keeps_nothing_of_a_write_and_the_store_goes_on(memory: Path) -> None:
    store = DuckDbStore(memory)
    in_its_place = memory.with_name(memory.name + ".wal")
    in_its_place.mkdir()
    with pytest.raises(StoreUnavailable, match="the disk refused"):
        write(store, [row(2)], ["id-1"])
    in_its_place.rmdir()
    write(store, [row(3)])
    assert list(store.get(["id-1", "id-2", "id-3"])) == ["id-1", "id-3"]
    store.close()


def test_a_log_that_cannot_be_folded_in_takes_no_write_back(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(first: int, last: int) -> list[Row]:
        return [row(each, os.urandom(4_000)) for each in range(first, last)]

    store = DuckDbStore(memory)
    write(store, rows(2, 1_000))
    store.close()
    monkeypatch.setattr(database, "CHECKPOINT_BYTES", 100_000)
    store = DuckDbStore(memory)
    with full_disk(memory.stat().st_size):  # room for the log, none for the file
        for first in range(1_000, 1_500, 100):
            write(store, rows(first, first + 100))
            assert store.get([f"id-{first}"]).keys() == {f"id-{first}"}
        with pytest.raises(StoreUnavailable, match="the disk refused"):
            store.close()
    store = DuckDbStore(memory)
    assert (count_rows(store), len(store.receipts())) == (1_499, 7)
    store.close()


def test_a_reading_that_a_failure_ends_says_so(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DuckDbStore(memory)
    write(store, [row(each) for each in range(2, 20_001)])
    store.close()  # so that the file is larger than the log of one more write
    store = DuckDbStore(memory)
    reading = store.rows()
    next(reading)
    monkeypatch.setattr(database, "CHECKPOINT_BYTES", 0)
    with full_disk(memory.stat().st_size):
        write(store, [row(20_001)])
    with pytest.raises(StoreUnavailable, match="read again"):
        next(reading)
    assert count_rows(store) == 20_001
    store.close()


# ------------------------------------------------------------------------------------------------ what cannot be kept


@pytest.mark.parametrize("number", [1, 100])
@pytest.mark.parametrize("wrong", [row(0, 12), Row("\ud800", None, (), b""), Row("id", None, ("\udfff",), b"")])
def test_what_cannot_be_kept_keeps_nothing_of_the_write(memory: Path, number: int, wrong: Row) -> None:
    store = DuckDbStore(memory)
    with pytest.raises(StoreError, match=r"this cannot be kept; nothing was changed \("):
        write(store, [*(row(each) for each in range(2, number + 2)), wrong], ["id-1"])
    assert (count_rows(store), len(store.receipts())) == (1, 1)
    write(store, [row(2)], ["id-1"])
    assert list(store.get(["id-1", "id-2"])) == ["id-2"]
    store.close()


def test_removing_what_is_not_there_keeps_nothing_of_the_write(memory: Path) -> None:
    store = DuckDbStore(memory)
    with pytest.raises(MemoryDamaged, match="2 rows were to go and 1 were there; nothing was changed"):
        write(store, [row(2)], ["id-1", "id-3"])
    assert list(store.get(["id-1", "id-2", "id-3"])) == ["id-1"]
    assert len(store.receipts()) == 1
    store.close()


def test_an_interrupted_write_is_rolled_back(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt("in the middle")

    store = DuckDbStore(memory)
    monkeypatch.setattr(receipt_rows, "insert", interrupt)
    with pytest.raises(KeyboardInterrupt, match="in the middle"):
        write(store, [row(2)])
    monkeypatch.undo()
    write(store, [row(3)])
    assert list(store.get(["id-2", "id-3"])) == ["id-3"]
    store.close()


def test_a_hundred_thousand_ids_go_at_once(store: DuckDbStore) -> None:
    write(store, [row(each) for each in range(100_001)])
    write(store, [], [f"id-{each}" for each in range(100_000)])
    assert [each.id for batch in store.rows() for each in batch] == ["id-100000"]


@pytest.mark.parametrize("wrong", ["no hex", "ab"])
@pytest.mark.parametrize("field", ["buried", "raised"])
def test_a_keyed_hash_that_is_none_keeps_nothing_of_the_write(memory: Path, field: str, wrong: str) -> None:
    store = DuckDbStore(memory)
    with pytest.raises(StoreError, match=r"a keyed hash is .*nothing was changed"):
        store.write(Write(receipt(2), [row(2)], **{field: [wrong]}))
    assert (count_rows(store), len(store.receipts())) == (1, 1)
    store.close()


@pytest.mark.parametrize("number", [0, 1])
def test_a_number_that_was_acknowledged_before_is_refused(memory: Path, number: int) -> None:
    store = DuckDbStore(memory)
    with pytest.raises(StoreError, match=f"write {number} cannot come after write 1; nothing was changed"):
        store.write(Write(receipt(number), [row(2)]))
    with pytest.raises(StoreError, match=f"write {number} cannot come after write 1; nothing was changed"):
        store.purge(receipt(number, "purge"))
    assert (count_rows(store), len(store.receipts())) == (1, 1)
    store.close()


def test_settings_are_written_once_and_keep_off_the_files_own(memory: Path) -> None:
    store = DuckDbStore(memory)
    with pytest.raises(StoreError, match="its settings were written before"):
        store.create({"encoder": "other"})
    with pytest.raises(StoreError, match="the file's own"):
        store.create({"magic": "other"})
    assert store.settings() == {"encoder": "vectors"}
    store.close()


# ------------------------------------------------------------------------------------------------ closing and threads


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.settings(),
        lambda store: store.create({}),
        lambda store: store.rows(),
        lambda store: store.get(["id-1"]),
        lambda store: store.ids_of_subject("anna"),
        lambda store: store.write(Write(receipt(1))),
        lambda store: store.receipts(),
        lambda store: store.last_receipt(),
        lambda store: store.receipts_of_requests(["request"]),
        lambda store: store.tombstones([]),
        lambda store: store.purge(receipt(2, "purge")),
        lambda store: store.snapshot(),
        lambda store: store.keep_snapshot(b"picture"),
    ],
    ids=[
        "settings",
        "create",
        "rows",
        "get",
        "ids_of_subject",
        "write",
        "receipts",
        "last_receipt",
        "receipts_of_requests",
        "tombstones",
        "purge",
        "snapshot",
        "keep_snapshot",
    ],
)
def test_a_closed_store_says_so(memory: Path, use: Callable[[DuckDbStore], object]) -> None:
    store = DuckDbStore(memory)
    store.close()
    with pytest.raises(MemoryClosed, match=r"memory\.duckdb: the memory was closed; open it again"):
        use(store)


def test_closing_ends_a_reading_and_lets_the_file_go(path: Path, run: Run) -> None:
    store = DuckDbStore(path)
    write(store, [row(each) for each in range(20_000)])
    reading = store.rows()
    next(reading)
    store.close()
    with pytest.raises(MemoryClosed, match="open it again"):
        next(reading)
    assert run(BY_DUCKDB, path).returncode == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_threads_write_and_read_together(store: DuckDbStore) -> None:
    failures: list[BaseException] = []
    in_turn = threading.Lock()

    def work(thread: int) -> None:
        try:
            for each in range(10):
                mine = row(100 * thread + each)
                with in_turn:  # a memory numbers its receipts one after another
                    write(store, [mine])
                assert store.get([mine.id]) == {mine.id: mine}
                assert count_rows(store) > each
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (count_rows(store), len(store.receipts())) == (40, 40)


def test_closing_while_others_read_fails_nobody_but_with_closed(path: Path) -> None:
    store = DuckDbStore(path)
    write(store, [row(each) for each in range(30_000)])
    ended: list[type[BaseException]] = []
    begun = threading.Barrier(4)

    def read() -> None:
        begun.wait()
        try:
            while True:
                count_rows(store)
                store.get(["id-1"])
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            ended.append(type(error))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    begun.wait()
    store.close()
    for thread in threads:
        thread.join()
    assert ended == [MemoryClosed] * 3


# ---------------------------------------------------------------------------------------------------------- hardening


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/protomem-must-not-be-there.csv'",
        "ATTACH '/tmp/protomem-must-not-be-there.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET temp_directory = '/tmp'",
    ],
)
def test_the_database_reaches_nothing_outside_its_file(path: Path, statement: str) -> None:
    DuckDbStore(path).close()
    with (
        duckdb.connect(path, config=database.SETTINGS) as connection,
        pytest.raises(duckdb.Error, match=r"disabled|locked"),
    ):
        connection.execute(statement)
