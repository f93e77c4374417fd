"""Rows to DuckDB and back, the fastest way for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from protomem.store import Row

__all__ = ["SELECT", "insert", "of_batch", "of_tuple"]

SELECT = "SELECT id, subject, labels, codes, item FROM examples"

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
        ("sequence", pa.int64()),
    ]
)


def insert(writer: duckdb.DuckDBPyConnection, rows: Sequence[Row], sequence: int) -> None:
    """Append the rows to `examples`, in the order of its columns, as having come with the receipt of this number."""
    if len(rows) >= ARROW_FROM:
        writer.from_arrow(_table(rows, sequence)).insert_into("examples")
    elif rows:
        places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
        values = [
            value for row in rows for value in (row.id, row.subject, list(row.labels), row.codes, row.item, sequence)
        ]
        writer.execute(f"INSERT INTO examples VALUES {places}", values)  # noqa: S608 - places only


def of_tuple(found: tuple[Any, ...]) -> Row:
    """A row as `SELECT` answers it."""
    id, subject, labels, codes, item = found
    return Row(id, subject, tuple(labels), codes, item)


def of_batch(batch: Any) -> list[Row]:
    """The rows of an Arrow record batch of `SELECT`."""
    ids, subjects, labels, codes, items = batch.columns
    return list(map(Row, _plain(ids), _plain(subjects), _label_tuples(labels), _plain(codes), _plain(items)))


def _plain(column: Any) -> list[Any]:
    """The values of a column; one that is null throughout, as `item` often is, is not read one by one."""
    return [None] * len(column) if column.null_count == len(column) else column.to_pylist()


def _label_tuples(column: Any) -> list[tuple[str, ...]]:
    """The labels of each row; rows with the same labels share one tuple. Five times as fast as `to_pylist`."""
    encoded = column.flatten().dictionary_encode()  # `flatten` starts where this batch does
    words, numbers = encoded.dictionary.to_pylist(), encoded.indices.to_pylist()
    lengths = column.value_lengths().to_pylist()
    if lengths.count(1) == len(lengths):
        singles = [(word,) for word in words]
        return [singles[number] for number in numbers]
    return _sliced(words, numbers, lengths)


def _sliced(words: Sequence[str], numbers: Sequence[int], lengths: Sequence[int]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    seen: dict[tuple[int, ...], tuple[str, ...]] = {}
    start = 0
    for length in lengths:
        key = tuple(numbers[start : start + length])
        if key not in seen:
            seen[key] = tuple(words[number] for number in key)
        found.append(seen[key])
        start += length
    return found


def _table(rows: Sequence[Row], sequence: int) -> Any:
    columns = zip(*((row.id, row.subject, row.labels, row.codes, row.item, sequence) for row in rows), strict=True)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _FIELDS, strict=True)], _FIELDS)
