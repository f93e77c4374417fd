"""Work beside other work gives what it gives, and raises what it raises."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from protomem.beside import WORKERS, beside


def test_it_goes_on_at_once_and_waits_when_asked() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        may_end.wait(60)
        return "done"

    result = beside(work)
    assert begun.wait(60)
    may_end.set()
    assert result() == "done"


def test_what_it_raises_is_raised_where_it_is_waited_for() -> None:
    def work() -> None:
        raise np.linalg.LinAlgError("the matrix is not positive definite")

    result = beside(work)
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        result()


def test_more_than_there_are_places_for_wait_their_turn() -> None:
    results = [beside(lambda number=number: number**2) for number in range(5 * WORKERS)]
    assert [result() for result in results] == [number**2 for number in range(5 * WORKERS)]
