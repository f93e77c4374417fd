"""Rows to DuckDB and back, the fastest way for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from protomem.store import Row

__all__ = ["insert", "of_batch", "of_tuple"]

ARROW_FROM = 24
"""Rows from which an Arrow table is faster than one INSERT with that many values.

Whole commits in milliseconds, VALUES and Arrow: 1.6 and 2.4 for one row, 2.3 and 2.5 for 16, 2.9 and 2.4 for 32, 13 and
3 for 256 (two cores, November 2026).
"""

_FIELDS = pa.schema(
    [
        ("id", pa.string()),
        ("subject", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("codes", pa.binary()),
        ("item", pa.string()),
    ]
)


def insert(writer: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> None:
    """Append the rows to `examples`, in the order of its columns."""
    if len(rows) >= ARROW_FROM:
        writer.from_arrow(_table(rows)).insert_into("examples")
    elif rows:
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
        values = [value for row in rows for value in (row.id, row.subject, list(row.labels), row.codes, row.item)]
        writer.execute(f"INSERT INTO examples VALUES {places}", values)  # noqa: S608 - places only


def of_tuple(found: tuple[Any, ...]) -> Row:
    """A row of `examples` as DuckDB answers it."""
    id, subject, labels, codes, item = found
    return Row(id, subject, tuple(labels), codes, item)


def of_batch(batch: Any) -> list[Row]:
    """The rows of an Arrow record batch of `examples`."""
    ids, subjects, labels, codes, items = (column.to_pylist() for column in batch.columns)
    return list(map(Row, ids, subjects, map(tuple, labels), codes, items))


def _table(rows: Sequence[Row]) -> Any:
    columns = zip(*((row.id, row.subject, row.labels, row.codes, row.item) for row in rows), strict=True)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _FIELDS, strict=True)], _FIELDS)
