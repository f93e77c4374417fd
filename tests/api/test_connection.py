"""Requests on one connection: all are answered, in their order and each as by itself, however their bytes come."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.conftest import POINTS, taught
from tests.api.raw import Raw, Told
from tests.api.serving import Served, served
from tests.api.test_life import address, process

from protomem_api import KeyFile, Settings, connection, quick
from protomem_api.routes import answering

BODY = b'{"items": [[1.0, 0.2]], "top_k": 2}'
Asking = tuple[Served, Callable[..., bytes]]


def request(path: str, key: str, body: bytes = BODY, method: str = "POST", headers: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{headers}"
    if "chunked" in headers:
        return f"{head}\r\n".encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


JSON = "Content-Type: application/json\r\n"
OTHERWISE = "Content-Type: application/json; charset=utf-8\r\n"
"""The same type, which is not answered the short way."""


@pytest.fixture(scope="module")
def kinds(admin: httpx.Client, key: str, server: Served) -> dict[str, tuple[bytes, Told]]:
    """Requests of every kind, each with its answer, of the documented route wherever there are two ways."""
    path = taught(admin, {"encoder": "vectors:2", "width": 64}, POINTS)
    predict = f"{path}/predict"
    wrong = b'{"items": [[0, 0]]}'
    sent = {
        "plain": (request(predict, key, headers=JSON), request(predict, key, headers=OTHERWISE)),
        "plain, wrong": (request(predict, key, wrong, headers=JSON), request(predict, key, wrong, headers=OTHERWISE)),
        "no JSON": (request(predict, key, b"{", headers=JSON), request(predict, key, b"{", headers=OTHERWISE)),
        "no key": (request(predict, "pm_", headers=JSON), request(predict, "pm_", headers=OTHERWISE)),
        "chunked": (request(predict, key, headers=f"{JSON}Transfer-Encoding: chunked\r\n"),) * 2,
        "another type": (request(predict, key, headers="Content-Type: text/plain\r\n"),) * 2,
        "long": (request(predict, key, b" " * 70_000 + BODY, headers=JSON),) * 2,
        "a list": (request(f"{path}/classes", key, b"", "GET"),) * 2,
        "nothing there": (request("/nothing", key, b"", "GET"),) * 2,
        "another method": (request(predict, key, b"", "PUT"),) * 2,
    }
    return {kind: (one, alone(server.url, documented)) for kind, (one, documented) in sent.items()}


def alone(url: str, sent: bytes) -> Told:
    with Raw(url) as raw:
        raw.send(sent)
        return raw.answers(1)[0]


@contextmanager
def asking(settings: Settings) -> Iterator[Asking]:
    """A server of these settings, and plain requests to it by their `top_k`."""
    with served(settings) as running:
        client = running.client("admin")
        path = taught(client, {"encoder": "vectors:2", "width": 64}, POINTS)
        secret = client.headers["Authorization"].removeprefix("Bearer ")
        client.close()

        def ask(top_k: int = 1) -> bytes:
            body = {"items": [[1.0, 0.2]], "top_k": top_k}
            return request(f"{path}/predict", secret, json.dumps(body).encode(), headers=JSON)

        yield running, ask


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Asking]:
    """A server that takes three connections at most."""
    with asking(Settings(data=tmp_path, connections=3)) as both:
        yield both


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes predicts take so many seconds longer, from now on."""
    begun, answered = quick.begun, answering.answered

    def make(seconds: float) -> None:
        async def late(answer: Callable[..., Any], *asked: Any) -> Any:
            await asyncio.sleep(seconds)
            return await answer(*asked)

        monkeypatch.setattr(quick, "begun", lambda *asked: asyncio.ensure_future(late(begun, *asked)))
        monkeypatch.setattr(answering, "answered", partial(late, answered))

    return make


NAMES = (
    "plain",
    "plain",
    "plain, wrong",
    "no JSON",
    "no key",
    "chunked",
    "another type",
    "long",
    "a list",
    "nothing there",
    "another method",
)


@settings(deadline=None)
@given(
    asked=st.lists(st.sampled_from(NAMES), min_size=1, max_size=6),
    cuts=st.lists(st.floats(0, 1), max_size=6),
    waits=st.booleans(),
)
def test_requests_are_answered_in_order_however_they_are_cut(
    server: Served, kinds: dict[str, tuple[bytes, Told]], asked: list[str], cuts: list[float], waits: bool
) -> None:
    sent = b"".join(kinds[kind][0] for kind in asked)
    ends = sorted({int(cut * len(sent)) for cut in cuts} | {len(sent)})
    with Raw(server.url) as raw:
        for start, end in zip([0, *ends], ends, strict=False):
            raw.send(sent[start:end])
            time.sleep(0.002 if waits else 0)
        assert raw.answers(len(asked)) == [kinds[kind][1] for kind in asked]


