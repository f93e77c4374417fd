"""One DuckDB file, opened hardened: its writer, its readers, its checkpoints, and its restart after a fatal failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import final

import duckdb

from protomem.errors import MemoryClosed, MemoryDamaged, NotAMemory, ProtomemError, StoreUnavailable
from protomem_store.failures import translated
from protomem_store.holding import Hold
from protomem_store.reading import Reader
from protomem_store.schema import lay_out, recognise

__all__ = ["Database"]

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # no variable of the program is a table
    "temp_directory": "",  # examples are never spilled into other files, where a purge would miss them
    "threads": 1,  # a memory among thousands; two were no faster at reading or writing a million rows
    "async_threads": 0,  # else eight threads a file, which made reading three times slower
    "checkpoint_threshold": "1TB",  # see CHECKPOINT_BYTES
    "lock_configuration": True,  # applied after the others, whatever their order here
}

CHECKPOINT_BYTES = 16 * 2**20
"""Size of the log at which it is folded into the file: DuckDB's own default.

DuckDB would do so inside COMMIT, and a full disk then makes a commit that is durable raise, and every later call too.
Done here after the commit, such a failure takes nothing back: the log has the rows.
"""

_NO_MEMORY_YET = "is empty, no memory yet; open it without must_exist to make it one"


@final
class Database:
    """The file at `path`, created if it is not there, held by this object alone until `close`."""

    def __init__(self, path: Path, *, must_exist: bool) -> None:
        self.path = path
        self._log = path.with_name(path.name + ".wal")
        self._root: duckdb.DuckDBPyConnection | None = None  # runs no query, so that cursors can be had at any time
        self._readers: set[Reader] = set()
        self._gate = Lock()  # guards _root and _closed; held for no query
        self._writing = Lock()
        self._closed = False
        self._hold = Hold(path)
        try:
            with translated(path):
                self._claim(must_exist=must_exist)
                self._root = self._connect(must_exist=must_exist)
        except BaseException:
            self._hold.release()
            raise

    def require_open(self) -> None:
        """Raise `MemoryClosed` after `close`."""
        if self._closed:
            raise MemoryClosed(f"{self.path}: the memory was closed; open it again")

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader of what is committed now."""
        with self._gate, translated(self.path):
            reader = Reader(self._live().cursor(), self.path)
            self._readers.add(reader)
        try:
            yield reader
        except ProtomemError as error:
            with self._writing:
                self._let_go_if_fatal(error)
            raise
        finally:
            # Without the gate: the garbage collector may come here in any thread, also in one that holds the gate.
            self._readers.discard(reader)
            reader.end(MemoryClosed(f"{self.path}: this reading is over"))

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction, alone among the writers: committed at the end, rolled back on whatever is raised inside."""
        with self._writing:
            try:
                with translated(self.path), self._writer() as writer:
                    yield writer
            except ProtomemError as error:
                self._let_go_if_fatal(error)
                raise
            if self._log_bytes() > CHECKPOINT_BYTES:
                self._checkpoint_or_let_go()

    def close(self) -> None:
        """Fold the log into the file and release it. Twice is once. What was committed is kept even if this raises."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            try:
                with translated(self.path):
                    if self._root is not None and self._log_bytes():
                        _checkpoint(self._root)
            finally:
                self._release(MemoryClosed(f"{self.path}: the memory was closed; open it again"))
                self._hold.release()

    def _claim(self, *, must_exist: bool) -> None:
        path = self.path
        if not path.parent.is_dir():
            raise StoreUnavailable(f"{path}: there is no folder {path.parent}; create it first")
        if path.exists():
            if not path.is_file():
                raise NotAMemory(f"{path} is no file; give the path of a memory, or of a file that is not there yet")
            self._hold.lock()
            if self._hold.holds_database():
                return
            if must_exist:
                raise NotAMemory(f"{path} {_NO_MEMORY_YET}")
        if self._log.exists():  # DuckDB would delete it and begin anew
            raise MemoryDamaged(
                f"{path}: its log {self._log.name} is here and the file itself is not; put the file back beside it, "
                "or delete the log to begin anew"
            )
        if path.exists():
            self._hold.remove_file()  # DuckDB refuses an empty file

    def _connect(self, *, must_exist: bool) -> duckdb.DuckDBPyConnection:
        is_new = not self.path.exists()
        if is_new and must_exist:
            raise StoreUnavailable(f"{self.path}: there is no such file; look at the path, or open without must_exist")
        if self._log_bytes():  # opened to write, a stranger's log would be folded into the file before it is looked at
            with duckdb.connect(self.path, read_only=True, config=SETTINGS) as looker:
                recognise(looker, self.path)
        root = duckdb.connect(self.path, config=SETTINGS)
        try:
            self._recognise_or_lay_out(root, must_exist=must_exist)
            self._hold.lock()
            if is_new:
                _sync_folder(self.path.parent)
        except BaseException:
            root.close()
            raise
        return root

    def _recognise_or_lay_out(self, root: duckdb.DuckDBPyConnection, *, must_exist: bool) -> None:
        if recognise(root, self.path):
            return
        if must_exist:
            raise NotAMemory(f"{self.path} {_NO_MEMORY_YET}")
        lay_out(root)

    def _live(self) -> duckdb.DuckDBPyConnection:
        """The connection that cursors come from, with the gate held; opened anew after `_release`."""
        self.require_open()
        if self._root is None:
            self._root = self._connect(must_exist=True)
        return self._root

    @contextmanager
    def _writer(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._gate:
            writer = self._live().cursor()
        try:
            writer.begin()
            yield writer
            writer.commit()
        except BaseException:
            with suppress(duckdb.TransactionException, duckdb.FatalException):  # a COMMIT that failed has rolled back
                writer.rollback()
            raise
        finally:
            writer.close()

    def _checkpoint_or_let_go(self) -> None:
        with self._gate:
            root = self._live()
        try:
            _checkpoint(root)
        except duckdb.Error:  # nothing is lost: the log has it, and the next write or close tries again
            self._release(StoreUnavailable(f"{self.path}: reading was interrupted by a full disk; read again"))

    def _let_go_if_fatal(self, error: ProtomemError) -> None:
        """After a fatal failure DuckDB refuses every call until the file is opened anew; the next call does so."""
        if isinstance(error.__cause__, duckdb.FatalException):
            self._release(StoreUnavailable(f"{self.path}: reading was interrupted by a failure; read again"))

    def _release(self, reason: ProtomemError) -> None:
        """Close the connection and every reader; DuckDB would hand the old one out again if any were left."""
        with self._gate:
            for reader in list(self._readers):
                reader.end(reason)
            if self._root is not None:
                self._root.close()
                self._root = None

    def _log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0


def _checkpoint(root: duckdb.DuckDBPyConnection) -> None:
    with root.cursor() as cursor:
        cursor.checkpoint()


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power cut, which DuckDB leaves to chance."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
