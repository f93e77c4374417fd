"""The jobs as they are kept, one small file each, so that they are known after any end of the server.

A file holds what is needed to run a job again and what came of it, and nothing of what a memory remembers: the items
that a report looks at and its result, which has labels in it, are in no file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

import msgspec

from protomem.errors import StoreUnavailable
from protomem_api.logs import log
from protomem_api.wire.jobs import AskReport, Job

__all__ = ["JobFiles", "Record"]


class Record(msgspec.Struct, frozen=True):
    """A job with what is needed to run it again. `begun` counts how often it was, without a graceful end.

    `request` is the hash of the idempotency key that it was asked for with; empty without one.
    """

    job: Job
    options: AskReport
    has_recent: bool = False
    begun: int = 0
    request: str = ""

    def asks_the_same(self, other: Record) -> bool:
        """Whether another job was asked for in the same words, as far as they are kept."""
        return (self.job.kind, self.options, self.has_recent) == (other.job.kind, other.options, other.has_recent)


@final
class JobFiles:
    """The records in a folder; each is written as a whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Record]:
        """Every record, oldest first. What was cut short is removed, and what is no record left out."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for partial in self._folder.glob("*.new"):
            partial.unlink()
        return list(filter(None, map(_read, sorted(self._folder.glob("*.json")))))

    def write(self, record: Record) -> None:
        """Keep a record in place of the one before, durably. Raises `StoreUnavailable` where the disk refuses."""
        job, options = record.job, msgspec.structs.replace(record.options, recent=None)
        if job.kind == "report":
            job = msgspec.structs.replace(job, result=None)
        kept = msgspec.json.encode(msgspec.structs.replace(record, job=job, options=options))
        try:
            self._replace(self._file(job.id), kept)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: the disk refused to keep a job ({error.strerror})") from error

    def remove(self, id: str) -> None:
        """Forget a job."""
        self._file(id).unlink(missing_ok=True)

    def _file(self, id: str) -> Path:
        return self._folder / f"{id}.json"

    def _replace(self, file: Path, content: bytes) -> None:
        partial = file.with_suffix(".new")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name too: a job is acknowledged after this
        finally:
            os.close(folder)


def _read(file: Path) -> Record | None:
    """A record; None for a file of another release or hand, which must not keep the server from starting."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Record)
    except msgspec.MsgspecError as error:
        log.error("job unreadable", job=file.stem, error=type(error).__name__)
        return None
