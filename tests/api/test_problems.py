"""Every documented error: its status, its type, and the path of the wrong value."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import httpx
import pytest
from tests.api.serving import Served

from protomem import errors
from protomem_api.problem_kinds import KINDS
from protomem_api.problems import TABLE, as_problem, path_in

TESTS = Path(__file__).parents[1]
DOCUMENT = json.loads((TESTS.parent / "api" / "openapi.json").read_bytes())
TYPES = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["examples"]


@pytest.mark.parametrize(
    ("call", "body", "status", "name", "path"),
    [
        ("predict", {"items": [[1, 2, 3]]}, 422, "invalid-vectors", None),
        ("predict", {"items": [[1, 2], [0, 0]]}, 422, "invalid-vectors", "$.items[1]"),
        ("predict", {"items": [[1, 2], [1]]}, 422, "invalid-input", "$.items[1]"),
        ("predict", {"items": [[1, 2], "text"]}, 422, "invalid-input", "$.items[1]"),
        ("predict", {"items": [[1, "2"]]}, 422, "invalid-input", "$.items[0][1]"),
        ("predict", {"items": [[1, 2]], "top_k": "5"}, 422, "invalid-input", "$.top_k"),
        ("predict", {"items": [[1, 2]], "top_k": 0}, 422, "invalid-input", "$.top_k"),
        ("predict", {"items": [[1, 2]], "coverage": 1}, 422, "invalid-input", "$.coverage"),
        ("predict", {"items": [[1, 2]], "per_class": True}, 422, "invalid-input", "$.per_class"),
        ("predict", {"items": [[1, 2]], "topk": 5}, 422, "invalid-input", "$"),
        ("predict", {"items": [[1, 2]], "among": ["south"]}, 404, "not-remembered", None),
        ("predict", {"items": [[1, 2]], "name_prior": True}, 422, "invalid-input", "$.name_prior"),
        ("predict", {"items": [[1, 2]] * 51}, 413, "too-large", "$.items"),
        ("predict", {}, 422, "invalid-input", "$"),
        ("learn", {"items": [[1, 2]], "labels": []}, 422, "length-mismatch", "$.labels"),
        ("learn", {"items": [[1, 2], [1, 2]], "labels": ["a", " "]}, 422, "invalid-label", "$.labels[1]"),
        ("learn", {"items": [[1, 2]], "labels": ["a"], "ids": ["x\0"]}, 422, "invalid-id", "$.ids[0]"),
        ("learn", {"items": [[1, 2]], "labels": ["a"], "subjects": [""]}, 422, "invalid-id", "$.subjects[0]"),
        ("learn", {"items": [[1, 2]], "labels": ["a"], "ids": ["e1"]}, 409, "id-conflict", None),
        ("forget", {"ids": ["nobody"]}, 404, "not-remembered", None),
        ("forget", {}, 422, "invalid-input", None),
        ("forget", {"ids": ["e1"], "label": "east"}, 422, "invalid-input", None),
        ("forget", {"ids": ["x"] * 51}, 413, "too-large", "$.ids"),
        ("trim", {"to": 0}, 422, "invalid-input", "$.to"),
        ("suggest", {"items": [[1, 2]], "count": 0}, 422, "invalid-input", "$.count"),
        ("id-hash", {"id": ""}, 422, "invalid-id", None),
        ("id-hash", {"id": 5}, 422, "invalid-input", "$.id"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    admin: httpx.Client, points: str, call: str, body: dict, status: int, name: str, path: str | None
) -> None:
    before = admin.get(points).json()
    answer = admin.post(f"{points}/{call}", json=body)
    told = answer.json()
    assert (answer.status_code, told["type"], told.get("path")) == (status, f"/problems/{name}", path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert admin.get(points).json() == before


def test_a_text_is_named_by_its_place(admin: httpx.Client, texts: str) -> None:
    for items, status, path in (
        (["fine", " "], 422, "$.items[1]"),
        (["fine", "x" * 201], 413, "$.items[1]"),
        ([[1.0]], 422, "$.items[0]"),
    ):
        answer = admin.post(f"{texts}/predict", json={"items": items})
        assert (answer.status_code, answer.json()["path"]) == (status, path)


def test_the_text_of_another_does_not_spoil_a_batch(admin: httpx.Client, texts: str) -> None:
    """Two that ask something impossible, between two that do not."""
    answers = [
        admin.post(f"{texts}/predict", json={"items": ["my parcel"], "among": among})
        for among in (None, ["nothing"], ["refund"], ["nothing"])
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 404]


def test_an_empty_memory_cannot_answer(admin: httpx.Client) -> None:
    admin.post("/v1/memories", json={"name": "empty", "encoder": "vectors:2", "width": 8})
    answer = admin.post("/v1/memories/empty/predict", json={"items": [[1, 2]]})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/empty-memory")


def test_an_idempotency_key_is_for_one_request(admin: httpx.Client, points: str) -> None:
    headers = {"Idempotency-Key": "one"}
    admin.post(f"{points}/forget", json={"ids": ["e1"]}, headers=headers)
    answer = admin.post(f"{points}/forget", json={"ids": ["e2"]}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/request-conflict")


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"name": "../up"}, "$.name"),
        ({"name": "UPPER"}, "$.name"),
        ({"name": "line\n"}, "$.name"),
        ({"encoder": "some/model-to-fetch"}, "$.encoder"),
        ({"encoder": "/etc"}, "$.encoder"),
        ({"encoder": "vectors:99999"}, None),
        ({"width": 4_097}, "$.width"),
        ({"kernel_rows": 4_097}, "$.kernel_rows"),
        ({"retain": "items"}, "$.retain"),
        ({"retain": "all"}, "$.retain"),
    ],
    ids=str,
)
def test_a_memory_that_cannot_be_is_not_created(admin: httpx.Client, wanted: dict, path: str | None) -> None:
    answer = admin.post("/v1/memories", json={"name": "impossible", "encoder": "vectors:2"} | wanted)
    assert (answer.status_code, answer.json().get("path")) == (422, path)
    assert admin.get("/v1/memories/impossible").status_code == 404


@pytest.mark.parametrize("name", ["nobody", "UPPER", "..", "%2e%2e", "a.b", "x" * 65, "%00"])
def test_a_name_that_is_no_memory_is_not_found(admin: httpx.Client, name: str) -> None:
    answer = admin.get(f"/v1/memories/{name}/classes")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 1_001}, {"limit": "many"}, {"limit": ""}],
    ids=str,
)
def test_a_wrong_page_is_refused(admin: httpx.Client, points: str, query: dict) -> None:
    for path in ("/v1/memories", f"{points}/examples", f"{points}/receipts"):
        answer = admin.get(path, params=query)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-input")
        assert "limit" in answer.json()["detail"]


def test_another_method_is_told_which_there_are(admin: httpx.Client, points: str) -> None:
    answer = admin.put(points)
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    for told in (answer, admin.options(points)):
        assert set(told.headers["allow"].split(", ")) == {"DELETE", "GET", "OPTIONS"}


def test_a_key_that_cannot_be_is_not_made(admin: httpx.Client) -> None:
    for wanted in ({"name": " "}, {"role": "owner"}, {"memories": ["../up"]}, {"secret": "mine"}):
        body = {"name": "website", "role": "read"} | wanted
        assert admin.post("/v1/keys", json=body).status_code == 422
    assert admin.delete("/v1/keys/nobody").status_code == 404


def test_every_error_of_the_library_has_its_place_in_the_table() -> None:
    raised = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ProtomemError)]
    for error in raised:
        if issubclass(error, errors.ServerError):
            continue  # what a client says of a server
        made = error("why", "text") if error is errors.MissingExtra else error("why")
        assert as_problem(made).status == TABLE[error].status


def test_the_path_of_a_file_is_for_the_log_alone() -> None:
    assert "/secret" not in as_problem(errors.MemoryDamaged("/secret/memory.duckdb: torn")).detail


def test_what_was_not_meant_to_happen_tells_nothing() -> None:
    problem = as_problem(RuntimeError("my card is 1234"))
    assert (problem.status, problem.kind.name) == (500, "internal-error")
    assert "1234" not in problem.detail


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("item 3 is an empty text: leave it out", "$.items[3]"),
        ("vector 1,234 has a NaN: leave it out", "$.items[1234]"),
        ("labels[7] is empty: every item needs at least one label", "$.labels[7]"),
        ("coverage is 3: it must lie between 0 and 1", "$.coverage"),
        ("got text where vectors are expected", None),
    ],
)
def test_the_place_a_message_names_becomes_a_path(message: str, path: str | None) -> None:
    assert path_in(message) == path


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_that_is_documented_has_a_page(server: Served, type_: str) -> None:
    answer = httpx.get(f"{server.url}{type_}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    kind = KINDS[type_.removeprefix("/problems/")]
    text = html.unescape(answer.text)
    assert all(words in text for words in (kind.title, f"Status {kind.status}", kind.meaning, kind.remedy))
    assert not re.search(r"\{\w+\}", text.replace("{name}", ""))
    for name in re.findall(r'(?:href|src)="\.\./(console/[^"]+)"', text):
        assert httpx.get(f"{server.url}/{name}").status_code == 200, name


def test_every_type_that_a_test_has_seen_is_documented() -> None:
    seen = {
        name
        for path in TESTS.rglob("*.py")
        for name in re.findall(r'"(/problems/[a-z-]{2,})"', path.read_text("utf-8"))
    }
    assert len(seen) > 10
    assert seen <= set(TYPES)


@pytest.mark.parametrize("name", ["nothing", "Busy", "busy/more", "x" * 999])
def test_what_is_no_kind_of_problem_has_no_page(server: Served, name: str) -> None:
    answer = httpx.get(f"{server.url}/problems/{name}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
