"""The port `protomem.store.Store` on one DuckDB file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import final

import duckdb

from protomem.errors import MemoryDamaged, StoreError
from protomem.receipts import Receipt
from protomem.store import Row, Write
from protomem_store import rows as table
from protomem_store.database import Database
from protomem_store.schema import RESERVED

__all__ = ["DuckDbStore"]

BATCH_ROWS = 10_000
"""Rows of one batch when all are read: some megabytes; batches of 1,000 or 100,000 were not faster."""


@final
class DuckDbStore:
    """The rows and receipts of one memory in the DuckDB file at `path`, created if it is not there.

    Equals `RamStore` in every answer. A `write` that returned is on the disk: it survives `kill -9`. Every method may
    be called from several threads; writes queue up, and a reading sees what was committed when it began.

    `must_exist` refuses a path without a memory. Raises `NotAMemory` for any other file, which stays as it is,
    `MemoryLocked` where this or another process has it open, `MemoryDamaged`, and `StoreUnavailable` where the disk or
    the folder refuses. Every method raises `MemoryClosed` after `close`.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self._database = Database(path.resolve(), must_exist=must_exist)
        self._sequence: int | None = None  # of the last receipt; read and written inside a transaction only

    @property
    def path(self) -> Path:
        """The file, without symbolic links."""
        return self._database.path

    def settings(self) -> Mapping[str, str]:
        """The settings the store was created with; empty for a new store."""
        with self._database.reader() as reader:
            found = dict(reader.fetch("SELECT key, value FROM meta"))
        return {key: value for key, value in found.items() if key not in RESERVED}

    def create(self, settings: Mapping[str, str]) -> None:
        """Write the settings of a new memory. Raises `StoreError` where it has settings already."""
        if taken := RESERVED & settings.keys():
            raise StoreError(f"{self.path}: the settings {sorted(taken)} are the file's own; name them otherwise")
        with self._database.transaction() as writer:
            if writer.execute("SELECT count(*) FROM meta").fetchone() != (len(RESERVED),):
                raise StoreError(f"{self.path}: its settings were written before; open it and read them")
            writer.execute(
                "INSERT INTO meta SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
                [list(settings), list(settings.values())],
            )

    def rows(self) -> Iterator[Sequence[Row]]:
        """Every row as it was when the first batch was asked for, about 10,000 a batch, in no particular order.

        An iterator that is dropped halfway holds nothing.
        """
        self._database.require_open()
        return self._batches()

    def _batches(self) -> Iterator[Sequence[Row]]:
        with self._database.reader() as reader:
            for batch in reader.batches("SELECT id, subject, labels, codes, item FROM examples", BATCH_ROWS):
                yield table.of_batch(batch)

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that are remembered. Reads the id of every row, whatever the number asked for."""
        with self._database.reader() as reader:
            found = reader.fetch(
                "SELECT id, subject, labels, codes, item FROM examples WHERE id IN (SELECT unnest(?::VARCHAR[]))",
                [list(ids)],
            )
        return {row.id: row for row in map(table.of_tuple, found)}

    def ids_of_subject(self, subject: str) -> list[str]:
        """Ids of every row of this subject, sorted."""
        with self._database.reader() as reader:
            return sorted(id for (id,) in reader.fetch("SELECT id FROM examples WHERE subject = ?", [subject]))

    def write(self, write: Write) -> None:
        """Keep one transaction: removals, then rows, then the receipt.

        Raises `MemoryDamaged` where other than one row for each id to remove would go, and another `StoreError` for
        what cannot be kept or a disk that refuses; then nothing of it is kept and the store goes on.
        """
        with self._database.transaction() as writer:
            if write.removed:
                found = writer.execute(
                    "DELETE FROM examples WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(write.removed)]
                ).fetchall()
                if found != [(len(write.removed),)]:
                    raise MemoryDamaged(
                        f"{self.path}: {len(write.removed)} rows were to go and {found[0][0]} were there; nothing was "
                        "changed: close the memory, open it again and verify it"
                    )
            table.insert(writer, write.added)
            receipt = write.receipt
            writer.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    self._next_sequence(writer),
                    receipt.id,
                    receipt.kind,
                    receipt.count,
                    receipt.before,
                    receipt.after,
                    receipt.at,
                ],
            )

    def _next_sequence(self, writer: duckdb.DuckDBPyConnection) -> int:
        """One more than any before. A write that fails leaves a gap, which means nothing: the order is what counts."""
        if self._sequence is None:
            (last,) = writer.execute("SELECT coalesce(max(sequence), 0) FROM receipts").fetchall()[0]
            self._sequence = int(last)
        self._sequence += 1
        return self._sequence

    def receipts(self) -> list[Receipt]:
        """Every receipt, oldest first, without ids."""
        with self._database.reader() as reader:
            found = reader.fetch('SELECT id, kind, count, before, after, "at" FROM receipts ORDER BY sequence')
        return [Receipt(*values) for values in found]

    def close(self) -> None:
        """Release the file for others. Twice is once; what was written is kept even if the disk refuses here."""
        self._database.close()
