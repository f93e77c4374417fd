"""What DuckDB, Arrow and the operating system raise, as the errors of protomem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from protomem.errors import (
    MemoryClosed,
    MemoryDamaged,
    MemoryLocked,
    NotAMemory,
    ProtomemError,
    StoreError,
    StoreUnavailable,
)

__all__ = ["translated"]

LOCKED = "another process holds it; a memory is open in one process at a time: close it there, or ask that process"
OPENED_RAW = "this process has it open with DuckDB itself; close that connection first"
FOREIGN = "not a DuckDB database that this release can read; give the path of a memory, or of a new file"
CLOSED = "the memory was closed; open it again"
REFUSED = "the disk refused; look for free space and permissions, then try again"
DAMAGED = "the file is damaged; restore it from a copy"
UNFIT = "this cannot be kept; nothing was changed"
UNEXPECTED = "DuckDB failed; nothing was changed"

# DuckDB has one class for many causes, so its words come first: a checkpoint that met a full disk is both fatal and
# "Could not write".
_BY_WORDS: tuple[tuple[str, type[ProtomemError], str], ...] = (
    ("Could not set lock on file", MemoryLocked, LOCKED),
    ("different configuration than existing connections", MemoryLocked, OPENED_RAW),
    ("not a valid DuckDB database", NotAMemory, FOREIGN),
    ("database file with version number", NotAMemory, FOREIGN),
    ("Connection already closed", MemoryClosed, CLOSED),
    ("Could not write", StoreUnavailable, REFUSED),
    ("fsync failed", StoreUnavailable, REFUSED),
    ("Could not remove file", StoreUnavailable, REFUSED),
    ("No space left", StoreUnavailable, REFUSED),
    ("Failed to commit", StoreUnavailable, REFUSED),  # one writer and no constraints: nothing else can refuse
    ("Corrupt", MemoryDamaged, DAMAGED),
    ("Could not read enough bytes", MemoryDamaged, DAMAGED),
    ("replaying WAL", MemoryDamaged, DAMAGED),
)
_BY_CLASS: tuple[tuple[tuple[type[Exception], ...], type[ProtomemError], str], ...] = (
    ((duckdb.CatalogException, duckdb.BinderException), MemoryDamaged, DAMAGED),
    ((duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException), MemoryDamaged, DAMAGED),
    ((OSError, duckdb.IOException, duckdb.PermissionException), StoreUnavailable, REFUSED),
    ((duckdb.OutOfMemoryException,), StoreUnavailable, REFUSED),
    ((duckdb.DataError, duckdb.InvalidInputException, pa.ArrowException, UnicodeError), StoreError, UNFIT),
)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Inside, whatever the file at `path` raises becomes a `ProtomemError` that names it, with its cause kept."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError, UnicodeError) as error:
        kind, meaning = _meaning(error)
        raise kind(f"{path}: {meaning} ({_first_line(error)})") from error


def _meaning(error: Exception) -> tuple[type[ProtomemError], str]:
    words = str(error)
    for sign, kind, meaning in _BY_WORDS:
        if sign in words:
            return kind, meaning
    for classes, kind, meaning in _BY_CLASS:
        if isinstance(error, classes):
            return kind, meaning
    return StoreError, UNEXPECTED


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