def test_every_single_cut_of_a_plain_request_is_harmless(server: Served, kinds: dict[str, tuple[bytes, Told]]) -> None:
    sent, expected = kinds["plain"]
    with Raw(server.url) as raw:
        for cut in range(0, len(sent), 7):
            raw.send(sent[:cut])
            time.sleep(0.001)
            raw.send(sent[cut:])
        assert raw.answers(len(range(0, len(sent), 7))) == [expected] * len(range(0, len(sent), 7))


def test_requests_that_come_while_one_is_answered_wait_for_their_turn(
    few: Asking, slowly: Callable[[float], None]
) -> None:
    server, ask = few
    expected = [alone(server.url, ask(top_k)) for top_k in (1, 2, 1, 2)]
    slowly(0.05)
    with Raw(server.url) as raw:
        for top_k in (1, 2, 1, 2):
            raw.send(ask(top_k))
            time.sleep(0.01)
        assert raw.answers(4) == expected


def test_a_plain_request_waits_for_one_before_it_that_is_not(few: Asking, slowly: Callable[[float], None]) -> None:
    server, ask = few
    expected = [alone(server.url, ask(top_k)) for top_k in (1, 2)]
    slowly(0.05)
    with Raw(server.url) as raw:
        raw.send(ask(1).replace(JSON.encode(), OTHERWISE.encode()))
        time.sleep(0.02)
        slowly(0.0)
        raw.send(ask(2))
        assert raw.answers(2) == expected


def test_a_caller_that_sends_much_and_reads_late_gets_every_answer(
    server: Served, kinds: dict[str, tuple[bytes, Told]]
) -> None:
    count = 2_000
    with Raw(server.url) as raw:
        sending = threading.Thread(target=lambda: [raw.send(kinds["plain"][0]) for _ in range(count)])
        sending.start()
        time.sleep(0.5)
        assert raw.answers(count) == [kinds["plain"][1]] * count
        sending.join()


@pytest.mark.parametrize("keys", [("right", "wrong"), ("wrong", "right")])
def test_a_header_twice_means_what_it_means_to_the_route(
    server: Served, kinds: dict[str, tuple[bytes, Told]], key: str, keys: tuple[str, str]
) -> None:
    secrets = {"right": key, "wrong": "pm_"}
    lines = "".join(f"Authorization: Bearer {secrets[one]}\r\n" for one in keys).encode()
    short = kinds["plain"][0].replace(f"Authorization: Bearer {key}\r\n".encode(), lines)
    assert alone(server.url, short) == alone(server.url, short.replace(JSON.encode(), OTHERWISE.encode()))


def test_two_lengths_are_refused(server: Served, kinds: dict[str, tuple[bytes, Told]]) -> None:
    doubled = kinds["plain"][0].replace(b"Content-Length", b"Content-Length: 3\r\nContent-Length")
    assert alone(server.url, doubled)[0] == 400


def test_a_caller_who_asks_first_whether_to_send_is_told(server: Served, kinds: dict[str, tuple[bytes, Told]]) -> None:
    sent, expected = kinds["plain"]
    head, _, body = sent.replace(b"Host", b"Expect: 100-continue\r\nHost").partition(b"\r\n\r\n")
    with Raw(server.url) as raw:
        raw.send(head + b"\r\n\r\n")
        assert raw.answers(1) == [(100, b"")]
        raw.send(body)
        assert raw.answers(2)[1] == expected


UPGRADES = {
    "HTTP/2": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "WebSocket": b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n",
}


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
@pytest.mark.parametrize("kind", ["plain", "another type", "chunked", "no JSON", "another method"])
def test_a_request_for_another_protocol_is_answered_in_this_one(
    server: Served, kinds: dict[str, tuple[bytes, Told]], kind: str, upgrade: bytes
) -> None:
    """However it is cut, and what comes after it on the same connection too."""
    sent, expected = kinds[kind]
    asking = sent.replace(b"Host", upgrade + b"Host")
    with Raw(server.url) as raw:
        for count, cut in enumerate(range(0, len(asking), 23), start=1):
            raw.send(asking[:cut])
            time.sleep(0.001)
            raw.send(asking[cut:] + sent)
            assert raw.answers(2 * count) == [expected] * (2 * count)


def test_a_head_that_comes_slowly_is_answered(server: Served, kinds: dict[str, tuple[bytes, Told]]) -> None:
    sent, expected = kinds["another type"]
    with Raw(server.url) as raw:
        for start in range(0, 100, 50):
            raw.send(sent[start : start + 50])
            time.sleep(1.5 * connection.REST_SECONDS)
        raw.send(sent[100:])
        assert raw.answers(1) == [expected]


