"""The layout of a memory's file: four tables, its sign and its version.

No primary key and no secondary index: DuckDB's keep deleted bytes readable and have open defects, and the memory above
keeps identifiers unique.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from protomem.errors import MemoryDamaged, NotAMemory

__all__ = ["FORMAT_VERSION", "RESERVED", "TABLES", "create_table", "lay_out", "recognise", "require_tables"]

MAGIC = "protomem"
FORMAT_VERSION = "2"
OLDER_VERSIONS = frozenset({"1"})
"""Versions that are brought to this one when the file is opened (`migrations.py`)."""

RESERVED = frozenset({"magic", "format_version"})
"""Keys of `meta` that are the file's own; every other key is a setting."""

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "meta": (("key", "VARCHAR"), ("value", "VARCHAR")),
    "examples": (
        ("id", "VARCHAR"),
        ("subject", "VARCHAR"),
        ("labels", "VARCHAR[]"),
        ("codes", "BLOB"),
        ("item", "VARCHAR"),
        ("sequence", "BIGINT"),
    ),
    "receipts": (
        ("sequence", "BIGINT"),
        ("id", "VARCHAR"),
        ("kind", "VARCHAR"),
        ("count", "BIGINT"),
        ("before", "VARCHAR"),
        ("after", "VARCHAR"),
        ("at", "VARCHAR"),
        ("previous", "VARCHAR"),
        ("id_hashes", "BLOB"),
        ("request", "VARCHAR"),
        ("signature", "VARCHAR"),
        ("chain", "VARCHAR"),
    ),
    "tombstones": (("hash", "BLOB"),),
}


def create_table(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make one of the tables, empty."""
    typed = ", ".join(f'"{name}" {type}' for name, type in TABLES[table])  # quoted: `at` is a word of SQL
    connection.execute(f"CREATE TABLE {table} ({typed})")


def lay_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Make an empty database a memory without settings, in one transaction."""
    connection.begin()
    for table in TABLES:
        create_table(connection, table)
    connection.execute("INSERT INTO meta VALUES ('magic', ?), ('format_version', ?)", [MAGIC, FORMAT_VERSION])
    connection.commit()


def recognise(connection: duckdb.DuckDBPyConnection, path: Path) -> str | None:
    """The format version of the memory that the database is, or None where it holds nothing at all. Writes nothing.

    Raises `NotAMemory` where it is something else or of an unknown version, `MemoryDamaged` where it is a memory of
    this version whose tables are not those of this version.
    """
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except (duckdb.CatalogException, duckdb.BinderException):
        if _is_empty(connection):
            return None
        meta = {}
    if meta.get("magic") != MAGIC:
        raise NotAMemory(f"{path} is a DuckDB database of something else; give the path of a memory, or a new one")
    version = meta.get("format_version")
    if version not in OLDER_VERSIONS | {FORMAT_VERSION}:
        raise NotAMemory(
            f"{path} is a memory of format version {version}, and this release reads version {FORMAT_VERSION} and "
            "older: install the release of protomem that wrote it, or a newer one"
        )
    if version == FORMAT_VERSION:
        require_tables(connection, path)
    return str(version)


def require_tables(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise `MemoryDamaged` unless the tables are those of this version."""
    for table, columns in TABLES.items():
        _require_columns(connection, path, table, columns)


def _is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT (SELECT count(*) FROM duckdb_tables() WHERE NOT internal)"
        " + (SELECT count(*) FROM duckdb_views() WHERE NOT internal)"
    ).fetchone()
    return found == (0,)


def _require_columns(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, columns: tuple[tuple[str, str], ...]
) -> None:
    try:
        found = tuple((name, type) for name, type, *_ in connection.execute(f"DESCRIBE {table}").fetchall())
    except duckdb.CatalogException:
        found = ()
    if found != columns:
        raise MemoryDamaged(f"{path}: the table {table} is not as protomem wrote it; restore the file from a copy")
