"""The files of a memory: its path, what lies beside it, and how a name appears or goes for good."""

from __future__ import annotations

import glob
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

__all__ = ["PART", "UNFINISHED", "Files", "keep_whole", "read_if_there", "sync_file", "sync_folder"]

PART: Final = ".part-"

UNFINISHED: Final = ".new"
"""Ends the name of a file that is not whole yet; no name of a part has a dot."""


@final
@dataclass(frozen=True, slots=True)
class Files:
    """The file at `path` and those beside it."""

    path: Path

    @property
    def log(self) -> Path:
        """DuckDB's own log: what is committed and not folded into the file yet."""
        return self._beside(".wal")

    @property
    def mark(self) -> Path:
        """The high-water mark: which write was acknowledged last."""
        return self._beside(".mark")

    @property
    def snapshot(self) -> Path:
        """What the memory summed over its rows."""
        return self._beside(".snapshot")

    def sums(self, sequence: int) -> Path:
        """The sums that the receipt of this number leads to, of a memory that keeps no examples."""
        return self._beside(f".sums-{sequence}")

    def all_sums(self) -> list[Path]:
        """The sums of every receipt that are there, whole or not."""
        return sorted(self.path.parent.glob(f"{glob.escape(self.path.name)}.sums-*"))

    def part(self, name: str) -> Path:
        """Bytes that the memory keeps under a name, such as the sums of a client that it merged."""
        return self._beside(f"{PART}{name}")

    def all_parts(self) -> list[Path]:
        """Every part that is there, whole or not."""
        return sorted(self.path.parent.glob(f"{glob.escape(self.path.name + PART)}*"))

    @property
    def purged(self) -> Path:
        """A rewritten file that is not whole yet."""
        return self._beside(".purge")

    def log_bytes(self) -> int:
        """How much is in the log and in the names DuckDB gives it while it is folded in or replayed."""
        return sum(log.stat().st_size for log in self._logs() if log.exists())

    def has_log(self) -> bool:
        """Whether there is a log, if only an empty one."""
        return any(log.exists() for log in self._logs())

    def drop_snapshot(self) -> None:
        """Remove the snapshot so that no power cut brings it back."""
        if self.snapshot.exists():
            self.snapshot.unlink()
            sync_folder(self.path.parent)

    def clear_temporary(self) -> None:
        """Remove what a process that died left half made."""
        for file in (*self.all_sums(), *self.all_parts()):
            if file.suffix == UNFINISHED:
                file.unlink()
        for suffix in (f".snapshot{UNFINISHED}", ".purge", ".purge.wal", ".purge.wal.checkpoint"):
            self._beside(suffix).unlink(missing_ok=True)

    def _logs(self) -> tuple[Path, ...]:
        return self.log, self._beside(".wal.checkpoint"), self._beside(".wal.recovery")

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def keep_whole(files: Files, target: Path, content: bytes) -> None:
    """Put these bytes in the place of a file beside the memory's; cut short, what was there before stays."""
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            shutil.copymode(files.path, unfinished)  # who may not read the memory may not read its sums
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def read_if_there(file: Path) -> bytes | None:
    """What is in the file, or None without one."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def sync_file(file: Path) -> None:
    """Wait until every byte of the file is on the disk."""
    with file.open("r+b") as opened:
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Make what appeared, went or was renamed in the folder survive a power cut; DuckDB leaves that to chance."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
