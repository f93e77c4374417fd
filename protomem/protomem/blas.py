"""BLAS on one thread while floating-point mathematics runs.

Solved weights differ in their last bits with the number of BLAS threads; on one thread they do not depend on how a
machine or a program is set up. It is no slower either: numpy and scipy bring a pool each, and their threads spin for
some 20 ms after every product, each taking a core from the next step (measured on two cores: first answer after 10,003
examples 1.8 s with the pools, 1.3 s without). Integer sums are exact with any number of threads and keep them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import faiss  # noqa: F401  # loaded before the controller looks for libraries
import numpy as np  # noqa: F401
import scipy.linalg  # noqa: F401
from threadpoolctl import OpenBLASController, ThreadpoolController

__all__ = ["one_blas_thread"]

# FAISS brings a BLAS on OpenMP, whose number of threads belongs to the calling thread: `protomem.search` sets that one.
_POOLS = [
    library
    for library in ThreadpoolController().select(user_api="blas").lib_controllers
    if getattr(library, "threading_layer", None) != "openmp"
]
_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread; the setting, which is the whole process's, is restored when the last thread leaves."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _before  # noqa: PLW0603  # the setting is the process's too
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = [pool.get_num_threads() for pool in _POOLS]
            _set([1] * len(_POOLS))


def _leave() -> None:
    global _inside  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if _inside == 0:
            _set(_before)


def _set(threads: list[int]) -> None:
    """Set these numbers of threads from whichever thread this is.

    threadpoolctl lets only the first thread that set a number set another and silently ignores the rest. The lock above
    orders ours, so each takes that right and gives it back.
    """
    OpenBLASController.clear_controlling_thread(force=True)
    for pool, number in zip(_POOLS, threads, strict=True):
        pool.set_num_threads(number)
    OpenBLASController.clear_controlling_thread(force=True)
