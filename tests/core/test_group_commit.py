"""Who comes while a group is at work is in the next one; each is told its own outcome, and nobody before the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.core.together import gathering

import protomem
from protomem.group_commit import GroupCommit


class Stopped(BaseException):
    """As Ctrl-C stops a thread; pytest would take that for its own."""


class Work:
    """Doubles numbers; refuses odd ones; is stopped at 99 and fails at 100. Keeps what groups there were."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def carry_out(self, group: Sequence[int]) -> list[int | protomem.ProtomemError]:
        self.groups.append(list(group))
        self.may_end.wait()
        if 100 in group:
            raise protomem.StoreUnavailable("memory.duckdb: the disk refused")
        if 99 in group:
            raise Stopped
        return [protomem.NotRemembered(f"{one} is odd") if one % 2 else 2 * one for one in group]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def group(work: Work) -> GroupCommit[int, int]:
    return GroupCommit(work.carry_out)


def test_a_lone_request_waits_for_nobody(work: Work, group: GroupCommit[int, int]) -> None:
    assert [group.ask(number) for number in (2, 4)] == [4, 8]
    assert work.groups == [[2], [4]]


def test_requests_that_wait_are_one_group_in_their_order(work: Work, group: GroupCommit[int, int]) -> None:
    numbers = list(range(0, 20, 2))
    with gathering(group, [lambda number=number: group.ask(number) for number in numbers]) as begun:
        assert not any(one.done() for one in begun)
    assert [one.result() for one in begun] == [2 * number for number in numbers]
    assert work.groups == [numbers]


def test_nobody_is_told_before_the_group_is_carried_out(work: Work, group: GroupCommit[int, int]) -> None:
    work.may_end.clear()
    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(group.ask, number) for number in (2, 4, 6, 8)]
        while not work.groups:
            """The first one has taken the lead."""
        assert not any(one.done() for one in begun)
        work.may_end.set()
    assert sorted(one.result() for one in begun) == [4, 8, 12, 16]


def test_a_refusal_is_its_callers_alone(group: GroupCommit[int, int]) -> None:
    with gathering(group, [lambda number=number: group.ask(number) for number in (2, 3, 4)]) as begun:
        """All three wait."""
    assert (begun[0].result(), begun[2].result()) == (4, 8)
    with pytest.raises(protomem.NotRemembered, match="3 is odd"):
        begun[1].result()


def test_if_the_group_fails_each_is_told_so_and_the_next_goes_on(group: GroupCommit[int, int]) -> None:
    with gathering(group, [lambda number=number: group.ask(number) for number in (2, 3, 100)]) as begun:
        """All three wait, one of them to be refused."""
    errors = [one.exception() for one in begun]
    for error in errors:
        with pytest.raises(protomem.StoreUnavailable, match=r"memory\.duckdb: the disk refused"):
            raise error
    assert len({id(error) for error in errors}) == 3, "two threads would add to one traceback"
    assert group.ask(2) == 4


def test_a_leader_that_is_stopped_leaves_nobody_waiting(group: GroupCommit[int, int]) -> None:
    with gathering(group, [lambda number=number: group.ask(number) for number in (99, 2, 4)]) as begun:
        """Any of the three may lead."""
    kinds = sorted(type(one.exception()).__name__ for one in begun)
    assert kinds == sorted(["Stopped", "StoreError", "StoreError"])
    told = next(one for one in begun if isinstance(one.exception(), protomem.StoreError))
    with pytest.raises(protomem.StoreError, match=r"was stopped \(Stopped\).* wholly or not at all; look for"):
        told.result()
    assert group.ask(2) == 4
