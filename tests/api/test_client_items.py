"""How items travel from the client to the server, and lists back."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from io import BytesIO
from itertools import count

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.serving import Served

import protomem
from protomem.settings import MemorySettings
from protomem.space import SpaceSettings
from protomem_api import wire
from protomem_client.items import MOST_BYTES, MOST_ITEMS, items_out, parts

NUMBERS = count(1)
POINTS = [[1.0, 0.1], [0.1, 1.0]]


@pytest.fixture
def client(server: Served, key: str) -> Iterator[protomem.Client]:
    with protomem.Client(server.url, key) as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"client-items-{next(NUMBERS)}"


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1))
def test_vectors_arrive_bit_equal(rows: list[list[float]]) -> None:
    vectors = np.array([[*row, 1.0] for row in rows])
    for given_ in (vectors, np.clip(vectors, -1e30, 1e30).astype(np.float32)):
        sent = msgspec.json.encode(items_out(given_, settings_of("vectors:3", 3)))
        arrived = np.array(msgspec.json.decode(sent, type=list[wire.Item]), dtype=np.float64)
        assert arrived.tobytes() == given_.astype(np.float64).tobytes()


def test_pictures_arrive_without_loss() -> None:
    image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    (sent,) = items_out([image.fromarray(pixels)], settings_of("clip", 512))
    (arrived,) = msgspec.json.decode(b"[" + bytes(sent) + b"]", type=list[wire.Item])
    assert np.array_equal(np.asarray(image.open(BytesIO(arrived.image))), pixels)
    assert base64.b64decode(msgspec.json.decode(sent)["image"]) == arrived.image


def test_many_items_are_parted_in_order() -> None:
    small = [msgspec.Raw(b"1")] * (2 * MOST_ITEMS + 1)
    assert [len(part) for part in parts(small)] == [MOST_ITEMS, MOST_ITEMS, 1]
    big = [
        msgspec.Raw(b"1" * (MOST_BYTES // 2)),
        msgspec.Raw(b"2" * (MOST_BYTES // 2)),
        msgspec.Raw(b"3"),
        msgspec.Raw(b"4" * (2 * MOST_BYTES)),
    ]
    assert [len(part) for part in parts(big)] == [2, 1, 1]
    assert [list(part) for part in parts([])] == [[]]


def test_more_than_the_server_takes_is_refused_whole(client: protomem.Client, name: str) -> None:
    memory = client.memory(name, encoder="vectors:2", width=8)
    with pytest.raises(protomem.InvalidInput, match="items has 51 entries: at most 50"):
        memory.learn(POINTS[:1] * 51, ["a"] * 51)
    assert len(memory) == 0


def test_a_question_of_several_requests_is_answered_in_order(
    client: protomem.Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protomem_client.items.MOST_ITEMS", 3)
    memory = client.memory(name, encoder="vectors:2", width=8)
    memory.learn(POINTS, ["east", "north"])
    told: list[tuple[int, int]] = []
    answers = memory.predict(POINTS * 4, progress=lambda done, total: told.append((done, total)))
    assert [answer.label for answer in answers] == ["east", "north"] * 4
    assert told == [(3, 8), (6, 8), (8, 8)]


def test_long_lists_come_in_pages(
    client: protomem.Client, name: str, server: Served, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = client.memory(name, encoder="vectors:2", width=8)
    for number in range(5):
        memory.learn(POINTS[:1], ["east"], ids=[f"e{number}"])
    monkeypatch.setattr("protomem_client.operations.MOST", 2)
    assert [one.id for one in memory.examples()] == [f"e{number}" for number in range(5)]
    assert [one.id for one in memory.examples(after="e0", limit=3)] == ["e1", "e2", "e3"]
    assert [receipt.sequence for receipt in memory.receipts()] == [1, 2, 3, 4, 5]
    assert [receipt.sequence for receipt in memory.receipts(after=1, limit=3)] == [2, 3, 4]

    async def ids() -> list[str]:
        async with protomem.AsyncClient(server.url, key) as other:
            return [one.id async for one in (await other.memory(name)).examples("east", after="e0")]

    assert asyncio.run(ids()) == [f"e{number}" for number in range(1, 5)]


def settings_of(encoder: str, dimension: int) -> MemorySettings:
    return MemorySettings(encoder, "codes", SpaceSettings(dimension, "fingerprint"))
