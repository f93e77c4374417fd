"""The short way of a plain predict tells what the documented route tells, to the byte."""

from __future__ import annotations

import httpx
import pytest
from tests.api.conftest import TEXTS
from tests.api.serving import Served

PLAIN, OTHERWISE = "application/json", "application/json; charset=utf-8"
"""The same type of content; only the first is answered the short way."""

NOT_COMPARED = ("date", "x-request-id")

BODIES = {
    "texts": b'{"items": ["where is my parcel", "refund"]}',
    "no items": b'{"items": []}',
    "every option": b'{"items": ["parcel"], "top_k": 1, "evidence": 2, "coverage": 0.8, "false_alarm": 0.1,'
    b' "among": ["refund", "delivery"], "thresholds": {"refund": 0.2}, "explain": true}',
    "vectors for texts": b'{"items": [[1.0, 2.0]]}',
    "items of two kinds": b'{"items": ["parcel", [1.0]]}',
    "too many items": b'{"items": [%s]}' % b",".join([b'"a"'] * 51),
    "a text that is too long": b'{"items": ["%s"]}' % (b"a" * 201),
    "a wrong option": b'{"items": ["parcel"], "top_k": 0}',
    "an unknown option": b'{"items": ["parcel"], "temperature": 1}',
    "a label that is not there": b'{"items": ["parcel"], "among": ["weather"]}',
    "no JSON": b'{"items": [',
    "nothing": b"",
    "no UTF-8": b'{"items": ["\xff"]}',
    "a lone surrogate": b'{"items": ["\\ud800"]}',
}


def both_ways(client: httpx.Client, path: str, body: bytes) -> list[tuple[int, bytes, dict[str, str]]]:
    answers = [client.post(path, content=body, headers={"Content-Type": kind}) for kind in (PLAIN, OTHERWISE)]
    return [
        (one.status_code, one.content, {k: v for k, v in one.headers.items() if k not in NOT_COMPARED})
        for one in answers
    ]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_both_ways_tell_the_same(admin: httpx.Client, texts: str, body: bytes) -> None:
    short, documented = both_ways(admin, f"{texts}/predict", body)
    assert short == documented


def test_both_ways_tell_the_same_of_vectors_that_cannot_be_used(admin: httpx.Client, points: str) -> None:
    for body in (
        b'{"items": [[0, 0]]}',
        b'{"items": [[1, 2, 3]]}',
        b'{"items": [[1, 2], [1]]}',
        b'{"items": [[1e999, 0]]}',
    ):
        short, documented = both_ways(admin, f"{points}/predict", body)
        assert short == documented
        assert short[0] in (400, 422)


@pytest.mark.parametrize("name", ["not-there", "UPPER", "%2e%2e", "a%2Fb", ""])
def test_both_ways_tell_the_same_of_a_memory_that_is_not_there(admin: httpx.Client, name: str) -> None:
    short, documented = both_ways(admin, f"/v1/memories/{name}/predict", BODIES["texts"])
    assert short == documented
    assert short[0] in (404, 405)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer pm_unknown", "Basic cG06cG0=", "Bearer \u00e4"])
def test_both_ways_tell_the_same_without_a_key(server: Served, texts: str, authorization: str) -> None:
    headers = [(b"Authorization", authorization.encode("latin-1"))]
    with httpx.Client(base_url=server.url, headers=headers) as client:
        short, documented = both_ways(client, f"{texts}/predict", BODIES["texts"])
    assert short == documented
    assert short[0] == 401


def test_both_ways_tell_the_same_to_a_key_of_another_memory(server: Served, admin: httpx.Client, texts: str) -> None:
    assert admin.post("/v1/memories", json={"name": "anothers", "encoder": "vectors:2"}).status_code in (200, 201)
    client = server.client("admin", ["anothers"])
    short, documented = both_ways(client, f"{texts}/predict", BODIES["texts"])
    assert short == documented
    assert short[0] == 404


def test_a_plain_predict_reflects_what_was_learned_before(admin: httpx.Client, texts: str) -> None:
    body = {"items": ["the weather is fine"], "labels": ["weather"]}
    assert admin.post(f"{texts}/learn", json=body).status_code == 200
    answer = admin.post(f"{texts}/predict", json={"items": ["the weather is fine"]}).json()["answers"][0]
    assert answer["label"] == "weather"
    assert {"weather", *TEXTS["labels"]} == {one["label"] for one in answer["ranking"]}
