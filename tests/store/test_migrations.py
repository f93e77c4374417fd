"""A memory that an older release wrote opens as one of this format, with all that it remembered."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.store.samples import receipt, row

from protomem.errors import MemoryDamaged
from protomem.receipts import Receipt
from protomem.store import Row, Write
from protomem_store import DuckDbStore, database, migrations, schema

GOLDEN = Path(__file__).parents[1] / "golden" / "store" / "version_1.duckdb.gz"

# As `make_version_1.py` taught them; codes of unit vectors of width 4 on the grid of 51 = 127·2/5, rounded.
ROWS = [
    Row("id-1", "anna", ("card",), bytes([51, 0, 0, 0])),
    Row("id-2", None, ("card", "loan"), bytes([0, 51, 0, 0])),
    Row("id-4", "anna", ("account",), bytes([0, 0, 0, 51])),
    Row("id-5", None, ("card",), bytes([36, 36, 0, 0])),
]


@pytest.fixture
def old(path: Path) -> Path:
    """A copy of the golden file."""
    path.write_bytes(gzip.decompress(GOLDEN.read_bytes()))
    return path


def rows(store: DuckDbStore, after: int = 0) -> list[Row]:
    return sorted((row for batch in store.rows(after) for row in batch), key=lambda row: row.id)


def kept_before(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(path) as connection:
        return connection.execute('SELECT id, kind, count, before, after, "at" FROM receipts ORDER BY 1').fetchall()


def test_version_1_opens_with_its_rows_and_receipts(old: Path) -> None:
    before = kept_before(old)
    store = DuckDbStore(old, must_exist=True)
    assert rows(store) == ROWS
    assert rows(store, after=2) == ROWS  # which receipt each came with was not kept: the last one
    assert rows(store, after=3) == []
    found = store.receipts()
    assert [(each.sequence, each.kind, each.count) for each in found] == [
        (1, "learn", 4),
        (2, "forget", 1),
        (3, "learn", 1),
    ]
    assert sorted((each.id, each.kind, each.count, each.before, each.after, each.at) for each in found) == before
    assert {(each.previous, each.id_hashes, each.request, each.signature) for each in found} == {("", (), "", "")}
    assert store.tombstones(["00" * 16]) == set()
    store.close()


def test_keys_are_drawn_once_and_the_other_settings_stay(old: Path, tmp_path: Path) -> None:
    shutil.copy(old, tmp_path / "twin.duckdb")
    found = []
    for path in (old, old, tmp_path / "twin.duckdb"):
        store = DuckDbStore(path)
        found.append(dict(store.settings()))
        store.close()
    first, again, twin = found
    assert first == again
    keys = {"signing_key", "hashing_key"}
    assert len({settings[key] for settings in (first, twin) for key in keys}) == 4
    assert all(len(bytes.fromhex(first[key])) == 32 for key in keys)
    assert {key: first[key] for key in first.keys() - keys} == {
        "encoder": "vectors:4",
        "encoder_fingerprint": "6ac5bf17d6790706a61e031548e9ee81072f9600d7691b5611669376d87118bb",
        "retain": "codes",
        "dimension": "4",
        "width": "16",
        "books": "64",
        "keys": "64",
        "modes": "16",
        "seed": "0",
    }


def test_a_migrated_memory_goes_on(old: Path) -> None:
    store = DuckDbStore(old)
    store.write(Write(receipt(4), [row(9)], ["id-1"]))
    store.purge(receipt(5, "purge"))
    store.close()
    store = DuckDbStore(old)
    assert rows(store) == [*ROWS[1:], row(9)]
    assert rows(store, after=3) == [row(9)]
    assert [each.sequence for each in store.receipts()] == [1, 2, 3, 4, 5]
    store.close()


def test_the_chain_of_old_receipts_is_that_of_the_receipts_as_they_are_now(old: Path) -> None:
    DuckDbStore(old).close()
    with duckdb.connect(old) as connection:
        found = connection.execute(
            'SELECT id, kind, sequence, count, before, after, "at", chain FROM receipts'
        ).fetchall()
    assert [chain for *_, chain in found] == [Receipt(*fields).chain_hash() for *fields, _ in found]


def test_the_log_of_an_old_memory_that_was_killed_is_taken_in(old: Path) -> None:
    code = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO examples VALUES ('id-6', NULL, ['loan'], 'aaaa'::BLOB, NULL)")
connection.execute('''INSERT INTO receipts VALUES (9, 'last', 'learn', 1, 'b', 'a', 'now')''')
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(old)], check=True)
    assert old.with_name(old.name + ".wal").exists()
    store = DuckDbStore(old)
    assert rows(store) == [*ROWS, Row("id-6", None, ("loan",), b"aaaa")]
    assert [(each.sequence, each.id) for each in store.receipts()][-1] == (4, "last")
    store.close()


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise duckdb.IOException("Could not write")

    monkeypatch.setattr(migrations, "_draw_keys", fail)
    with pytest.raises(database.StoreUnavailable, match="the disk refused"):
        DuckDbStore(old)
    monkeypatch.undo()
    store = DuckDbStore(old)
    assert rows(store) == ROWS
    store.close()


def test_an_old_copy_under_a_newer_mark_is_damage(old: Path, tmp_path: Path) -> None:
    store = DuckDbStore(old)
    shutil.copy(old.with_name(old.name + ".mark"), tmp_path / "mark")
    store.close()
    old.write_bytes(gzip.decompress(GOLDEN.read_bytes()))
    os.replace(tmp_path / "mark", old.with_name(old.name + ".mark"))  # noqa: PTH105
    with pytest.raises(MemoryDamaged, match="write 3 was acknowledged"):
        DuckDbStore(old)


def test_an_old_file_whose_creation_was_cut_off_gets_no_keys(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE meta (key VARCHAR, value VARCHAR)")
        connection.execute("INSERT INTO meta VALUES ('magic', 'protomem'), ('format_version', '1')")
        connection.execute(
            "CREATE TABLE examples (id VARCHAR, subject VARCHAR, labels VARCHAR[], codes BLOB, item VARCHAR)"
        )
        connection.execute(
            "CREATE TABLE receipts (sequence BIGINT, id VARCHAR, kind VARCHAR, count BIGINT, before VARCHAR, "
            'after VARCHAR, "at" VARCHAR)'
        )
    store = DuckDbStore(path)
    assert store.settings() == {}
    store.create({"encoder": "vectors"})
    store.close()


def test_every_older_version_has_a_way_to_this_one() -> None:
    assert migrations.MIGRATIONS.keys() == schema.OLDER_VERSIONS
    assert {str(number) for number in range(1, int(schema.FORMAT_VERSION))} == schema.OLDER_VERSIONS
