"""What was acknowledged and is no longer there is noticed at opening, and nothing else is called damage."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store.samples import ids, receipt, row, write

from protomem.errors import MemoryDamaged
from protomem.store import Write
from protomem_store import DuckDbStore, database, mark

Run = Callable[..., "subprocess.CompletedProcess[str]"]
BOTH_SLOTS = (0, 4096)


def copied(path: Path, to: Path) -> Path:
    """What a crash now would leave at `path`, in another folder."""
    to.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        shutil.copy(file, to)
    return to / path.name


@pytest.fixture
def crashed(path: Path, tmp_path: Path) -> Iterator[Path]:
    """A memory that was killed after its third write, in a folder of its own: file, log and mark."""
    store = DuckDbStore(path)
    store.create({"encoder": "vectors"})
    for number in (1, 2, 3):
        store.write(Write(receipt(number), [row(number)]))
    yield copied(path, tmp_path / "crashed")
    store.close()


def log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def mark_of(path: Path) -> Path:
    return path.with_name(path.name + ".mark")


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def opened(path: Path) -> list[str]:
    """The ids in the memory at `path`, opened and closed again."""
    store = DuckDbStore(path, must_exist=True)
    found = ids(store)
    store.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return found


def test_after_a_crash_all_is_there_and_closing_leaves_one_file(crashed: Path) -> None:
    assert {file.name for file in crashed.parent.iterdir()} == {
        "memory.duckdb",
        "memory.duckdb.wal",
        "memory.duckdb.mark",
    }
    assert opened(crashed) == ["id-1", "id-2", "id-3"]


def test_the_slots_hold_the_last_two_receipts(crashed: Path) -> None:
    content = mark_of(crashed).read_bytes()
    for number in (2, 3):
        at = BOTH_SLOTS[number % 2]
        fields = struct.pack("<8sQ", b"protomem", number) + bytes.fromhex(receipt(number).chain_hash())
        assert content[at : at + 80] == fields + hashlib.sha256(fields).digest()


def test_a_group_is_marked_by_its_last_receipt_and_leaves_the_mark_before_it(crashed: Path, tmp_path: Path) -> None:
    """Else a power cut in the middle of a mark could leave one that is older than what was acknowledged before."""
    store = DuckDbStore(crashed)
    store.write(Write(receipt(4), [row(4)]), Write(receipt(5), [row(5)]))
    for last in (7, 9, 11):
        before = mark_of(copied(crashed, tmp_path / f"before {last}")).read_bytes()
        store.write(*[Write(receipt(number), [row(number)]) for number in (last - 1, last)])
        after = mark_of(copied(crashed, tmp_path / f"after {last}")).read_bytes()
        slots = [(before[at : at + 80], after[at : at + 80]) for at in BOTH_SLOTS]
        (kept,), (new,) = [old for old, now in slots if old == now], [now for old, now in slots if old != now]
        assert receipt(last).chain_hash() in new.hex()
        assert kept.hex()[16:32] == struct.pack("<Q", last - 2).hex()
    store.close()


def test_a_lost_log_is_damage(crashed: Path) -> None:
    log_of(crashed).unlink()
    with pytest.raises(MemoryDamaged, match=r"write 3 was acknowledged, and the last one there is 0: the log .*\.wal"):
        DuckDbStore(crashed)


def test_a_log_cut_short_anywhere_loses_nothing_silently(crashed: Path) -> None:
    whole = log_of(crashed).read_bytes()
    for kept in range(1, len(whole), 37):
        log_of(crashed).write_bytes(whole[:kept])
        before = {file: file.read_bytes() for file in crashed.parent.iterdir()}
        with pytest.raises(MemoryDamaged, match=r"was acknowledged|the file is damaged"):
            DuckDbStore(crashed)
        assert {file: file.read_bytes() for file in crashed.parent.iterdir()} == before
    log_of(crashed).write_bytes(whole)
    assert opened(crashed) == ["id-1", "id-2", "id-3"]


def test_a_bit_flipped_in_the_log_loses_nothing_silently(crashed: Path) -> None:
    whole = log_of(crashed).read_bytes()
    kept = {file: file.read_bytes() for file in crashed.parent.iterdir()}
    for at in range(0, len(whole), 29):
        flip(log_of(crashed), at)
        try:
            assert opened(crashed) == ["id-1", "id-2", "id-3"]
        except MemoryDamaged:
            assert log_of(crashed).exists()
        for file, content in kept.items():
            file.write_bytes(content)


def test_an_older_copy_is_damage(crashed: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.duckdb"
    store = DuckDbStore(older)
    store.write(Write(receipt(1), [row(1)]))
    store.close()
    shutil.copy(older, crashed)
    log_of(crashed).unlink()
    with pytest.raises(MemoryDamaged, match=r"write 3 was acknowledged, and the last one there is 1: .* an older copy"):
        DuckDbStore(crashed)


@pytest.mark.parametrize("later", [0, 1])
def test_another_memory_of_the_same_length_or_longer_is_damage(crashed: Path, tmp_path: Path, later: int) -> None:
    other = tmp_path / "other.duckdb"
    store = DuckDbStore(other)
    for number in range(1, 4 + later):
        store.write(Write(receipt(number, request=""), [row(number)]))
    store.close()
    shutil.copy(other, crashed)
    log_of(crashed).unlink()
    with pytest.raises(MemoryDamaged, match="write 3 is another than the one that was acknowledged"):
        DuckDbStore(crashed)


def test_a_log_without_its_mark_is_doubted(crashed: Path) -> None:
    mark_of(crashed).unlink()
    with pytest.raises(MemoryDamaged, match=r"its mark memory\.duckdb\.mark is missing or damaged"):
        DuckDbStore(crashed)


@pytest.mark.parametrize("what", ["log lost", "mark lost"])
def test_the_way_on_that_the_message_names_works(crashed: Path, run: Run, what: str) -> None:
    (log_of if what == "log lost" else mark_of)(crashed).unlink()
    with pytest.raises(MemoryDamaged, match=r"open the file once with DuckDB itself and close it, then delete"):
        DuckDbStore(crashed)
    assert run("import duckdb, sys; duckdb.connect(sys.argv[1]).close()", crashed).returncode == 0
    mark_of(crashed).unlink(missing_ok=True)
    assert opened(crashed) == ([] if what == "log lost" else ["id-1", "id-2", "id-3"])


@pytest.mark.parametrize("slot", BOTH_SLOTS)
@pytest.mark.parametrize("at", [0, 10, 30, 79])
def test_one_slot_that_is_torn_leaves_the_other(crashed: Path, slot: int, at: int) -> None:
    flip(mark_of(crashed), slot + at)
    assert opened(crashed) == ["id-1", "id-2", "id-3"]


@pytest.mark.parametrize("how", ["flipped", "emptied"])
@pytest.mark.parametrize("has_log", [True, False])
def test_two_slots_that_are_torn_are_damage_if_there_is_a_log_to_doubt(crashed: Path, how: str, has_log: bool) -> None:
    if not has_log:
        store = DuckDbStore(crashed)
        kept = mark_of(crashed).read_bytes()
        store.close()
        mark_of(crashed).write_bytes(kept)
    if how == "emptied":
        mark_of(crashed).write_bytes(b"")
    else:
        for slot in BOTH_SLOTS:
            flip(mark_of(crashed), slot + 20)
    if has_log:
        with pytest.raises(MemoryDamaged, match="missing or damaged"):
            DuckDbStore(crashed)
    else:
        assert opened(crashed) == ["id-1", "id-2", "id-3"]


def test_a_mark_that_is_behind_catches_up(crashed: Path, path: Path, tmp_path: Path) -> None:
    kept = mark_of(crashed).read_bytes()
    store = DuckDbStore(crashed)
    store.write(Write(receipt(4), [row(4)]))
    store.write(Write(receipt(5), [row(5)]))
    mark_of(crashed).write_bytes(kept)  # as if killed between the commits and their marks
    behind = copied(crashed, tmp_path / "behind")
    store.close()
    store = DuckDbStore(behind)
    again = copied(behind, tmp_path / "again")
    store.close()
    assert receipt(5).chain_hash() in mark_of(again).read_bytes().hex()


def test_the_mark_of_a_file_that_is_gone_is_not_taken_for_a_new_memory(crashed: Path) -> None:
    for file in (crashed, log_of(crashed)):
        file.unlink()
    with pytest.raises(MemoryDamaged, match=r"memory\.duckdb\.mark\) and the file itself is not; put the file back"):
        DuckDbStore(crashed)
    mark_of(crashed).unlink()
    DuckDbStore(crashed).close()


def test_settings_are_in_the_file_itself_as_soon_as_they_are_written(path: Path, tmp_path: Path) -> None:
    store = DuckDbStore(path)
    store.create({"encoder": "vectors"})
    assert not log_of(path).exists()
    store.close()


@pytest.mark.parametrize("folds", [True, False])
def test_a_mark_that_the_disk_refuses_loses_nothing(memory: Path, monkeypatch: pytest.MonkeyPatch, folds: bool) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    store = DuckDbStore(memory)
    monkeypatch.setattr(mark, "_sync_data", refuse)
    if folds:
        store.write(Write(receipt(2), [row(2)]))
        assert not log_of(memory).exists()
    else:
        monkeypatch.setattr(database.Database, "_checkpoint_or_let_go", lambda self: False)
        with pytest.warns(UserWarning, match="the write is kept, but not guarded against a damaged log"):
            store.write(Write(receipt(2), [row(2)]))
    monkeypatch.undo()
    write(store, [row(3)])
    store.close()
    assert opened(memory) == ["id-1", "id-2", "id-3"]
