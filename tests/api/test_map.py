"""The map over HTTP is the library's map, to whoever may read the memory."""

from __future__ import annotations

import httpx
import pytest
from tests.api.conftest import POINTS

import protomem


def test_the_map_is_that_of_the_library(admin: httpx.Client, points: str) -> None:
    with protomem.open(None, encoder=protomem.Vectors(2)) as memory:
        memory.learn(POINTS["items"], POINTS["labels"], ids=POINTS["ids"])
        expected = memory.map()
    told = admin.get(f"{points}/map").json()
    assert told["shown"] == expected.shown
    assert [(one["label"], one["count"], one["x"], one["y"]) for one in told["classes"]] == [
        (one.label, one.count, one.x, one.y) for one in expected.classes
    ]
    assert [[(near["label"], near["similarity"]) for near in one["nearest"]] for one in told["classes"]] == [
        [(near.label, near.similarity) for near in one.nearest] for one in expected.classes
    ]
    assert {(one["id"], *one["labels"], one["x"], one["y"]) for one in told["examples"]} == {
        (one.id, *one.labels, one.x, one.y) for one in expected.examples
    }


def test_a_map_shows_as_many_examples_as_asked(admin: httpx.Client, points: str) -> None:
    assert len(admin.get(f"{points}/map?limit=1").json()["examples"]) == 1
    assert admin.get(f"{points}/map?limit=0").json()["examples"] == []


@pytest.mark.parametrize("limit", ["-1", "2001", "many"])
def test_a_limit_that_cannot_be_is_a_problem(admin: httpx.Client, points: str, limit: str) -> None:
    answer = admin.get(f"{points}/map?limit={limit}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
    assert "limit" in answer.json()["detail"]


def test_an_empty_memory_has_an_empty_map(admin: httpx.Client) -> None:
    admin.post("/v1/memories", json={"name": "map-of-nothing", "encoder": "vectors:2"})
    assert admin.get("/v1/memories/map-of-nothing/map").json() == {"classes": [], "examples": [], "shown": 1.0}
