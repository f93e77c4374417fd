"""Calls from as many threads, brought into one group and in their order, whatever the scheduler does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import protomem
from protomem.group_commit import GroupCommit


@contextmanager
def gathering(group: GroupCommit[Any, Any], calls: Sequence[Callable[[], Any]]) -> Iterator[list[Future[Any]]]:
    """The calls wait in line inside, as behind a group that is at work, and are carried out at the end."""
    with group._changed:
        group._is_led = True
    with ThreadPoolExecutor(max(1, len(calls))) as pool:
        begun = []
        for number, call in enumerate(calls, 1):
            begun.append(pool.submit(call))
            while len(group._queue) < number and not begun[-1].done():
                time.sleep(0.0001)
        yield begun
        with group._changed:
            group._is_led = False
            group._changed.notify_all()


def together(memory: protomem.Memory, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of these writes of the memory returned or raised, all of them carried out as one group."""
    with gathering(memory._shared._changes, calls) as begun:
        assert len(memory._shared._changes._queue) == len(calls), "a call was refused before it came to the group"
    return [one.exception() or one.result() for one in begun]
