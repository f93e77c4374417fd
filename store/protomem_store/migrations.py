"""From the format of an older release to this one's, in one transaction when the file is opened."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import duckdb

from protomem.receipts import Receipt
from protomem_store import receipt_rows
from protomem_store.schema import FORMAT_VERSION, RESERVED, create_table

__all__ = ["MIGRATIONS", "migrate"]

KEY_BYTES = 32


def migrate(connection: duckdb.DuckDBPyConnection, version: str) -> None:
    """Bring a memory of this version to the format of this release."""
    connection.begin()
    while version != FORMAT_VERSION:
        MIGRATIONS[version](connection)
        version = str(int(version) + 1)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'format_version'", [FORMAT_VERSION])
    connection.commit()


def _to_2(connection: duckdb.DuckDBPyConnection) -> None:
    """Keys, tombstones, numbered receipts in a chain, and the number of the receipt that each row came with.

    Which receipt that was is not known of older rows: the last one, as if all had come together. Older receipts were
    not signed, and name no ids.
    """
    found = connection.execute('SELECT id, kind, count, before, after, "at" FROM receipts ORDER BY sequence').fetchall()
    connection.execute("DROP TABLE receipts")
    create_table(connection, "receipts")
    create_table(connection, "tombstones")
    for sequence, (id, kind, *others) in enumerate(found, 1):
        receipt = Receipt(id, kind, sequence, *others)
        receipt_rows.insert(connection, [receipt], [receipt.chain_hash()])
    connection.execute("ALTER TABLE examples ADD COLUMN sequence BIGINT")
    connection.execute("UPDATE examples SET sequence = ?", [len(found)])
    _draw_keys(connection)


def _draw_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """The two keys, unless the memory has no settings yet: whoever writes those draws keys too."""
    if connection.execute("SELECT count(*) FROM meta").fetchone() == (len(RESERVED),):
        return
    keys = [secrets.token_hex(KEY_BYTES), secrets.token_hex(KEY_BYTES)]
    connection.execute("INSERT INTO meta VALUES ('signing_key', ?), ('hashing_key', ?)", keys)


MIGRATIONS: dict[str, Callable[[duckdb.DuckDBPyConnection], None]] = {"1": _to_2}
"""What brings a file of each older version to the next one."""
