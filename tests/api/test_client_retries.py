"""What gets no answer is sent again, and a write is applied once, however often it is sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.api.between import Between, between
from tests.api.serving import Served

import protomem

NUMBERS = count(1)
POINTS = [[1.0, 0.1], [0.1, 1.0]]


@pytest.fixture(scope="module")
def proxy(server: Served) -> Iterator[Between]:
    with between(server) as running:
        yield running


@pytest.fixture
def client(proxy: Between, key: str) -> Iterator[protomem.Client]:
    proxy.plan.clear()
    with protomem.Client(proxy.url, key, timeout=10) as client:
        yield client


@pytest.fixture
def memory(client: protomem.Client) -> protomem.RemoteMemory:
    return client.memory(f"retries-{next(NUMBERS)}", encoder="vectors:2", width=8)


@pytest.mark.parametrize("fate", ["lost", "answer lost", 429, 502, 503, 504])
def test_a_read_is_sent_again(proxy: Between, memory: protomem.RemoteMemory, fate: str | int) -> None:
    memory.learn(POINTS, ["east", "north"])
    proxy.plan += [fate, fate]
    assert memory.classes() == {"east": 1, "north": 1}


@pytest.mark.parametrize("fate", ["lost", "answer lost", 503])
def test_a_write_is_applied_once(proxy: Between, memory: protomem.RemoteMemory, fate: str | int) -> None:
    proxy.plan += [fate, fate]
    learned = memory.learn(POINTS, ["east", "north"])
    proxy.plan += [fate]
    forgotten = memory.forget(ids=[learned.ids[0]])
    memory.learn(POINTS, ["west", "west"], ids=["a", "b"])
    proxy.plan += [fate]
    trimmed = memory.trim(2)
    assert (learned.count, forgotten.count, trimmed.count) == (2, 1, 1)
    assert [receipt.kind for receipt in memory.receipts()] == ["learn", "forget", "learn", "forget"]
    assert len(memory) == 2


def test_a_write_is_applied_once_from_an_event_loop(proxy: Between, key: str, memory: protomem.RemoteMemory) -> None:
    async def learn() -> protomem.Receipt:
        async with protomem.AsyncClient(proxy.url, key) as client:
            remote = await client.memory(memory.name)
            proxy.plan += ["answer lost", 503]
            return await remote.learn(POINTS, ["east", "north"])

    receipt = asyncio.run(learn())
    assert receipt.count == 2
    assert [one.id for one in memory.receipts()] == [receipt.id]


@pytest.mark.parametrize("fate", ["lost", "answer lost", 503])
def test_what_comes_after_a_lost_contribution_is_merged(
    proxy: Between, client: protomem.Client, memory: protomem.RemoteMemory, fate: str | int
) -> None:
    """Each difference is against a contribution that arrived, however many were lost between."""
    coordinator = client.memory(f"retries-{next(NUMBERS)}", encoder="vectors:2", width=8)
    for row in range(3):
        memory.learn(POINTS, ["east", "north"], ids=[f"{row} a", f"{row} b"])
        proxy.plan += [fate, fate] if row == 1 else []
        part = memory.contribution("clinic")
        proxy.plan += [fate, fate]
        coordinator.merge(part)
        assert coordinator.digest() == memory.digest()
    assert [receipt.kind for receipt in coordinator.receipts()] == ["merge"] * 3
    proxy.plan += [fate]
    coordinator.withdraw("clinic")
    assert len(coordinator) == 0


@pytest.mark.parametrize("fate", ["lost", "answer lost", 503])
def test_a_job_is_begun_once(
    proxy: Between, memory: protomem.RemoteMemory, admin: httpx.Client, fate: str | int
) -> None:
    memory.learn(POINTS, ["east", "north"])
    proxy.plan += [fate, fate]
    assert memory.verify().ok
    proxy.plan += [fate]
    memory.purge()
    proxy.plan += [fate]
    memory.report(POINTS, costs=False, false_alarm=None)
    jobs = admin.get("/v1/jobs", params={"memory": memory.name}).json()["jobs"]
    assert [job["kind"] for job in jobs] == ["report", "purge", "verify"]


def test_every_write_has_a_key_of_its_own_or_the_callers(proxy: Between, memory: protomem.RemoteMemory) -> None:
    proxy.seen.clear()
    memory.learn(POINTS, ["east", "north"], ids=["a", "b"])
    memory.forget(ids=["a"])
    memory.trim(1)
    memory.learn(POINTS[:1], ["east"], ids=["c"], idempotency_key="mine")
    keys = [headers["idempotency-key"] for headers in proxy.seen]
    assert len(set(keys)) == 4
    assert keys[-1] == "mine"
    first = memory.receipts()[-1].id
    assert memory.learn(POINTS[:1], ["east"], ids=["c"], idempotency_key="mine").id == first


def test_a_memory_that_is_created_twice_is_one(proxy: Between, client: protomem.Client) -> None:
    name = f"retries-{next(NUMBERS)}"
    proxy.plan += ["passes", "answer lost"]
    assert len(client.memory(name, encoder="vectors:2")) == 0


def test_a_memory_that_was_deleted_when_the_answer_was_lost_is_deleted(
    proxy: Between, client: protomem.Client, memory: protomem.RemoteMemory
) -> None:
    proxy.plan += ["passes", "answer lost"]
    client.delete(memory.name)
    with pytest.raises(protomem.NotAMemory, match="there is no memory"):
        client.memory(memory.name, create=False)
    with pytest.raises(protomem.NotAMemory, match="nothing here that this key may use"):
        client.delete(memory.name)


def test_after_all_attempts_the_error_says_how_to_find_out(
    proxy: Between, key: str, memory: protomem.RemoteMemory
) -> None:
    with protomem.Client(proxy.url, key, attempts=2) as client:
        impatient = client.memory(memory.name)
        proxy.plan += ["answer lost", "answer lost"]
        with pytest.raises(
            protomem.ServerUnavailable,
            match="not known: the same call with idempotency_key='mine' makes it, or returns",
        ):
            impatient.learn(POINTS, ["east", "north"], idempotency_key="mine")
        assert impatient.learn(POINTS, ["east", "north"], idempotency_key="mine").id == memory.receipts()[0].id
        proxy.plan += ["lost", "lost"]
        with pytest.raises(protomem.ServerUnavailable, match=r"check the url and that the server runs$"):
            impatient.classes()
        proxy.plan += [503, 503]
        with pytest.raises(protomem.ServerUnavailable, match="503"):
            impatient.classes()
        proxy.plan += ["answer lost", "answer lost"]
        with pytest.raises(protomem.ServerUnavailable, match=r"the next one has to be everything \(whole=True\)$"):
            impatient.contribution("clinic")
        part = impatient.contribution("clinic", whole=True)
        assert (part.sequence, part.since) == (3, 0)
        proxy.plan += ["lost", "lost"]
        with pytest.raises(protomem.ServerUnavailable, match=r"merge it again, which changes nothing if it was$"):
            impatient.merge(part)
        assert not proxy.plan
    assert len(memory) == 2


def test_other_errors_are_not_sent_again(proxy: Between, memory: protomem.RemoteMemory) -> None:
    proxy.seen.clear()
    with pytest.raises(protomem.EmptyMemory, match="nothing is remembered"):
        memory.predict(POINTS)
    proxy.plan += [500]
    with pytest.raises(protomem.ServerError, match="500"):
        memory.classes()
    assert len(proxy.seen) == 2


def test_a_server_that_is_gone(key: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            protomem.Client(nobody, key, attempts=2) as client,
            pytest.raises(protomem.ServerUnavailable, match=r"did not answer .*refused"),
        ):
            client.memory("any")


def test_a_server_that_says_nothing(key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            protomem.Client(url, key, attempts=2, timeout=0.1) as client,
            pytest.raises(protomem.ServerUnavailable, match=r"did not answer .*timed out"),
        ):
            client.memory("any")
