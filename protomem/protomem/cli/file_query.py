"""The SQL by which DuckDB reads the wanted columns of a CSV, JSONL or Parquet file; the path is the parameter $path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from protomem.errors import InvalidInput, InvalidLabel

__all__ = ["Columns", "check_columns", "query", "reader"]

CSV = "read_csv($path, all_varchar=true, header=true, quote='\"', escape='\"', comment='')"
"""Every value as it is written, by RFC 4180: a message that begins with # is no comment, and label 007 stays 007."""

JSONL = "read_json($path, format='newline_delimited', sample_size=-1)"
PARQUET = "read_parquet($path)"
READERS = {".csv": CSV, ".jsonl": JSONL, ".parquet": PARQUET}


@final
@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns to read. Items come from `vectors` if that is given, else from `text`."""

    text: str = "text"
    vectors: str | None = None
    label: str | None = None
    id: str | None = None
    subject: str | None = None

    @property
    def item(self) -> str:
        """The column of the items."""
        return self.text if self.vectors is None else self.vectors

    @property
    def wanted(self) -> tuple[str, str | None, str | None, str | None]:
        """Item, label, id and subject, in the order of the rows that are read."""
        return (self.item, self.label, self.id, self.subject)


def reader(path: Path) -> str:
    """The table function for this file, by its ending."""
    if path.suffix.lower() not in READERS:
        raise InvalidInput(f"{path} must end in .csv, .jsonl or .parquet: that says how to read it")
    if not path.is_file():
        raise InvalidInput(f"{path} is not there, or is no file")
    return READERS[path.suffix.lower()]


def check_columns(path: Path, columns: Columns, types: Mapping[str, str]) -> None:
    """Refuse a file that lacks a wanted column, or whose labels are sometimes a list and sometimes not."""
    for name in columns.wanted:
        if name is not None and name not in types:
            raise InvalidInput(
                f"{path} has no column {name!r}, but {', '.join(map(repr, types))}: name the right one with "
                "--text-column, --vectors-column, --label-column, --id-column or --subject-column"
            )
    if columns.label is not None and types[columns.label] == "JSON":
        raise InvalidLabel(
            f"column {columns.label!r} of {path} holds lists in some rows and single labels in others: "
            "make it a list in every row"
        )


def query(path: Path, columns: Columns, types: Mapping[str, str], where: str | None) -> str:
    """SELECT item, label, id and subject, NULL for those not asked for, of the rows that `where` selects."""
    read_as = _read_as(columns, types)
    source = reader(path)
    if source is JSONL:
        source = _jsonl_as_written({**types, **read_as})
    casts = ["NULL" if name is None else f"CAST({_name(name)} AS {read_as[name]})" for name in columns.wanted]
    condition = "" if where is None else f" WHERE ({where}\n)"
    return f"SELECT {', '.join(casts)} FROM {source}{condition}"  # noqa: S608  names quoted; `where` is the user's own


def _read_as(columns: Columns, types: Mapping[str, str]) -> dict[str, str]:
    read_as = {name: "VARCHAR" for name in columns.wanted if name is not None}
    if columns.label is not None and types[columns.label].endswith("]"):
        read_as[columns.label] = "VARCHAR[]"
    if columns.vectors is not None:
        read_as[columns.vectors] = "DOUBLE[]"
    return read_as


def _jsonl_as_written(types: Mapping[str, str]) -> str:
    """JSONL with every type said: a text like 2024-01-01 would else be read as a date and come back rewritten."""
    columns = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in types.items())
    return f"read_json($path, format='newline_delimited', columns={{{columns}}})"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
