"""Federation over HTTP: bytes that are files, merged once, refused with the reason, and gone after a withdrawal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.api.serving import Served, wait_until

import protomem

NUMBERS = count(1)
OCTETS = {"Content-Type": "application/octet-stream"}
POINTS = [[1.0, 0.1], [1.0, -0.1], [0.1, 1.0]]
LABELS = ["east", "east", "north"]


@pytest.fixture
def clinic() -> Iterator[protomem.Memory]:
    """A client's memory with three examples."""
    with protomem.open(None, encoder="vectors:2", width=8) as memory:
        memory.learn(POINTS, LABELS)
        yield memory


@pytest.fixture
def path(admin: httpx.Client) -> str:
    """Of a memory on the server that was taught nothing."""
    name = f"federation-{next(NUMBERS)}"
    admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8})
    return f"/v1/memories/{name}"


def merged(client: httpx.Client, path: str, part: protomem.Contribution, **options: object) -> httpx.Response:
    return client.post(f"{path}/merge", content=part.to_bytes(), headers=OCTETS, **options)  # type: ignore[arg-type]


def test_two_servers_come_to_the_memory_that_learned_it_all(admin: httpx.Client, path: str) -> None:
    with protomem.open(None, encoder="vectors:2", width=8) as central:
        central.learn(POINTS, LABELS)
        expected = central.digest()
    for row, (point, label) in enumerate(zip(POINTS, LABELS, strict=True)):
        name = f"/v1/memories/{path.rpartition('/')[2]}-{row}"
        admin.post("/v1/memories", json={"name": name.rpartition("/")[2], "encoder": "vectors:2", "width": 8})
        admin.post(f"{name}/learn", json={"items": [point], "labels": [label]})
        sent = admin.post(f"{name}/contributions", json={"client": f"clinic-{row}"})
        assert sent.headers["content-type"] == "application/octet-stream"
        assert protomem.Contribution.from_bytes(sent.content).client == f"clinic-{row}"
        assert admin.post(f"{path}/merge", content=sent.content, headers=OCTETS).json()["kind"] == "merge"
    found = admin.get(path).json()
    assert (found["digest"], found["examples"]) == (expected, 3)
    answer = admin.post(f"{path}/predict", json={"items": [[1, 0]]}).json()["answers"][0]
    assert (answer["label"], answer["evidence"]) == ("east", [])


def test_a_client_is_listed_and_withdrawn(admin: httpx.Client, path: str, clinic: protomem.Memory) -> None:
    empty = admin.get(path).json()["digest"]
    part = clinic.contribution("clinic")
    receipt = merged(admin, path, part).json()
    assert merged(admin, path, part).json() == receipt
    [told] = admin.get(f"{path}/clients").json()["clients"]
    assert told == {
        "name": "clinic",
        "public_key": clinic.public_key,
        "sequence": 1,
        "level": "full",
        "merged": True,
        "count": 3,
        "digest": clinic.digest(),
        "receipt": 1,
        "joined": 1,
    }
    headers = {"Idempotency-Key": "gone"}
    gone = [admin.post(f"{path}/withdraw", json={"client": "clinic"}, headers=headers).json() for _ in range(2)]
    assert (gone[0]["kind"], gone[0]) == ("withdraw", gone[1])
    assert admin.get(path).json()["digest"] == empty
    assert admin.get(f"{path}/clients").json()["clients"][0]["merged"] is False
    kinds = [one["kind"] for one in admin.get(f"{path}/receipts").json()["receipts"]]
    assert kinds == ["merge", "withdraw"]


