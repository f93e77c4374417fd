"""One reader of the file: a cursor of its own, so that it and the writer never wait for each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, final

import duckdb

from protomem.errors import ProtomemError
from protomem_store.failures import translated

__all__ = ["Reader"]


@final
class Reader:
    """Sees the file as it was when its query began; another thread may end it between two batches.

    DuckDB keeps the file locked while any stream of rows is alive, and refuses to close while a query runs. So every
    call holds the reader's lock, and whoever closes the file ends its readers first.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._cursor = cursor
        self._path = path
        self._lock = RLock()  # re-entrant: the garbage collector may end a reader in the middle of ending it
        self._stream: Any = None
        self._ended: ProtomemError | None = None

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Every row of a small answer."""
        with self._running():
            return self._cursor.execute(query, list(parameters)).fetchall()

    def batches(self, query: str, size: int) -> Iterator[Any]:
        """The answer as Arrow record batches of about `size` rows, read from the file as they are asked for."""
        with self._running():
            stream = self._stream = self._cursor.sql(query).to_arrow_reader(size)  # `execute` would copy every row once
        while True:
            with self._running():
                batch = next(stream, None)
            if batch is None:
                return
            yield batch

    def end(self, reason: ProtomemError) -> None:
        """Release the cursor; whoever still reads gets `reason`. Twice is once."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = reason
            if self._stream is not None:
                self._stream.close()
            self._cursor.close()

    @contextmanager
    def _running(self) -> Iterator[None]:
        with self._lock, translated(self._path):
            if self._ended is not None:
                raise self._ended
            yield
