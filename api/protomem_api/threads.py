"""Where mathematics and the disk are waited for: bounded threads, so that the event loop never is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar, final

from protomem_api.metrics import QUEUED
from protomem_api.problems import busy

__all__ = ["Threads"]

P = ParamSpec("P")
R = TypeVar("R")


@final
class Threads:
    """A number of threads with a queue of at most `most` calls; one more is told that the server is busy."""

    def __init__(self, name: str, count: int, most: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._most = most
        self._waiting = 0
        self._gauge = QUEUED.labels(name)
        self._gauge.set_function(lambda: self._waiting)

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call this in a thread. What has begun is finished, even if the caller is gone."""
        if self._waiting >= self._most:
            raise busy("too many requests are waiting already: try again shortly")
        self._waiting += 1
        future = asyncio.wrap_future(self._pool.submit(call, *args, **kwargs))
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Wait for what has begun."""
        self._pool.shutdown()

    def _ended(self, _future: asyncio.Future[R]) -> None:
        self._waiting -= 1