def test_what_is_refused_says_why_and_changes_nothing(
    admin: httpx.Client, path: str, clinic: protomem.Memory, server: Served
) -> None:
    first = clinic.contribution("clinic")
    clinic.learn([[0.0, -1.0]], ["south"])
    skipped = clinic.contribution("clinic")
    clinic.learn([[0.1, -1.0]], ["south"])
    third = clinic.contribution("clinic")
    merged(admin, path, first)
    before = admin.get(path).json()
    document = skipped.to_bytes()
    limit = server.settings.body_bytes
    for content, headers, status, name in (
        (b"", OCTETS, 422, "contribution-refused"),
        (b"text", OCTETS, 422, "contribution-refused"),
        (document[:-1], OCTETS, 422, "contribution-refused"),
        (document, {"Content-Type": "application/json"}, 415, "unsupported-media-type"),
        (bytes(limit + 1), OCTETS, 413, "too-large"),
        (third.to_bytes(), OCTETS, 409, "contribution-out-of-order"),
    ):
        answer = admin.post(f"{path}/merge", content=content, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}")
    for call, body, status, name in (
        ("withdraw", {"client": "nobody"}, 404, "not-remembered"),
        ("withdraw", {"client": ""}, 422, "invalid-id"),
        ("contributions", {"client": "c", "level": "all"}, 422, "invalid-input"),
        ("contributions", {"client": "c", "min_count": 0}, 422, "invalid-input"),
        ("contributions", {"client": "", "level": "full"}, 422, "invalid-id"),
        ("contributions", {}, 422, "invalid-input"),
    ):
        answer = admin.post(f"{path}/{call}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}")
    assert admin.get(path).json() == before


def test_a_public_key_that_is_given_goes_before_the_first(admin: httpx.Client, path: str) -> None:
    """A client that lost its file comes with another key, which the coordinator names."""
    with (
        protomem.open(None, encoder="vectors:2", width=8) as lost,
        protomem.open(None, encoder="vectors:2", width=8) as anew,
    ):
        lost.learn(POINTS, LABELS)
        anew.learn(POINTS, LABELS)
        first = lost.contribution("clinic=7")
        for _ in range(2):
            second = anew.contribution("clinic=7", whole=True)
    merged(admin, path, first)
    strange = merged(admin, path, second)
    assert (strange.status_code, "someone else uses its name" in strange.json()["detail"]) == (422, True)
    for wrong in ("clinic", f"clinic={second.public_key}", f"clinic=7={first.public_key}"):
        assert merged(admin, path, second, params={"key": wrong}).status_code == 422
    keys = [f"clinic={first.public_key}", f"clinic=7={second.public_key}"]
    assert merged(admin, path, second, params={"key": keys}).status_code == 200
    assert admin.get(f"{path}/clients").json()["clients"][0]["public_key"] == second.public_key


def test_a_key_that_may_contribute_takes_its_clients_by_the_public_key_it_names(
    admin: httpx.Client, path: str, clinic: protomem.Memory, server: Served
) -> None:
    part, name = clinic.contribution("clinic"), path.rpartition("/")[2]
    strange = server.client("contribute", [name], {"clinic": "ab" * 32})
    refused = merged(strange, path, part)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/contribution-refused")
    own = server.client("contribute", [name], {"clinic": clinic.public_key})
    chosen = merged(own, path, part, params={"key": f"clinic={clinic.public_key}"})
    assert (chosen.status_code, chosen.json()["type"]) == (422, "/problems/invalid-input")
    assert admin.get(path).json()["examples"] == 0
    assert merged(own, path, part).status_code == 200
    assert admin.get(path).json()["examples"] == 3


def test_a_key_that_may_contribute_is_made_over_http(admin: httpx.Client) -> None:
    body = {"name": "clinics", "role": "contribute", "clients": {"clinic-7": None, "clinic-8": "ab" * 32}}
    made = admin.post("/v1/keys", json=body).json()
    [told] = [key for key in admin.get("/v1/keys").json()["keys"] if key["id"] == made["id"]]
    assert (made["clients"], told["clients"], told["role"]) == (body["clients"], body["clients"], "contribute")
    for wrong in (
        {"clients": None},
        {"clients": {}},
        {"clients": {"c": "AB"}},
        {"clients": {"": None}},
        {"role": "read"},
    ):
        assert admin.post("/v1/keys", json=body | wrong).status_code == 422


def test_a_report_of_what_was_withdrawn_is_told_no_more(
    admin: httpx.Client, path: str, clinic: protomem.Memory
) -> None:
    merged(admin, path, clinic.contribution("clinic"))
    options = {"windows": 2, "false_alarm": None, "costs": False}
    job = f"/v1/jobs/{admin.post(f'{path}/report', json=options).json()['id']}"
    wait_until(lambda: admin.get(job).json()["state"] == "done")
    assert admin.get(job).json()["result"] is not None
    admin.post(f"{path}/withdraw", json={"client": "clinic"})
    told = admin.get(job).json()
    assert (told["result"], told["problem"]["type"]) == (None, "/problems/result-gone")
