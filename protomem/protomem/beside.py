"""One piece of work beside another, on a second core if there is one. What is computed is the same either way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

__all__ = ["Later", "begin_helpers_with", "beside"]

Result = TypeVar("Result")

Later = Callable[[], Result]
"""What waits for a result, and gives it or raises what came of it, as often as it is asked."""

WORKERS: Final = 4
"""Pieces of work at a time, of which a memory begins two at most; the next one waits for a place."""

_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="protomem-beside")


def beside(work: Callable[[], Result]) -> Later[Result]:
    """Begin `work`, which should spend its time where the interpreter's lock is let go, and go on at once.

    It may wait for other work that was begun before it: places are given in order.
    """
    return _pool.submit(work).result


def begin_helpers_with(first: Callable[[], None]) -> None:
    """Have every thread that works beside others call this before its work, from now on: to give way, for example."""
    global _pool  # noqa: PLW0603  # there is one for the whole process
    _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="protomem-beside", initializer=first)
