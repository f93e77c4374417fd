"""A batcher answers each request as if it were alone, whatever comes together."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from protomem_api.batching import Batcher

REQUESTS = st.lists(st.tuples(st.lists(st.integers(0, 99), max_size=5), st.integers(0, 3)), max_size=30)


@given(requests=REQUESTS, most=st.integers(1, 8))
def test_each_request_gets_its_own_results(requests: list[tuple[list[int], int]], most: int) -> None:
    sizes: list[int] = []

    async def run(items: list[int]) -> list[int]:
        sizes.append(len(items))
        await asyncio.sleep(0)
        return [item * 2 for item in items]

    async def ask(batcher: Batcher[int, int], items: list[int], later: int) -> list[int]:
        for _ in range(later):
            await asyncio.sleep(0)
        return list(await batcher.ask(items))

    async def all_of_them() -> list[list[int]]:
        batcher = Batcher(run, most, 0.0)
        found = await asyncio.gather(*(ask(batcher, items, later) for items, later in requests))
        await asyncio.sleep(0)
        assert batcher.idle
        return found

    assert asyncio.run(all_of_them()) == [[item * 2 for item in items] for items, _ in requests]
    longest = max((len(items) for items, _ in requests), default=0)
    assert all(size <= max(most, longest) for size in sizes)


def test_what_comes_while_a_batch_is_under_way_is_one_batch() -> None:
    sizes: list[int] = []

    async def run(items: list[int]) -> list[int]:
        sizes.append(len(items))
        await asyncio.sleep(0.01)
        return items

    async def ten() -> None:
        batcher = Batcher(run, 64)
        first = asyncio.create_task(batcher.ask([0]))
        await asyncio.sleep(0.001)
        await asyncio.gather(first, *(batcher.ask([row]) for row in range(9)))

    asyncio.run(ten())
    assert sizes == [1, 9]


def test_the_error_of_one_is_not_that_of_another() -> None:
    async def run(items: list[int]) -> list[float]:
        return [1 / item for item in items]

    async def three() -> list[object]:
        batcher = Batcher(run, 64)
        return await asyncio.gather(*(batcher.ask([row]) for row in (1, 0, 2)), return_exceptions=True)

    first, second, third = asyncio.run(three())
    assert (first, third) == ([1.0], [0.5])
    assert isinstance(second, ZeroDivisionError)


def test_a_caller_that_went_away_is_not_computed_for() -> None:
    ran: list[int] = []

    async def run(items: list[int]) -> list[int]:
        ran.extend(items)
        await asyncio.sleep(0.01)
        return items

    async def two() -> None:
        batcher = Batcher(run, 64)
        first = asyncio.create_task(batcher.ask([1]))
        await asyncio.sleep(0.001)
        gone = asyncio.create_task(batcher.ask([2]))
        await asyncio.sleep(0)
        gone.cancel()
        await first
        assert gone.cancelled()

    asyncio.run(two())
    assert ran == [1]
