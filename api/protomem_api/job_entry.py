"""A job as a running server holds it: its record, who watches it, and whether it is to stop."""

from __future__ import annotations

import asyncio
import secrets as dice
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final, final

import msgspec

from protomem_api.encoding import Encoded
from protomem_api.job_files import Record
from protomem_api.wire.jobs import Job

__all__ = ["Entry", "now"]

HEARTBEAT_SECONDS: Final = 15.0
"""Between signs of life to a watcher: less than the minute after which proxies give up a silent connection."""

EVENT_SECONDS: Final = 0.1
"""Between two reports of progress to a watcher: as fast as a person can see."""

RUN: Final = dice.token_hex(4)
"""Names this run of the server in event ids: after a restart, every watcher is told anew."""


def now() -> str:
    """The time as jobs tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@final
class Entry:
    """One job. Belongs to the event loop, but for `stop`, which its thread reads."""

    def __init__(self, record: Record, recent: Encoded | None = None, body: str | None = None) -> None:
        """`body` is the hash of what was asked; None after a restart, as it is in no file."""
        self.record = record
        self.recent = recent
        self.body = body
        self.stop = False  # at the next report of progress
        self.cancelled = False  # by a caller, and not by the end of the server
        self.stale = False  # something was forgotten that its result may show
        self.writing = asyncio.Lock()
        self._version = 0
        self._changed = asyncio.Event()

    @property
    def job(self) -> Job:
        """The job as callers see it."""
        return self.record.job

    @property
    def event_id(self) -> str:
        """Names the job as it is now, among its events."""
        return f"{RUN}-{self._version}"

    def change(self, job: Job) -> None:
        """The job is this now: tell who watches it."""
        self.record = msgspec.structs.replace(self.record, job=job)
        self.wake()

    def advance(self, done: int, total: int) -> None:
        """The job has come this far."""
        self.change(msgspec.structs.replace(self.job, done=done, total=total))

    def wake(self) -> None:
        """Have every watcher look again."""
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def watched(self, last: str | None) -> AsyncIterator[tuple[str, Job] | None]:
        """The job, each time it has changed since the event `last`, until it has ended; None is a sign of life.

        Every event tells the whole job, so that nothing is lost by leaving some out.
        """
        while True:
            changed, id, job = self._changed, self.event_id, self.job
            if id != last:
                last = id
                yield id, job
                if not job.has_ended:
                    await asyncio.sleep(EVENT_SECONDS)
            if job.has_ended:
                return
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield None
