"""Rows to DuckDB and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from protomem.listing import Example
from protomem.store import Row
from protomem_store.appending import append

__all__ = ["SELECT", "SELECT_LISTED", "insert", "listed", "of_batch", "of_tuple"]

SELECT = "SELECT id, subject, labels, codes, item FROM examples"

SELECT_LISTED = "SELECT id, subject, labels, item FROM examples"
"""Without the codes, which are most of a row."""

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


def insert(writer: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Row, int]]) -> None:
    """Append the rows to `examples`, each as having come with the receipt of the number beside it."""
    values = [(row.id, row.subject, list(row.labels), row.codes, row.item, sequence) for row, sequence in rows]
    append(writer, "examples", _FIELDS, values)


def of_tuple(found: tuple[Any, ...]) -> Row:
    """A row as `SELECT` answers it."""
    id, subject, labels, codes, item = found
    return Row(id, subject, tuple(labels), codes, item)


def listed(found: tuple[Any, ...]) -> Example:
    """An example as `SELECT_LISTED` answers it."""
    id, subject, labels, item = found
    return Example(id, subject, tuple(labels), item)


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
