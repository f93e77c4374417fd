"""The port `protomem.store.Store` on one DuckDB file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, final

import duckdb

from protomem.errors import MemoryDamaged, StoreError
from protomem.listing import Example, Page
from protomem.progress import Progress
from protomem.receipts import Kind, Receipt
from protomem.store import ALL, Row, Write
from protomem_store import purge, receipt_rows
from protomem_store import rows as table
from protomem_store.database import Database
from protomem_store.files import PART, UNFINISHED, keep_whole, read_if_there, sync_folder
from protomem_store.merging import merged
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

    keeps_snapshots: ClassVar[bool] = True

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self._database = Database(path.resolve(), must_exist=must_exist)

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
        self._database.fold_in()  # no receipt says so that the mark could guard

    def rows(self, after: int = 0) -> Iterator[Sequence[Row]]:
        """Every row that came with a receipt after this one, as it was when the first batch was asked for.

        About 10,000 a batch, in no particular order. An iterator that is dropped halfway holds nothing.
        """
        self._database.require_open()
        return self._batches(f"{table.SELECT} WHERE sequence > {int(after)}")

    def _batches(self, query: str) -> Iterator[Sequence[Row]]:
        with self._database.reader() as reader:
            for batch in reader.batches(query, BATCH_ROWS):
                yield table.of_batch(batch)

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that are remembered. Reads the id of every row, whatever the number asked for."""
        with self._database.reader() as reader:
            found = reader.fetch(f"{table.SELECT} WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])
        return {row.id: row for row in map(table.of_tuple, found)}

    def examples(self, page: Page = ALL) -> list[Example]:
        """The rows of a page without their codes, by id. What is not asked for is not read, but for the ids."""
        sought = {"list_contains(labels, ?)": page.label, "subject = ?": page.subject, "id > ?": page.after}
        given = {clause: value for clause, value in sought.items() if value is not None}
        query = f"{table.SELECT_LISTED}{_where(given)} ORDER BY id{_limit(page.limit)}"
        with self._database.reader() as reader:
            return list(map(table.listed, reader.fetch(query, list(given.values()))))

    def ids_of_subject(self, subject: str) -> list[str]:
        """Ids of every row of this subject, sorted."""
        with self._database.reader() as reader:
            return sorted(id for (id,) in reader.fetch("SELECT id FROM examples WHERE subject = ?", [subject]))

    def arrivals(self) -> dict[str, int]:
        """The number of the receipt that each remembered row came with, by id."""
        with self._database.reader() as reader:
            return dict(reader.fetch("SELECT id, sequence FROM examples"))

    def write(self, *writes: Write) -> None:
        """Keep one transaction: removals, rows, tombstones raised and buried, then the receipts.

        Of several changes only what they come to is written: a row that comes and goes again never is. Raises
        `MemoryDamaged` where other than one row for each id to remove would go, and another `StoreError` for what
        cannot be kept or a disk that refuses; then nothing of it is kept and the store goes on. Removing drops the
        snapshot first.
        """
        entries = [receipt_rows.entry(write.receipt) for write in writes]
        whole = merged(writes)
        with self._database.transaction(entries) as writer:
            self._remove(writer, whole.removed)
            table.insert(writer, whole.added)
            receipt_rows.unbury(writer, whole.raised)
            receipt_rows.bury(writer, whole.buried)
            receipt_rows.insert(writer, [write.receipt for write in writes], [entry.chain for entry in entries])
            if any(write.removed for write in writes):
                self._database.files.drop_snapshot()

    def _remove(self, writer: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> None:
        if not ids:
            return
        if len(ids) == 1:  # half a millisecond less at 200,000 rows
            found = writer.execute("DELETE FROM examples WHERE id = ?", [ids[0]]).fetchall()
        else:
            found = writer.execute(
                "DELETE FROM examples WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)]
            ).fetchall()
        if found != [(len(ids),)]:
            raise MemoryDamaged(
                f"{self.path}: {len(ids)} rows were to go and {found[0][0]} were there; nothing was changed: close the "
                "memory, open it again and verify it"
            )

    def receipts(self, after: int = 0, limit: int | None = None) -> list[Receipt]:
        """Receipts later than this number, oldest first, without ids: all of them, or at most so many."""
        return self._receipts(f"WHERE sequence > ? ORDER BY sequence{_limit(limit)}", [after])

    def last_receipt(self, *kinds: Kind) -> Receipt | None:
        """The latest receipt, of one of these kinds if any are named; None where there is none."""
        of_kinds = "WHERE kind IN (SELECT unnest(?::VARCHAR[])) " if kinds else ""
        found = self._receipts(f"{of_kinds}ORDER BY sequence DESC LIMIT 1", [list(kinds)] if kinds else [])
        return next(iter(found), None)

    def receipts_of_requests(self, requests: Sequence[str]) -> dict[str, Receipt]:
        """The first receipt with each of these keyed hashes as its `request`, by that; those of none are left out."""
        clause = "WHERE request IN (SELECT unnest(?::VARCHAR[])) ORDER BY sequence DESC"
        found = self._receipts(clause, [list(requests)])
        return {receipt.request: receipt for receipt in found}

    def _receipts(self, clause: str, parameters: Sequence[object] = ()) -> list[Receipt]:
        with self._database.reader() as reader:
            return list(map(receipt_rows.of_tuple, reader.fetch(f"{receipt_rows.SELECT} {clause}", parameters)))

    def tombstones(self, hashes: Sequence[str]) -> set[str]:
        """Those of these keyed hashes of ids that are buried."""
        with self._database.reader() as reader:
            found = reader.fetch(
                "SELECT hash FROM tombstones WHERE hash IN (SELECT unnest(?::BLOB[]))", [receipt_rows.from_hex(hashes)]
            )
        return {hash.hex() for (hash,) in found}

    def purge(self, receipt: Receipt, progress: Progress | None = None) -> None:
        """Rewrite the file with what it remembers and this receipt, and put the new one in its place.

        No byte of a removed row is left in it or beside it. Needs free space for what is remembered. Writes wait, and
        a reading that has begun ends with `StoreUnavailable`. Raises `StoreError` otherwise; then the file is as it
        was, without a snapshot.
        """

        def write_copy(source: duckdb.DuckDBPyConnection, new: Path) -> None:
            purge.write_copy(source, self.path, new, receipt, progress)

        self._database.replace(receipt_rows.entry(receipt), write_copy)

    def snapshot(self) -> bytes | None:
        """The latest picture given to `keep_snapshot`, as it lies there; None where there is none."""
        with self._database.exclusive():
            return read_if_there(self._database.files.snapshot)

    def keep_snapshot(self, picture: bytes) -> None:
        """Keep a picture in place of the one before, durably; the one before stays where the disk refuses."""
        with self._database.exclusive():
            keep_whole(self._database.files, self._database.files.snapshot, picture)

    def sums(self, sequence: int) -> bytes | None:
        """The sums that were kept for the receipt of this number, as they lie there; None where there are none."""
        with self._database.exclusive():
            return read_if_there(self._database.files.sums(sequence))

    def keep_sums(self, sequence: int, picture: bytes) -> None:
        """Keep the sums that the receipt of this number will lead to, durably, beside those of others."""
        with self._database.exclusive():
            keep_whole(self._database.files, self._database.files.sums(sequence), picture)

    def drop_sums(self, but: int) -> None:
        """Remove the sums of every receipt but this one's, so that no power cut brings them back."""
        with self._database.exclusive():
            files = self._database.files
            others = [file for file in files.all_sums() if file != files.sums(but)]
            for file in others:
                file.unlink()
            if others:
                sync_folder(files.path.parent)

    def parts(self) -> list[str]:
        """The names of all parts that are kept, sorted."""
        with self._database.exclusive():
            before = len(self.path.name + PART)
            files = self._database.files.all_parts()
            return sorted(file.name[before:] for file in files if file.suffix != UNFINISHED)

    def part(self, name: str) -> bytes | None:
        """What was kept under this name, as it lies there; None where there is nothing."""
        with self._database.exclusive():
            return read_if_there(self._database.files.part(name))

    def keep_part(self, name: str, content: bytes) -> None:
        """Keep bytes under this name, durably; those before stay where the disk refuses."""
        with self._database.exclusive():
            keep_whole(self._database.files, self._database.files.part(name), content)

    def drop_parts(self, names: Sequence[str]) -> None:
        """Remove the parts of these names, so that no power cut brings them back."""
        with self._database.exclusive():
            for name in names:
                self._database.files.part(name).unlink()
            if names:
                sync_folder(self.path.parent)

    def close(self) -> None:
        """Release the file for others. Twice is once; what was written is kept even if the disk refuses here."""
        self._database.close()


def _where(clauses: Collection[str]) -> str:
    return f" WHERE {' AND '.join(clauses)}" if clauses else ""


def _limit(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"
