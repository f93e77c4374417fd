"""What cannot be opened is refused with a reason, and left as it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import protomem

if TYPE_CHECKING:
    from tests.conftest import LetterEncoder

KNOWN = [[1.0, 0.0, 0.2], [0.0, 1.0, -0.4], [0.3, 0.3, 0.3]]
LABELS: list[Any] = ["a", ["b", "c"], "a"]
IDS = ["one", "two", "three"]
SUBJECTS = ["ann", "5", None]

ONE = [[1.0, 2.0, 3.0]]


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, str]:
    """The file of a closed memory, and its digest."""
    path = tmp_path / "kept.duckdb"
    with protomem.open(path, encoder=protomem.Vectors(3), width=16) as memory:
        memory.learn(KNOWN, LABELS, ids=IDS, subjects=SUBJECTS)
        return path, memory.digest()


def check_kept(path: Path, digest: str) -> None:
    with protomem.open(path, create=False) as memory:
        assert memory.digest() == digest
        assert memory.verify().ok


@pytest.mark.parametrize(
    ("opened", "message"),
    [
        ({"encoder": protomem.Vectors(4)}, "made with the encoder 'vectors:3', not 'vectors:4' .* leave encoder= out"),
        ({"encoder": "vectors:2"}, "made with the encoder 'vectors:3', not 'vectors:2'"),
        ({"retain": "items"}, "this memory retains 'codes', not 'items': leave retain= out to keep it"),
        ({"width": 32}, "this memory has a lift of width 16, not 32: leave width= out"),
    ],
)
def test_another_encoder_or_configuration(kept: tuple[Path, str], opened: dict[str, Any], message: str) -> None:
    with pytest.raises(protomem.EncoderMismatch, match=message):
        protomem.open(kept[0], **opened)
    check_kept(*kept)


def test_an_encoder_of_the_same_name_with_other_weights(tmp_path: Path, letters: type[LetterEncoder]) -> None:
    path = tmp_path / "texts.duckdb"
    with protomem.open(path, encoder=letters(), width=16) as memory:
        memory.learn(["a text"], ["a"])
    other = letters()
    other.fingerprint = "0" * 64
    with pytest.raises(protomem.EncoderMismatch, match=r"fingerprints .* and 000000000000"):
        protomem.open(path, encoder=other)


@pytest.mark.parametrize(
    "content", [b"text,label\nwhere is my card,card\n", b"SQLite format 3\0" + bytes(5_000), b"\0" * 20_000]
)
def test_a_file_that_is_no_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.duckdb"
    path.write_bytes(content)
    with pytest.raises(protomem.NotAMemory, match=r"data\.duckdb is not a memory but some other file; give"):
        protomem.open(path, encoder=protomem.Vectors(3))
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["data.duckdb"]


def test_a_duckdb_database_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as shop:
        shop.execute("CREATE TABLE orders AS SELECT 7 AS number")
    with pytest.raises(protomem.NotAMemory, match=r"shop\.duckdb is a DuckDB database of something else; give"):
        protomem.open(path, encoder=protomem.Vectors(3))
    with duckdb.connect(path) as shop:
        assert shop.execute("SELECT * FROM orders").fetchall() == [(7,)]


def test_a_path_that_must_exist_and_does_not(tmp_path: Path) -> None:
    with pytest.raises(protomem.NotAMemory, match=r"there is no memory at .*new\.duckdb: check the path, or create it"):
        protomem.open(tmp_path / "new.duckdb", create=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("opened", "message"),
    [
        ({}, 'a new memory needs an encoder, such as encoder="layers:all-MiniLM-L6-v2"'),
        ({"encoder": "vectors:many"}, "write the dimension as a whole number"),
        ({"encoder": "vectors:3", "width": 0}, "width is 0: it must lie between 1 and 16384"),
        ({"encoder": "vectors:3", "width": 16.5}, "width is 16.5"),
        ({"encoder": "vectors:3", "width": "wide"}, "width is 'wide'"),
        ({"encoder": "vectors:3", "retain": "all"}, "retain is 'all': it must be one of codes, items"),
        ({"encoder": "vectors:3", "retain": "items"}, 'retain="items" keeps texts'),
    ],
)
def test_a_new_memory_that_cannot_be_made_leaves_no_file(tmp_path: Path, opened: dict[str, Any], message: str) -> None:
    with pytest.raises(protomem.InvalidInput, match=message):
        protomem.open(tmp_path / "new.duckdb", **opened)
    assert not list(tmp_path.iterdir())


def test_a_file_locked_by_another_process(kept: tuple[Path, str]) -> None:
    path, digest = kept
    holds = "import sys, protomem; memory = protomem.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(protomem.MemoryLocked, match=r"kept\.duckdb: another process holds it"):
            protomem.open(path)
        other.communicate("")
    check_kept(path, digest)


def test_a_file_open_already_in_this_process(kept: tuple[Path, str]) -> None:
    path, digest = kept
    with protomem.open(path) as memory:
        with pytest.raises(protomem.MemoryLocked, match="this process has it open already; use that memory, or close"):
            protomem.open(path)
        memory.learn(ONE, ["a"], ids=["x"])
        memory.forget(ids=["x"])
    check_kept(path, digest)


@pytest.fixture
def tampered(kept: tuple[Path, str]) -> Callable[[str], Path]:
    """`tampered(sql)`: the path of a memory on whose closed file this SQL was run."""

    def tampered(sql: str) -> Path:
        path, _ = kept
        with protomem.open(path) as memory:
            memory.learn(ONE, ["a"], ids=["x"])
        with duckdb.connect(path) as file:
            file.execute(sql)
        return path

    return tampered


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE examples SET labels = ['z'] WHERE id = 'one'",
        "UPDATE examples SET codes = '\\x01\\x02\\x03'::BLOB WHERE id = 'one'",
        "DELETE FROM examples WHERE id = 'one'",
        "INSERT INTO examples SELECT 'y', subject, labels, codes, item, sequence FROM examples WHERE id = 'one'",
    ],
)
def test_examples_changed_behind_the_memorys_back_are_not_opened(tampered: Callable[[str], Path], sql: str) -> None:
    """The last receipt commits to the examples that it left behind."""
    path = tampered(sql)
    before = path.read_bytes()
    with pytest.raises(protomem.MemoryDamaged, match=r"not those of the last receipt, number 2: .* copy"):
        protomem.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE receipts SET before = repeat('0', 64) WHERE sequence = 2",
        "UPDATE receipts SET \"at\" = '2020-01-01T00:00:00+00:00' WHERE sequence = 1",
        "UPDATE receipts SET count = 7 WHERE sequence = 1",
        "DELETE FROM receipts WHERE sequence = 1",
    ],
)
def test_receipts_changed_behind_the_memorys_back_do_not_verify(tampered: Callable[[str], Path], sql: str) -> None:
    with protomem.open(tampered(sql)) as memory:
        found = memory.verify()
        assert not found.ok
        assert [check.name for check in found.checks if not check.ok] == ["V5 chain"]