def test_a_body_whose_rest_never_comes_is_told_so(tmp_path: Path) -> None:
    with served(Settings(data=tmp_path, body_seconds=0.5)) as running:
        client = running.client("admin")
        path = taught(client, {"encoder": "vectors:2", "width": 64}, POINTS)
        secret = client.headers["Authorization"].removeprefix("Bearer ")
        with Raw(running.url) as raw:
            raw.send(request(f"{path}/predict", secret, headers=JSON)[:-5])
            status, body = raw.answers(1)[0]
    assert (status, json.loads(body)["type"]) == (408, "/problems/body-too-slow")


def test_what_takes_too_long_is_told_so_and_the_next_is_answered(
    tmp_path: Path, slowly: Callable[[float], None]
) -> None:
    with asking(Settings(data=tmp_path, request_seconds=1)) as (server, ask), Raw(server.url) as raw:
        slowly(1.5)
        raw.send(ask(1))
        status, body = raw.answers(1)[0]
        assert (status, json.loads(body)["type"]) == (503, "/problems/busy")
        slowly(0.0)
        raw.send(ask(2))
        expected = raw.answers(2)[1]
        assert expected[0] == 200
        time.sleep(1)  # the answer to the first comes now, and goes nowhere
        raw.send(ask(2))
        assert raw.answers(3)[2] == expected


def test_what_fails_here_is_asked_of_the_route(few: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    server, ask = few
    expected = alone(server.url, ask())

    async def fail() -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(quick, "begun", lambda *_: asyncio.ensure_future(fail()))
    assert alone(server.url, ask()) == expected


def test_one_connection_too_many_is_told_so(few: Asking) -> None:
    server, ask = few
    with Raw(server.url) as first, Raw(server.url) as second:
        for raw in (first, second):
            raw.send(ask())
            assert raw.answers(1)[0][0] == 200
        with Raw(server.url) as third:
            third.send(ask())
            assert third.answers(1)[0][0] == 503


def test_a_caller_that_goes_away_leaves_nothing_under_way(few: Asking, slowly: Callable[[float], None]) -> None:
    server, ask = few
    slowly(0.1)
    sent = ask()
    for part in (sent, sent * 3, sent + sent[:-1]):
        with Raw(server.url) as raw:
            raw.send(part)
            time.sleep(0.05)
    with Raw(server.url) as raw:
        raw.send(ask())
        assert raw.answers(1)[0][0] == 200


def test_an_idle_connection_is_closed_and_one_in_use_is_not(
    few: Asking, slowly: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, ask = few
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.1)
    slowly(0.25)
    with Raw(server.url) as raw:
        for count in range(1, 4):  # each waits for longer than the server would
            raw.send(ask())
            assert raw.answers(count)[-1][0] == 200
        assert raw.is_closed_within(2)


def test_a_connection_that_only_uvicorn_reads_is_closed_when_idle(few: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = few
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.1)
    with Raw(server.url) as raw:
        raw.send(request("/nothing", "", b"", "CONNECT"))  # after which no parser reads on
        assert raw.answers(1)[0][0] == 404
        assert raw.is_closed_within(2)


@pytest.mark.parametrize("kind", [JSON, OTHERWISE], ids=["plain", "documented"])
def test_a_connection_stays_for_a_while_after_a_long_answer(
    few: Asking, slowly: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It is looked at while the answer is made, and again soon after it was sent: the caller may ask once more."""
    server, ask = few
    monkeypatch.setattr(connection, "IDLE_SECONDS", 1.0)
    slowly(1.5)
    with Raw(server.url) as raw:
        raw.send(ask().replace(JSON.encode(), kind.encode()))
        assert raw.answers(1)[0][0] == 200
        slowly(0.0)
        time.sleep(0.75)
        raw.send(ask())
        assert raw.answers(2)[-1][0] == 200
        assert len(raw.told) == 2


def test_a_server_that_is_told_to_stop_answers_plain_requests_that_came(tmp_path: Path) -> None:
    """The first one solves the heads, which takes a while: the signal comes in between."""
    _, secret = KeyFile(tmp_path).create("one", "admin")
    with process(tmp_path, "--port", "0") as server:
        url = address(server)
        with httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {secret}"}) as client:
            client.post("/v1/memories", json={"name": "a", "encoder": "vectors:8"})
            items = [[float((row * 31 + column * 7) % 97 + 1) for column in range(8)] for row in range(900)]
            body = {"items": items, "labels": [f"label {row % 90}" for row in range(900)]}
            assert client.post("/v1/memories/a/learn", json=body).status_code == 200
        with Raw(url) as raw:
            raw.send(request("/v1/memories/a/predict", secret, json.dumps({"items": items[:1]}).encode(), headers=JSON))
            time.sleep(0.1)
            server.send_signal(signal.SIGTERM)
            assert raw.answers(1)[0][0] == 200
        assert server.wait(60) in (0, -signal.SIGTERM)
