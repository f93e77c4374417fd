"""Bodies that are too long, too deep, too slow, compressed or no JSON: a 4xx, and the server goes on."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.api.serving import Served, served

from protomem_api import Settings


def kind(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "malformed-json")),
        (b"{", (400, "malformed-json")),
        (b"items", (400, "malformed-json")),
        (b'{"items": [[NaN, 1]]}', (400, "malformed-json")),
        (b'{"items": [[Infinity, 1]]}', (400, "malformed-json")),
        (b'{"items": [[1e999, 1]]}', (422, "invalid-input")),
        (b'{"items": ["\xff"]}', (400, "malformed-json")),
        (b'{"items": ["\\ud800"]}', (400, "malformed-json")),
        (b"[]", (422, "invalid-input")),
        (b"null", (422, "invalid-input")),
        (b'{"items": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", (422, "invalid-input")),
        (b"[" * 90_000, (422, "invalid-input")),
        (b'{"unknown": ' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000 + b"}", (422, "invalid-input")),
        (b'{"items": [], "top_k": ' + b"9" * 50_000 + b"}", (422, "invalid-input")),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else "",
)
def test_what_is_no_good_body_is_refused(
    admin: httpx.Client, points: str, body: bytes, expected: tuple[int, str]
) -> None:
    headers = {"Content-Type": "application/json"}
    assert kind(admin.post(f"{points}/predict", content=body, headers=headers)) == expected


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(admin: httpx.Client, points: str, chunked: bool) -> None:
    long = json.dumps({"items": [[0.5, 0.5]] * 20_000}).encode()
    parts = (long[start : start + 10_000] for start in range(0, len(long), 10_000))
    answer = admin.post(
        f"{points}/predict", content=parts if chunked else long, headers={"Content-Type": "application/json"}
    )
    assert kind(answer) == (413, "too-large")


def test_a_compressed_body_is_refused(admin: httpx.Client, points: str) -> None:
    body = gzip.compress(b'{"items": [[1, 2]]}')
    for encoding in ("gzip", "br", "deflate, gzip"):
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
        assert kind(admin.post(f"{points}/predict", content=body, headers=headers)) == (415, "unsupported-media-type")
    headers = {"Content-Encoding": "identity"}
    assert admin.post(f"{points}/predict", json={"items": [[1, 2]]}, headers=headers).status_code == 200


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_another_type_is_refused(admin: httpx.Client, points: str, type_: str | None) -> None:
    headers = {"Content-Type": type_} if type_ else {}
    answer = admin.post(f"{points}/predict", content=b'{"items": [[1, 2]]}', headers=headers)
    assert kind(answer) == (415, "unsupported-media-type")


def test_every_answer_has_the_headers_of_security_and_an_id(admin: httpx.Client, points: str) -> None:
    answers = [admin.get(points), admin.get("/nothing"), admin.put(points), admin.post(f"{points}/predict")]
    for answer in answers:
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == len(answers)
    assert admin.get(points, headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert admin.get(points, headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits a moment for a body, and lets each caller ask five times a second."""
    settings = Settings(data=tmp_path_factory.mktemp("strict"), body_seconds=0.3, rate=5)
    with served(settings) as running:
        yield running


def test_a_body_that_does_not_come_is_not_waited_for(strict: Served) -> None:
    _, secret = strict.keys.create("slow", "admin")
    host, port = strict.url.removeprefix("http://").split(":")
    time.sleep(1.5)  # keys are read again every second
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        head = (
            f"POST /v1/memories HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        slow.sendall(head.encode())
        answer = b"".join(iter(lambda: slow.recv(4096), b""))  # the server closes the connection
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/body-too-slow" in answer


def test_a_caller_that_asks_too_often_is_told_when_to_ask_again(strict: Served) -> None:
    with httpx.Client(base_url=strict.url) as stranger:
        answers = [stranger.get("/v1/memories") for _ in range(20)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {401, 429}
        assert late[0].headers["retry-after"] == "1"
        assert stranger.get("/health/live").status_code == 200
