"""At most one server has a data folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import final

from protomem.errors import MemoryLocked, StoreUnavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["Hold"]


@final
class Hold:
    """The right of one server to a folder, from `take` to `release`; the system takes it back if the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Make the folder if it is not there, and lock it; twice is once.

        Raises `MemoryLocked` where another server has it, and `StoreUnavailable` for what cannot be a folder.
        """
        if self._descriptor is not None:
            return
        descriptor = self._opened()
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise MemoryLocked(
                f"{self._folder}: another protomem server has this folder; stop it, or give this one another --data"
            ) from None
        self._descriptor = descriptor

    def _opened(self) -> int:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"{self._folder} cannot be the data folder ({error.strerror}): give --data a folder that this user may "
                "write in, or one that is not there yet"
            ) from error

    def release(self) -> None:
        """Let another server have the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
