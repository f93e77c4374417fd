"""Threads in the background and those that help give way, and no others do."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from protomem import beside as helping
from protomem_api.threads import NICER, NICEST, Threads, give_all_way


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's own on Linux alone")
def test_only_threads_in_the_background_are_nicer() -> None:
    async def both() -> tuple[int, int]:
        behind, ahead = Threads("behind", 1, 9, background=True), Threads("ahead", 1, 9)
        found = await behind.run(niceness), await ahead.run(niceness)
        behind.close()
        ahead.close()
        return found

    mine = niceness()
    assert asyncio.run(both()) == (min(19, mine + NICER), mine)
    assert niceness() == mine


@pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's own on Linux alone")
def test_threads_that_help_give_way_to_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helping, "_pool", None)  # put back after the test
    helping.begin_helpers_with(give_all_way)
    mine = niceness()
    assert helping.beside(niceness)() == NICEST
    assert niceness() == mine
