"""A part is computed once, when asked for, and nobody waits for that of another object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from protomem.lazy import lazy

PATIENCE = 10.0
"""Seconds after which a thread is said to be waiting for another."""


class Sum:
    """Adds when it is asked."""

    def __init__(self, compute: Callable[[], int]) -> None:
        self.compute = compute
        self.asked = 0

    @lazy
    def total(self) -> int:
        """What comes of it."""
        self.asked += 1
        return self.compute()


def test_it_is_computed_once_and_kept_in_the_object() -> None:
    one, other = Sum(lambda: 3), Sum(lambda: 4)
    assert "total" not in vars(one)
    assert [one.total, one.total, other.total, one.total] == [3, 3, 4, 3]
    assert (one.asked, other.asked) == (1, 1)
    assert vars(one)["total"] == 3


def test_what_failed_is_computed_again() -> None:
    numbers: list[int] = []
    asked = Sum(lambda: numbers[0])
    with pytest.raises(IndexError, match="out of range"):
        _ = asked.total
    numbers.append(5)
    assert asked.total == 5


def test_the_class_shows_what_it_is() -> None:
    assert isinstance(Sum.total, lazy)
    assert Sum.total.__doc__ == "What comes of it."


def test_nobody_waits_for_the_part_of_another_object() -> None:
    """Each is computed only while the other is."""
    both = threading.Barrier(2, timeout=PATIENCE)
    with ThreadPoolExecutor(2) as threads:
        asked = [Sum(both.wait), Sum(both.wait)]
        assert sorted(threads.map(lambda one: one.total, asked)) == [0, 1]
