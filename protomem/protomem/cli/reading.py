"""Examples and items from CSV, JSONL and Parquet files, read by DuckDB in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import duckdb
import numpy as np
import numpy.typing as npt

from protomem.cli.file_query import Columns, check_columns, query, reader
from protomem.errors import InvalidId, InvalidInput, InvalidItem, InvalidLabel, InvalidVectors

__all__ = ["Batch", "ItemFile"]


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows; `first` is the number of the first, counted from 1 over the rows that were selected.

    `labels`, `ids` and `subjects` are None where no column was named for them.
    """

    first: int
    items: list[str] | npt.NDArray[np.float64]
    labels: list[str | list[str]] | None
    ids: list[str] | None
    subjects: list[str | None] | None

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.items) - 1


@final
class ItemFile:
    """A CSV, JSONL or Parquet file of items.

    `where` is an SQL condition on its columns, `separator` what parts several labels in one text. Raises `InvalidInput`
    for a file that is not there, ends otherwise, cannot be read, lacks a column or has no row to read.
    """

    def __init__(self, path: Path, columns: Columns, where: str | None = None, separator: str | None = None) -> None:
        self.path = path
        self.columns = columns
        self._separator = separator
        self._connection = duckdb.connect()
        with _readable(path):
            described = self._run(f"DESCRIBE FROM {reader(path)}").fetchall()
            types = {row[0]: row[1] for row in described}
            check_columns(path, columns, types)
            self._query = query(path, columns, types, where)
            self.count = int(self._run(f"SELECT count(*) FROM ({self._query})").fetchall()[0][0])  # noqa: S608
        if not self.count:
            raise InvalidInput(f"{path} has no rows" + (f" where {where}" if where else "") + ": nothing to do")

    def batches(self, size: int) -> Iterator[Batch]:
        """All rows in the order of the file, `size` at a time."""
        with _readable(self.path):
            result = self._run(self._query)
            first = 1
            while rows := result.fetchmany(size):
                yield self._batch(first, rows)
                first += len(rows)

    def dimension(self) -> int:
        """The length of the first vector."""
        return int(np.shape(next(self.batches(1)).items)[1])

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor().execute(sql, {"path": str(self.path)})

    def _batch(self, first: int, rows: Sequence[tuple[Any, Any, Any, Any]]) -> Batch:
        items, labels, ids, subjects = (list(column) for column in zip(*rows, strict=True))
        wanted = self.columns
        if wanted.vectors is None:
            self._refuse_gaps(first, items, "text", InvalidItem)
        if wanted.label is not None:
            self._refuse_gaps(first, labels, "label", InvalidLabel)
        if wanted.id is not None:
            self._refuse_gaps(first, ids, "id", InvalidId)
        return Batch(
            first=first,
            items=items if wanted.vectors is None else self._matrix(first, items),
            labels=None if wanted.label is None else [self._split(label) for label in labels],
            ids=None if wanted.id is None else ids,
            subjects=None if wanted.subject is None else subjects,
        )

    def _refuse_gaps(self, first: int, values: list[Any], what: str, error: type[InvalidInput]) -> None:
        for row, value in enumerate(values, first):
            if value is None or value == []:
                raise error(f"row {row} of {self.path} has no {what}: fill it in, or leave the row out with --where")

    def _matrix(self, first: int, vectors: list[list[float] | None]) -> npt.NDArray[np.float64]:
        length = len(vectors[0] or ())
        for row, vector in enumerate(vectors, first):
            if not vector or len(vector) != length:
                raise InvalidVectors(
                    f"row {row} of {self.path} has a vector of {len(vector or ())} numbers and row {first} one of "
                    f"{length}: all vectors of a memory have the same length, at least 1"
                )
        return np.array(vectors, dtype=np.float64)

    def _split(self, label: str | list[str]) -> str | list[str]:
        if self._separator is None or not isinstance(label, str):
            return label
        return [part.strip() for part in label.split(self._separator)]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """DuckDB's refusal of a file as an error of protomem's: its first lines name the cause and the place."""
    try:
        yield
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("LINE ")]
        cause = "; ".join(lines[:3])
        raise InvalidInput(f"{path} cannot be read: {cause}") from error
