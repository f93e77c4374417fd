"""Holding a file: at most one store has it open, in this process and among all.

DuckDB locks its file against other processes, and within one process happily shares it. Its lock is of the POSIX kind,
which falls off as soon as anything in the process opens and closes the same file, say to hash or copy it: a second
process then writes to it too. So a second lock (`flock`, which stays) is taken on a descriptor that is kept to the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import final

from protomem.errors import MemoryLocked, NotAMemory, StoreUnavailable

if sys.platform != "win32":  # there DuckDB's own lock does not fall off, and a second descriptor would be refused
    import fcntl

__all__ = ["Hold"]

_DUCKDB_MAGIC = b"DUCK"
_MAGIC_AT = 8
_HEADERS = 3 * 4096
"""DuckDB writes three headers of 4 KiB first. A shorter file is one whose creation was cut off: it holds nothing."""

_held: set[Path] = set()
_guard = Lock()


@final
class Hold:
    """The right of one store to the file at a resolved path. Raises `MemoryLocked` where another store has it."""

    def __init__(self, path: Path) -> None:
        with _guard:
            if path in _held:
                raise MemoryLocked(f"{path}: this process has it open already; use that memory, or close it first")
            _held.add(path)
        self._path = path
        self._descriptor: int | None = None

    def lock(self) -> None:
        """Lock the file, which exists, against other processes until `release`. Twice is once."""
        if sys.platform != "win32" and self._descriptor is None:
            self._descriptor = self._locked(self._path)
            if not os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                raise MemoryLocked(f"{self._path}: another process replaced it just now; try again")

    @contextmanager
    def moving_to(self, file: Path) -> Iterator[None]:
        """Inside, `file` is renamed to the held path, and no other process can hold either. On failure the old one is.

        Only after DuckDB has closed both.
        """
        if sys.platform == "win32":
            yield
            return
        descriptor = self._locked(file)
        try:
            yield
        except BaseException:
            os.close(descriptor)
            raise
        self._unlock()
        self._descriptor = descriptor

    def require_in_place(self) -> None:
        """Raise `StoreUnavailable` if the path leads to another file, or to none: what is written would be lost."""
        if self._descriptor is None:
            return
        try:
            is_there = os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise StoreUnavailable(
                f"{self._path}: the file was moved, removed or replaced while it was open; nothing was changed: put it "
                "back, or close the memory and open the right file"
            )

    def holds_database(self) -> bool:
        """Whether the locked file is a DuckDB database (True) or one that was never finished (False).

        Looked up here and not left to DuckDB, which tries to download an extension for files of other databases.
        """
        with self._path.open("rb") as file:
            beginning = file.read(_HEADERS)
        if beginning and beginning[_MAGIC_AT : _MAGIC_AT + len(_DUCKDB_MAGIC)] != _DUCKDB_MAGIC:
            raise NotAMemory(f"{self._path} is not a memory but some other file; give another path, or move it away")
        return len(beginning) == _HEADERS

    def remove_file(self) -> None:
        """Remove the locked file, for another to be made in its place."""
        self._path.unlink()
        self._unlock()

    def release(self) -> None:
        """Let the file and the path go. Only after DuckDB has closed the file: this drops DuckDB's lock too."""
        self._unlock()
        with _guard:
            _held.discard(self._path)

    def _locked(self, file: Path) -> int:
        """A descriptor that keeps the file locked."""
        descriptor = os.open(file, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise MemoryLocked(
                f"{self._path}: another process holds it; a memory is open in one process at a time: "
                "close it there, or ask that process"
            ) from None
        return descriptor

    def _unlock(self) -> None:
        if sys.platform != "win32" and self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a forked child has it too, and would keep the lock
            os.close(self._descriptor)
            self._descriptor = None
