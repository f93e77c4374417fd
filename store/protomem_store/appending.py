"""Values appended to a table of DuckDB, the fastest way for their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

__all__ = ["append"]

ARROW_FROM = 24
"""Rows from which an Arrow table is faster than one INSERT with that many values.

Whole commits in milliseconds, VALUES and Arrow: 1.6 and 2.4 for one row, 2.3 and 2.5 for 16, 2.9 and 2.4 for 32, 13 and
3 for 256 (two cores, November 2026).
"""


def append(writer: duckdb.DuckDBPyConnection, table: str, fields: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows to one of our tables; `fields` is the Arrow schema of its columns, in their order."""
    if len(rows) >= ARROW_FROM:
        columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), fields, strict=True)]
        writer.from_arrow(pa.table(columns, fields)).insert_into(table)
    elif rows:
        row = f"({', '.join('?' * len(fields))})"
        places = ", ".join([row] * len(rows))
        writer.execute(f"INSERT INTO {table} VALUES {places}", list(chain.from_iterable(rows)))  # noqa: S608 - our own
