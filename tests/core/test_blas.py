"""BLAS runs on one thread wherever mathematics runs, and as before everywhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from protomem.blas import one_blas_thread


def threads() -> list[int]:
    """How many threads each BLAS of numpy and scipy uses now."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas" and pool["threading_layer"] == "pthreads"]
    assert pools, "numpy and scipy bring OpenBLAS on plain threads"
    return [pool["num_threads"] for pool in pools]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Two BLAS threads, whatever the environment says."""
    with threadpool_limits(2, user_api="blas"):
        yield


def in_another_thread(call: Callable[[], list[int]]) -> list[int]:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def inside() -> list[int]:
    with one_blas_thread():
        return threads()


def test_one_thread_inside_and_the_program_s_own_outside() -> None:
    before = threads()
    assert set(before) == {2}
    assert set(inside()) == {1}
    assert threads() == before


def test_any_thread_may_limit_even_after_another_one_did() -> None:
    """threadpoolctl lets the first thread set a number and silently ignores the others."""
    assert set(inside()) == {1}
    assert set(in_another_thread(inside)) == {1}
    for pool in ThreadpoolController().select(user_api="blas").lib_controllers:
        pool.set_num_threads(2)  # this thread is now the one that may
    assert set(in_another_thread(inside)) == {1}
    assert set(in_another_thread(threads)) == {2}


def test_the_last_to_leave_restores() -> None:
    entered, leave = threading.Event(), threading.Event()

    def stay() -> list[int]:
        with one_blas_thread():
            entered.set()
            leave.wait(timeout=60)
            return threads()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(stay)
        assert entered.wait(timeout=60)
        assert set(inside()) == {1}
        assert set(threads()) == {1}, "the other thread is still inside"
        leave.set()
        assert set(future.result()) == {1}
    assert set(threads()) == {2}
