"""Long work, one after another in the background: asked for, watched, cancelled, and known after any restart."""

from __future__ import annotations

import asyncio
import secrets as dice
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, final

import msgspec

from protomem import ProtomemError
from protomem_api.encoding import Encoded
from protomem_api.job_entry import Entry, now
from protomem_api.job_files import JobFiles, Record
from protomem_api.job_requests import body_hash, first_of, request_hash
from protomem_api.job_work import work
from protomem_api.logs import log
from protomem_api.memories import Memories
from protomem_api.metrics import QUEUED
from protomem_api.problems import HttpProblem, as_problem, not_found, problem_body
from protomem_api.threads import give_way
from protomem_api.wire.jobs import AskReport, Job, JobKind, JobState

__all__ = ["Jobs"]

AT_ONCE: Final = 2
"""Jobs that run at the same time, of different memories; more would only take the processor from predictions."""

MOST_WAITING: Final = 10
"""Of one memory; each does what the one before did."""

HISTORY: Final = 20
"""Jobs of one memory that are remembered after their end; the oldest goes first."""

MOST_BEGUN: Final = 3
"""How often a job is begun in all, where the server dies while it runs: it may be the cause."""

RESULT_GONE: Final = HttpProblem(
    "result-gone",
    "what a report found is kept until the server stops or the memory forgets something: ask for another report",
)
FORGOTTEN_MEANWHILE: Final = HttpProblem(
    "forgotten-meanwhile", "examples were forgotten while the report was made: ask for another"
)
TOO_MANY: Final = HttpProblem(
    "too-many-jobs",
    f"{MOST_WAITING} jobs of this memory are waiting already: they will do the same",
    headers={"Retry-After": "1"},
)
INTERRUPTED: Final = HttpProblem(
    "interrupted", "the server ended while this was waiting or running, and it is not begun again: ask for another"
)


class Stopped(Exception):  # no error, but what was asked for
    """Raised in a job's thread when it is to end."""


