"""A new file with what the old one remembers: the one way to be rid of deleted bytes, which DuckDB leaves in place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from protomem.errors import MemoryDamaged
from protomem.progress import Progress
from protomem.receipts import Receipt
from protomem_store import receipt_rows
from protomem_store.files import sync_file
from protomem_store.hardening import SETTINGS
from protomem_store.schema import TABLES, create_table

__all__ = ["write_copy"]

BATCH_ROWS = 20_000


def write_copy(
    source: duckdb.DuckDBPyConnection, old: Path, new: Path, receipt: Receipt, progress: Progress | None
) -> None:
    """Write the memory that `source` reads at `old` into the file `new`, with the receipt of this; durable at return.

    Through a connection of its own and by Arrow batches, so that neither database can reach another file.
    """
    with duckdb.connect(new, config=SETTINGS) as target:
        shutil.copymode(old, new)  # before the first row is in it
        target.begin()
        for table in TABLES:
            create_table(target, table)
            _copy(source, target, table, progress if table == "examples" else None)
        receipt_rows.insert(target, [receipt], [receipt.chain_hash()])
        target.commit()
        target.checkpoint()
        _require_equal(source, target, old)
    sync_file(new)


def _copy(
    source: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection, table: str, progress: Progress | None
) -> None:
    total, done = _count(source, table), 0
    stream: Any = source.sql(f"SELECT * FROM {table}").to_arrow_reader(BATCH_ROWS)  # noqa: S608 - our own name
    try:
        for batch in stream:
            target.from_arrow(batch).insert_into(table)
            done += len(batch)
            if progress is not None:
                progress(done, total)
    finally:
        stream.close()


def _require_equal(source: duckdb.DuckDBPyConnection, target: duckdb.DuckDBPyConnection, path: Path) -> None:
    """No row may be lost, whatever went wrong unnoticed: the old file is about to go."""
    for table in TABLES:
        here, there = _count(source, table), _count(target, table) - (table == "receipts")
        if here != there:
            raise MemoryDamaged(f"{path}: {there} of {here} rows of {table} could be copied; the file stays as it is")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - our own name
    return int(found[0][0])
