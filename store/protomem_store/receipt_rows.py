"""Receipts to DuckDB and back, and the tombstones that come with them. Keyed hashes are hex outside, bytes inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from protomem.errors import StoreError
from protomem.receipts import ID_HASH_BYTES, Receipt
from protomem_store.appending import append
from protomem_store.mark import NOTHING, Entry

__all__ = ["SELECT", "bury", "chain_at", "entry", "from_hex", "insert", "last_entry", "of_tuple", "unbury"]

SELECT = 'SELECT id, kind, sequence, count, before, after, "at", previous, id_hashes, request, signature FROM receipts'

_FIELDS = pa.schema(
    [
        ("sequence", pa.int64()),
        ("id", pa.string()),
        ("kind", pa.string()),
        ("count", pa.int64()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("at", pa.string()),
        ("previous", pa.string()),
        ("id_hashes", pa.binary()),
        ("request", pa.string()),
        ("signature", pa.string()),
        ("chain", pa.string()),
    ]
)


def entry(receipt: Receipt) -> Entry:
    """The receipt as it is marked."""
    return Entry(receipt.sequence, receipt.chain_hash())


def insert(writer: duckdb.DuckDBPyConnection, receipts: Sequence[Receipt], chains: Sequence[str]) -> None:
    """Append the receipts, without ids, and their chain hashes to `receipts`."""
    append(writer, "receipts", _FIELDS, list(map(_values, receipts, chains)))


def _values(receipt: Receipt, chain: str) -> tuple[Any, ...]:
    return (
        receipt.sequence,
        receipt.id,
        receipt.kind,
        receipt.count,
        receipt.before,
        receipt.after,
        receipt.at,
        receipt.previous,
        b"".join(from_hex(receipt.id_hashes)),
        receipt.request,
        receipt.signature,
        chain,
    )


def of_tuple(found: tuple[Any, ...]) -> Receipt:
    """A receipt as `SELECT` answers it."""
    id, kind, sequence, count, before, after, at, previous, joined, request, signature = found
    digits, width = joined.hex(), 2 * ID_HASH_BYTES
    hashes = tuple(digits[start : start + width] for start in range(0, len(digits), width))
    return Receipt(id, kind, sequence, count, before, after, at, previous, hashes, request, signature)


def last_entry(connection: duckdb.DuckDBPyConnection) -> Entry:
    """The last receipt that the file holds."""
    found = connection.execute("SELECT sequence, chain FROM receipts ORDER BY sequence DESC LIMIT 1").fetchone()
    return Entry(*found) if found else NOTHING


def chain_at(connection: duckdb.DuckDBPyConnection, sequence: int) -> str | None:
    """The chain hash of the receipt with this number, or None."""
    found = connection.execute("SELECT chain FROM receipts WHERE sequence = ?", [sequence]).fetchone()
    return found[0] if found else None


def bury(writer: duckdb.DuckDBPyConnection, hashes: Sequence[str]) -> None:
    """Append the hashes to `tombstones`. One that is there already is there twice, which says the same."""
    if hashes:
        writer.execute("INSERT INTO tombstones SELECT unnest(?::BLOB[])", [from_hex(hashes)])


def unbury(writer: duckdb.DuckDBPyConnection, hashes: Sequence[str]) -> None:
    """Remove the hashes from `tombstones`, where they are there."""
    if hashes:
        writer.execute("DELETE FROM tombstones WHERE hash IN (SELECT unnest(?::BLOB[]))", [from_hex(hashes)])


def from_hex(hashes: Sequence[str]) -> list[bytes]:
    """The bytes of keyed hashes. Raises `StoreError` for anything else."""
    try:
        found = list(map(bytes.fromhex, hashes))
    except ValueError as error:
        raise StoreError(f"a keyed hash is no hex ({error}); nothing was changed") from error
    if any(len(each) != ID_HASH_BYTES for each in found):
        raise StoreError(f"a keyed hash is not {ID_HASH_BYTES} bytes long; nothing was changed")
    return found
