"""Lines are cut from a body as they come, and refused halves are parted, whatever the chunks and whoever is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomem import InvalidInput
from protomem_api import ndjson
from protomem_api.halving import by_halves
from protomem_api.ndjson import Line, batches, has_lines
from protomem_api.problems import HttpProblem, busy

LONGEST = 12
"""Bytes of a line, where a test is about long ones."""


def received(chunks: Sequence[bytes], most: int) -> list[list[Line]]:
    """The batches of a body that comes in these chunks."""
    messages = iter(
        [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        + [{"type": "http.request", "body": b"", "more_body": False}]
    )

    async def receive() -> Any:
        return next(messages)

    async def collect() -> list[list[Line]]:
        return [batch async for batch in batches(receive, most)]

    return asyncio.run(collect())


def expected(body: bytes) -> list[Line]:
    """The lines of a body that is there as a whole."""
    lines = enumerate(body.split(b"\n"), 1)
    told = [Line(number, None if len(text) > LONGEST else text.strip()) for number, text in lines]
    return [line for line in told if line.text is None or line.text]


@given(
    chunks=st.lists(st.lists(st.sampled_from([b"a", b"bc", b" ", b"\r", b"\n", b"\n", b"0123456789"])).map(b"".join)),
    most=st.integers(1, 4),
)
def test_lines_and_batches_depend_on_the_stream_and_not_on_its_chunks(chunks: list[bytes], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "LINE_BYTES", LONGEST)
        found = received(chunks, most)
        whole = received([b"".join(chunks)], most)
    assert found == whole
    assert [line for batch in found for line in batch] == expected(b"".join(chunks))
    assert all(len(batch) == most for batch in found[:-1])


def test_a_batch_of_long_lines_is_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "BATCH_BYTES", 10)
    assert [len(batch) for batch in received([b"12345\n" * 5], 100)] == [2, 2, 1]


def test_a_caller_that_goes_away_is_noticed() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def collect() -> None:
        async for _ in batches(receive, 1):
            raise AssertionError("there is no line")

    with pytest.raises(ConnectionResetError, match="went away in the middle"):
        asyncio.run(collect())


def test_a_content_type_may_have_parameters() -> None:
    assert has_lines({b"content-type": b"Application/X-NDJSON; charset=utf-8"})
    assert not has_lines({b"content-type": b"application/json"})
    assert not has_lines({})


@given(st.lists(st.booleans(), max_size=40))
def test_each_row_comes_to_what_it_would_alone(good: list[bool]) -> None:
    calls = 0

    async def call(rows: Sequence[tuple[int, bool]]) -> Sequence[int]:
        nonlocal calls
        calls += 1
        if wrong := [number for number, is_good in rows if not is_good]:
            raise InvalidInput(f"items[{wrong[0]}] is bad")
        return [number for number, _ in rows]

    rows = list(enumerate(good))
    results = asyncio.run(by_halves(rows, call))
    assert [one if isinstance(one, int) else -1 for one in results] == [number if ok else -1 for number, ok in rows]
    refused = [one for one in results if isinstance(one, HttpProblem)]
    assert [one.detail for one in refused] == [f"items[{number}] is bad" for number, ok in rows if not ok]
    assert calls <= 1 + 2 * good.count(False) * len(rows).bit_length()


def test_what_is_no_rows_fault_is_raised_at_once() -> None:
    calls = []

    async def call(rows: Sequence[int]) -> Sequence[int]:
        calls.append(rows)
        raise busy("no time")

    with pytest.raises(HttpProblem, match="no time"):
        asyncio.run(by_halves([1, 2, 3], call))
    assert calls == [[1, 2, 3]]
