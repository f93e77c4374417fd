"""Many small requests as few large ones: what arrives while a batch is under way is the next batch."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar, final

__all__ = ["Batcher"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@final
class Waiting(NamedTuple):
    """A request in the queue: its items, and where its results go."""

    items: Sequence[Any]
    answered: asyncio.Future[Sequence[Any]]


@final
class Batcher(Generic[Item, Result]):
    """Calls `run`, which gives one result for each item, on the items of several requests at once.

    One call is under way at a time, on at most `most` items, or on those of a single request that has more. Where fewer
    requests wait than the last batch had, it waits up to `seconds` for as many: its callers are just reading their
    answers, and the first of them would otherwise be answered alone. A caller by itself never waits. Where a batch
    fails, each of its requests is run by itself, so that none gets the error of another.

    Results must not depend on what else is in the batch. Belongs to one event loop.
    """

    def __init__(
        self, run: Callable[[list[Item]], Awaitable[Sequence[Result]]], most: int, seconds: float = 0.0
    ) -> None:
        self._run = run
        self._most = most
        self._seconds = seconds
        self._last = 1
        self._wanted = 0
        self._came = asyncio.Event()
        self._queue: deque[Waiting] = deque()
        self._worker: asyncio.Task[None] | None = None

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """That of the first call: to ask which it is costs a system call each time."""
        return asyncio.get_running_loop()

    @property
    def idle(self) -> bool:
        """Whether nothing is queued or under way."""
        return self._worker is None

    async def ask(self, items: Sequence[Item]) -> Sequence[Result]:
        """The results for these items, in their order."""
        return await self.begin(items)

    def begin(self, items: Sequence[Item]) -> asyncio.Future[Sequence[Result]]:
        """The same, to come."""
        answered: asyncio.Future[Sequence[Any]] = self._loop.create_future()
        self._queue.append(Waiting(items, answered))
        if len(self._queue) == self._wanted:
            self._came.set()
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())
        return answered

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._gather(self._last)
                if batch := self._next():
                    self._last = len(batch)
                    await self._answer(batch)
        finally:
            self._worker = None

    async def _gather(self, wanted: int) -> None:
        """Wait until so many requests are there, but not for long."""
        if len(self._queue) >= wanted:
            return
        self._wanted = wanted
        self._came.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), self._seconds)
        self._wanted = 0

    def _next(self) -> list[Waiting]:
        """The requests of the next batch; one whose caller has gone is left out."""
        batch: list[Waiting] = []
        count = 0
        while self._queue and (not batch or count + len(self._queue[0].items) <= self._most):
            waiting = self._queue.popleft()
            if not waiting.answered.done():
                batch.append(waiting)
                count += len(waiting.items)
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        items = [item for waiting in batch for item in waiting.items]
        ran = asyncio.ensure_future(self._run(items))
        await asyncio.wait([ran])
        if error := ran.exception():
            await self._told(batch, error)
            return
        start = 0
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_result(ran.result()[start : start + len(waiting.items)])
            start += len(waiting.items)

    async def _told(self, batch: list[Waiting], error: BaseException) -> None:
        if len(batch) == 1 and not batch[0].answered.done():
            batch[0].answered.set_exception(error)
        if len(batch) > 1:
            for waiting in batch:
                await self._answer([waiting])
