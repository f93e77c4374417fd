"""One DuckDB file, opened hardened: its writer, its readers, its checkpoints, and its restart after a fatal failure.

What is acknowledged is marked (`mark.py`). Opening goes in this order, so that whatever cuts it short loses nothing:

1. The path is held against other stores, and is a DuckDB file or nothing.
2. Where there is a log, the file is looked at without writing: it is ours, and what was acknowledged is there.
3. It is opened to write, which folds the log in, and looked at again.
4. The mark is begun, before the first commit.
5. An empty file is laid out, and one of an older format brought to this one.
6. The mark catches up with the last receipt, and what dead processes left half made is removed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import final

import duckdb

from protomem.errors import MemoryClosed, MemoryDamaged, NotAMemory, ProtomemError, StoreError, StoreUnavailable
from protomem_store.failures import translated
from protomem_store.files import Files, sync_folder
from protomem_store.hardening import SETTINGS
from protomem_store.holding import Hold
from protomem_store.mark import NOTHING, Entry, Mark, require_acknowledged
from protomem_store.migrations import migrate
from protomem_store.reading import Reader
from protomem_store.receipt_rows import chain_at, last_entry
from protomem_store.schema import FORMAT_VERSION, lay_out, recognise

__all__ = ["Database"]

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
        self.files = Files(path)
        self._root: duckdb.DuckDBPyConnection | None = None  # runs no query, so that cursors can be had at any time
        self._readers: set[Reader] = set()
        self._gate = Lock()  # guards _root and _closed; held for no query of a reader
        self._writing = Lock()
        self._closed = False
        self._mark = Mark(self.files.mark)
        self._hold = Hold(path)
        try:
            with translated(path):
                self._claim(must_exist=must_exist)
                self._root = self._connect(must_exist=must_exist)
                self.files.clear_temporary()
        except BaseException:
            self._abandon()
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
    def transaction(self, entries: Sequence[Entry] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction, alone among the writers: committed at the end, rolled back on whatever is raised inside.

        `entries` are the receipts that are kept in it, in their order; the last is marked after the commit.
        """
        with self._writing:
            try:
                with translated(self.path), self._writer() as writer:
                    self._hold.require_in_place()
                    for entry in entries[:1]:
                        self._require_later(entry)
                    yield writer
            except ProtomemError as error:
                self._let_go_if_fatal(error)
                raise
            for entry in entries[-1:]:
                self._acknowledge(entry)
            if self.files.log_bytes() > CHECKPOINT_BYTES:
                self._checkpoint_or_let_go()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Alone among the writers, without a transaction."""
        with self._writing, translated(self.path):
            self.require_open()
            yield

    def fold_in(self) -> None:
        """Fold the log into the file, if the disk allows."""
        with self._writing:
            self._checkpoint_or_let_go()

    def replace(self, entry: Entry, write_copy: Callable[[duckdb.DuckDBPyConnection, Path], None]) -> None:
        """Put the file that `write_copy` writes, given a cursor and a path, in the place of this one.

        Writers wait, readers go on until the files change places and are told to read again. `entry` is the receipt
        that the new file ends with. Whatever cuts this short, the path leads to the old file or to the new one, and
        the mark to a receipt that both hold until only the new one can come back.
        """
        with self._writing:
            try:
                with translated(self.path):
                    self._replace(entry, write_copy)
            except ProtomemError as error:
                self._let_go_if_fatal(error)
                raise
            finally:
                with suppress(OSError):  # else the next opening removes it
                    self.files.clear_temporary()

    def close(self) -> None:
        """Fold the log into the file and release it. Twice is once. What was committed is kept even if this raises."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
            try:
                with translated(self.path):
                    if self._root is not None and self.files.log_bytes():
                        _checkpoint(self._root)
                    self._release(MemoryClosed(f"{self.path}: the memory was closed; open it again"))
                    if not self.files.has_log():  # with a log the mark stays, which guards it
                        sync_folder(self.path.parent)
                        self._mark.remove()
            finally:
                self._abandon()

    def _abandon(self) -> None:
        """Let everything go as it is."""
        self._release(MemoryClosed(f"{self.path}: the memory was closed; open it again"))
        self._mark.close()
        self._hold.release()

    def _claim(self, *, must_exist: bool) -> None:
        path = self.path
        if not path.parent.is_dir():
            raise StoreUnavailable(f"{path}: there is no folder {path.parent}; create it first")
        if path.exists():
            if not path.is_file():
                raise NotAMemory(f"{path} is no file; give the path of a memory, or of a file that is not there yet")
            self._hold.lock()
            self._mark.look()
            if self._hold.holds_database():
                return
            if must_exist:
                raise NotAMemory(f"{path} {_NO_MEMORY_YET}")
        self._mark.look()
        self._refuse_what_is_left()
        if path.exists():
            self._hold.remove_file()  # DuckDB refuses an empty file

    def _refuse_what_is_left(self) -> None:
        """Refuse to begin anew beside what belongs to a file that is gone. DuckDB would delete its log."""
        left = [self.files.log.name] if self.files.has_log() else []
        left += [
            file.name
            for file in (self.files.snapshot, *self.files.all_sums(), *self.files.all_parts())
            if file.exists()
        ]
        if (self._mark.newest or NOTHING) != NOTHING:
            left.append(self.files.mark.name)
        if left:
            raise MemoryDamaged(
                f"{self.path}: what belongs to it is here ({', '.join(left)}) and the file itself is not; put the file "
                "back beside it, or delete what is left to begin anew"
            )

    def _connect(self, *, must_exist: bool) -> duckdb.DuckDBPyConnection:
        if must_exist and not self.path.exists():
            raise StoreUnavailable(f"{self.path}: there is no such file; look at the path, or open without must_exist")
        if self.files.log_bytes():  # opened to write, a stranger's or a damaged log would be folded in or cut off
            with duckdb.connect(self.path, read_only=True, config=SETTINGS) as looker:
                self._look_at(looker, has_log=True)
        root = duckdb.connect(self.path, config=SETTINGS)
        try:
            self._hold.lock()
            self._mark.look()
            self._make_ready(root, must_exist=must_exist)
        except BaseException:
            root.close()
            raise
        return root

    def _look_at(self, connection: duckdb.DuckDBPyConnection, *, has_log: bool) -> str | None:
        """The format version, or None for an empty file. Raises unless what was acknowledged is there."""
        version = recognise(connection, self.path)
        is_current = version == FORMAT_VERSION  # older ones had no mark, and what is empty acknowledged nothing
        require_acknowledged(
            self.path,
            self._mark.newest,
            last_entry(connection).sequence if is_current else 0,
            lambda sequence: chain_at(connection, sequence) if is_current else None,
            has_log=has_log and is_current,
        )
        return version

    def _make_ready(self, root: duckdb.DuckDBPyConnection, *, must_exist: bool) -> None:
        version = self._look_at(root, has_log=False)
        if version is None and must_exist:
            raise NotAMemory(f"{self.path} {_NO_MEMORY_YET}")
        self._mark.begin()
        if version is None:
            self.files.drop_snapshot()
            lay_out(root)
        elif version != FORMAT_VERSION:
            migrate(root, version)
        if version != FORMAT_VERSION:
            _checkpoint(root)  # no receipt says so that the mark could guard
        last = last_entry(root)
        if last != self._mark.newest:
            self._mark.write(last)

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

    def _require_later(self, entry: Entry) -> None:
        """A mark counts up; a number twice would make it say nothing."""
        last = (self._mark.newest or NOTHING).sequence
        if entry.sequence <= last:
            raise StoreError(
                f"{self.path}: write {entry.sequence} cannot come after write {last}; nothing was changed: close the "
                "memory and open it again"
            )

    def _acknowledge(self, entry: Entry) -> None:
        """Mark what is committed. If the disk refuses that, fold the log in: then nothing is left to be guarded.

        If it refuses that too, the write is as durable as ever, and only damage to its log would go unnoticed until
        the next one is marked: a warning, since an error would say that nothing was kept.
        """
        try:
            with translated(self.path):
                self._mark.write(entry)
        except StoreUnavailable as error:
            if not self._checkpoint_or_let_go():
                warnings.warn(f"{error}: the write is kept, but not guarded against a damaged log", stacklevel=2)

    def _replace(self, entry: Entry, write_copy: Callable[[duckdb.DuckDBPyConnection, Path], None]) -> None:
        with self._gate:
            root = self._live()
        self._hold.require_in_place()
        self._require_later(entry)
        self.files.drop_snapshot()
        self.files.clear_temporary()
        _checkpoint(root)
        with root.cursor() as source:
            write_copy(source, self.files.purged)
        with self._gate:
            self._end_all(StoreUnavailable(f"{self.path}: reading was interrupted by a purge; read again"))
            self._change_places()
            self._root = self._connect(must_exist=True)  # and marks the entry, now that the old file cannot come back
        if self._mark.newest != entry:
            raise MemoryDamaged(f"{self.path}: the purged file does not end with its purge; close it and verify it")

    def _change_places(self) -> None:
        """The purged file takes the path. Both are closed; the old one's log would be replayed into the new one."""
        if self.files.has_log():
            raise StoreUnavailable(f"{self.path}: its log could not be folded in; look for free space, then try again")
        sync_folder(self.path.parent)
        with self._hold.moving_to(self.files.purged):
            self.files.purged.replace(self.path)
        sync_folder(self.path.parent)

    def _checkpoint_or_let_go(self) -> bool:
        """Whether the log could be folded in."""
        with self._gate, translated(self.path):
            root = self._live()
        try:
            _checkpoint(root)
        except duckdb.Error:  # nothing is lost: the log has it, and the next write or close tries again
            self._release(StoreUnavailable(f"{self.path}: reading was interrupted by a full disk; read again"))
            return False
        return True

    def _let_go_if_fatal(self, error: ProtomemError) -> None:
        """After a fatal failure DuckDB refuses every call until the file is opened anew; the next call does so."""
        if isinstance(error.__cause__, duckdb.FatalException):
            self._release(StoreUnavailable(f"{self.path}: reading was interrupted by a failure; read again"))

    def _release(self, reason: ProtomemError) -> None:
        """Close the connection and every reader; DuckDB would hand the old one out again if any were left."""
        with self._gate:
            self._end_all(reason)

    def _end_all(self, reason: ProtomemError) -> None:
        for reader in list(self._readers):
            reader.end(reason)
        if self._root is not None:
            self._root.close()
            self._root = None


def _checkpoint(root: duckdb.DuckDBPyConnection) -> None:
    with root.cursor() as cursor:
        cursor.checkpoint()