@final
class Jobs:
    """The jobs of a server, in the order in which they were asked for. Belongs to one event loop."""

    def __init__(self, data: Path, memories: Memories) -> None:
        self._memories = memories
        self._files = JobFiles(data / "jobs")
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="jobs", initializer=give_way)
        self._entries: dict[str, Entry] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._asking = asyncio.Lock()  # one at a time, or the same key would come between another's look and its job
        self._closing = False
        QUEUED.labels("jobs").set_function(lambda: sum(not one.job.has_ended for one in list(self._entries.values())))

    async def start(self) -> None:
        """Take up what was kept: what had not ended is run, again if need be, or reported as failed."""
        there = set(await self._memories.names())
        for record in await asyncio.to_thread(self._files.all):
            if record.job.memory not in there:  # deleted, and the server ended before its jobs were
                await asyncio.to_thread(self._files.remove, record.job.id)
                continue
            self._entries[record.job.id] = entry = Entry(record)
            if not entry.job.has_ended:
                entry.change(_taken_up(record))
                await self._keep(entry, entry.job)
            elif entry.job.kind == "report" and entry.job.state == "done":
                entry.change(msgspec.structs.replace(record.job, problem=problem_body(RESULT_GONE)))
        self._begin()

    async def ask(
        self,
        kind: JobKind,
        memory: str,
        options: AskReport,
        recent: Encoded | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """A new job, which is kept when this returns; with a key that came before, the job that it got then.

        `options` may hold the items that became `recent`. Raises the problems `not-found` and `too-many-jobs`, and
        `RequestConflict` for a key that came with another request.
        """
        body = body_hash(options)
        job = Job(id=_new_id(), kind=kind, memory=memory, state="queued", created=now())
        kept = msgspec.structs.replace(options, recent=None)
        record = Record(job, kept, has_recent=recent is not None, request=request_hash(idempotency_key))
        async with self._memories.use(memory), self._asking:
            if first := first_of(self._of(memory), record, body):
                return first.job
            if sum(entry.job.state == "queued" for entry in self._of(memory)) >= MOST_WAITING:
                raise TOO_MANY
            entry = Entry(record, recent, body)
            await asyncio.to_thread(self._files.write, entry.record)
            self._entries[job.id] = entry
        self._begin()
        return entry.job

    def get(self, id: str) -> Entry:
        """The job of this id. Raises the problem `not-found`."""
        if id not in self._entries:
            raise not_found()
        return self._entries[id]

    def all(self) -> list[Job]:
        """Every job, newest first."""
        return [entry.job for _, entry in sorted(self._entries.items(), reverse=True)]

    async def cancel(self, entry: Entry) -> Job:
        """The job, cancelled: at once if it waits, at its next report of progress if it runs; ended ones stay."""
        if entry.job.state == "queued":
            entry.cancelled = True
            await self._end(entry, "cancelled")
        elif entry.job.state == "running":
            entry.cancelled = entry.stop = True
        return entry.job

    def forgotten(self, memory: str) -> None:
        """Something was forgotten: no report that may show it is told from now on."""
        for entry in self._of(memory):
            if entry.job.kind == "report" and entry.job.state == "running":
                entry.stale = True
            elif entry.job.kind == "report" and entry.job.result is not None:
                entry.change(msgspec.structs.replace(entry.job, result=None, problem=problem_body(RESULT_GONE)))

    async def drop(self, memory: str) -> None:
        """Forget all jobs of a memory that is about to be deleted, when those that run have stopped."""
        for entry in self._of(memory):
            await self.cancel(entry)
            if running := self._running.get(entry.job.id):
                await asyncio.wait([running])
            await self._remove(entry)

    def stop(self) -> None:
        """Begin no more, have what runs stop at its next report, to be run after the restart, and let watchers go."""
        self._closing = True
        for entry in self._entries.values():
            entry.stop = True
            entry.wake()

    @property
    def closing(self) -> bool:
        """Whether the server is about to stop."""
        return self._closing

    async def close(self) -> None:
        """Stop, and wait for what runs."""
        self.stop()
        if self._running:
            await asyncio.wait(list(self._running.values()))
        self._threads.shutdown()

    def _begin(self) -> None:
        """Begin what waits, as long as fewer than AT_ONCE run, and none of the same memory."""
        for entry in self._entries.values():
            if self._closing or len(self._running) >= AT_ONCE:
                return
            busy_ones = {self._entries[id].job.memory for id in self._running}
            if entry.job.state == "queued" and not entry.cancelled and entry.job.memory not in busy_ones:
                entry.change(msgspec.structs.replace(entry.job, state="running"))
                self._running[entry.job.id] = asyncio.get_running_loop().create_task(self._run(entry))

    async def _run(self, entry: Entry) -> None:
        entry.record = msgspec.structs.replace(entry.record, begun=entry.record.begun + 1)
        await self._keep(entry, entry.job)
        worked = asyncio.ensure_future(self._worked(entry))
        await asyncio.wait([worked])
        await self._take(entry, worked)
        del self._running[entry.job.id]
        self._begin()

    async def _worked(self, entry: Entry) -> dict[str, Any]:
        job, loop = entry.job, asyncio.get_running_loop()
        async with self._memories.use(job.memory) as held:
            await self._memories.measure([job.memory])  # nobody can, while the job holds it
            told = _progress(entry, loop)
            return await loop.run_in_executor(
                self._threads, work, held.memory, job.kind, entry.record.options, entry.recent, told
            )

    async def _take(self, entry: Entry, worked: asyncio.Future[dict[str, Any]]) -> None:
        """What a job came to."""
        error = worked.exception()
        if error is None and entry.stale:
            error = FORGOTTEN_MEANWHILE
        if error is None:
            await self._end(entry, "done", result=worked.result())
        elif not isinstance(error, Stopped):
            await self._end(entry, "failed", problem=problem_body(self._problem(entry, error)))
        elif entry.cancelled:
            await self._end(entry, "cancelled")
        else:  # the server stops, and this goes on when it starts
            entry.record = msgspec.structs.replace(entry.record, begun=entry.record.begun - 1)
            entry.change(msgspec.structs.replace(entry.job, state="queued", done=0, total=0))
            await self._keep(entry, entry.job)

    def _problem(self, entry: Entry, error: BaseException) -> HttpProblem:
        problem = as_problem(error) if isinstance(error, Exception) else INTERRUPTED
        if problem.status >= 500:
            log.error("job failed", job=entry.job.id, kind=entry.job.kind, error=type(error).__name__, exc_info=error)
        return problem

    async def _end(self, entry: Entry, state: JobState, **more: Any) -> None:
        """Say how a job ended, after it is kept: what was told once is told after a restart too."""
        told = msgspec.structs.replace(entry.job, state=state, ended=now(), **more)
        await self._keep(entry, told)
        ended = [one for one in self._of(entry.job.memory) if one.job.has_ended]
        for old in ended[: max(0, len(ended) + 1 - HISTORY)]:
            await self._remove(old)
        if entry.stale and told.result is not None:
            told = msgspec.structs.replace(told, result=None, problem=problem_body(RESULT_GONE))
        entry.recent = None
        entry.change(told)

    async def _keep(self, entry: Entry, told: Job) -> None:
        """Write a job down. If the disk refuses, it is run again after a restart: that is safe."""
        async with entry.writing:
            if entry.job.id not in self._entries:
                return
            try:
                await asyncio.to_thread(self._files.write, msgspec.structs.replace(entry.record, job=told))
            except ProtomemError as error:
                log.error("job not kept", job=entry.job.id, error=type(error).__name__, exc_info=error)

    async def _remove(self, entry: Entry) -> None:
        self._entries.pop(entry.job.id, None)
        async with entry.writing:
            await asyncio.to_thread(self._files.remove, entry.job.id)

    def _of(self, memory: str) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.job.memory == memory]


def _taken_up(record: Record) -> Job:
    """A job that had not ended: to be run once more, or failed."""
    if record.begun >= MOST_BEGUN or record.has_recent:
        return msgspec.structs.replace(record.job, state="failed", problem=problem_body(INTERRUPTED), ended=now())
    return msgspec.structs.replace(record.job, state="queued", done=0, total=0)


def _progress(entry: Entry, loop: asyncio.AbstractEventLoop) -> Callable[[int, int], None]:
    """What the library calls in the job's thread: tells watchers, and ends the job if it is to stop."""

    def told(done: int, total: int) -> None:
        if entry.stop:
            raise Stopped
        loop.call_soon_threadsafe(entry.advance, done, total)

    return told


def _new_id() -> str:
    """Later ids are greater; the rest of it cannot be guessed."""
    return f"{time.time_ns() // 1_000_000:012x}{dice.token_hex(8)}"
