"""Where mathematics and the disk are waited for: bounded threads, so that the event loop never is."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar, final

from protomem_api.metrics import QUEUED
from protomem_api.problems import busy

__all__ = ["Threads", "give_all_way", "give_way", "have_give_way"]

P = ParamSpec("P")
R = TypeVar("R")

NICER: Final = 10
"""By how much threads that solve heads are nicer than those that answer: on a busy core they get a tenth. With one
stream of writes beside 200 answers a second the 99th percentile fell from 16.7 to 12.9 ms (medians of six runs), and
writes came no slower."""

NICEST: Final = 19
"""Of a thread that helps one that solves: both at once would fill two cores. Beside writes the 99th percentile so fell
from 9.3 to 8.5 ms (medians of three runs, which differ by as much), and writes beside 32 busy clients came no later."""


@final
class Threads:
    """A number of threads with a queue of at most `most` calls; one more is told that the server is busy.

    Threads in the background give way to others, and so do the threads that they start.
    """

    def __init__(self, name: str, count: int, most: int, *, background: bool = False) -> None:
        self._pool = ThreadPoolExecutor(count, name, initializer=give_way if background else None)
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


def give_way(by: int = NICER) -> None:
    """Let others have the processor before this thread, where niceness is a thread's own: on Linux."""
    if sys.platform == "linux":
        me = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + by)


def have_give_way(process: int) -> None:
    """Let others have it before this process, just started, as before threads in the background of this one.

    It begins as nice as the thread that started it, which may be in the background already; none may become less nice.
    """
    if sys.platform == "linux":
        own, mine = (os.getpriority(os.PRIO_PROCESS, one) for one in (process, os.getpid()))
        os.setpriority(os.PRIO_PROCESS, process, max(own, mine + NICER))


def give_all_way() -> None:
    """Let all others have it, for a thread that only helps another."""
    give_way(NICEST)
