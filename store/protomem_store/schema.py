"""The layout of a memory's file: three tables, its mark and its version.

No primary key and no secondary index: DuckDB's keep deleted bytes readable and have open defects, and the memory above
keeps identifiers unique.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from protomem.errors import MemoryDamaged, NotAMemory

__all__ = ["RESERVED", "lay_out", "recognise"]

MAGIC = "protomem"
FORMAT_VERSION = "1"
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
    ),
    "receipts": (
        ("sequence", "BIGINT"),
        ("id", "VARCHAR"),
        ("kind", "VARCHAR"),
        ("count", "BIGINT"),
        ("before", "VARCHAR"),
        ("after", "VARCHAR"),
        ("at", "VARCHAR"),
    ),
}


def lay_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Make an empty database a memory without settings, in one transaction."""
    connection.begin()
    for table, columns in TABLES.items():
        typed = ", ".join(f'"{name}" {type}' for name, type in columns)  # quoted: `at` is a word of SQL
        connection.execute(f"CREATE TABLE {table} ({typed})")
    connection.execute("INSERT INTO meta VALUES ('magic', ?), ('format_version', ?)", [MAGIC, FORMAT_VERSION])
    connection.commit()


def recognise(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the database is a memory (True) or holds nothing at all (False). Writes nothing.

    Raises `NotAMemory` where it is something else or of another format version, `MemoryDamaged` where it is a memory
    whose tables are not those of this version.
    """
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except (duckdb.CatalogException, duckdb.BinderException):
        if _is_empty(connection):
            return False
        meta = {}
    if meta.get("magic") != MAGIC:
        raise NotAMemory(f"{path} is a DuckDB database of something else; give the path of a memory, or a new one")
    version = meta.get("format_version")
    if version != FORMAT_VERSION:
        raise NotAMemory(
            f"{path} is a memory of format version {version}, and this release reads version {FORMAT_VERSION}: "
            "install the release of protomem that wrote it, or a newer one"
        )
    for table, columns in TABLES.items():
        _require_columns(connection, path, table, columns)
    return True


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
