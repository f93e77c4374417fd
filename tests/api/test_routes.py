"""Each route answers what the embedded library answers when it is asked the same."""

from __future__ import annotations

import base64
from io import BytesIO

import httpx
import numpy as np
import pytest
from tests.api.conftest import POINTS, TEXTS, taught
from tests.conftest import LetterEncoder

import protomem
from protomem_api import wire
from protomem_api.conversions import items_in
from protomem_api.problems import HttpProblem


@pytest.fixture
def embedded() -> protomem.Memory:
    """A memory of this process that was taught the same texts."""
    memory = protomem.open(None, encoder=LetterEncoder(), retain="items", width=64)
    memory.learn(**TEXTS)
    return memory


def test_a_memory_is_created_once_and_other_settings_are_a_conflict(admin: httpx.Client) -> None:
    wanted = {"name": "created", "encoder": "vectors:3", "width": 64}
    first = admin.post("/v1/memories", json=wanted)
    assert (first.status_code, first.headers["location"]) == (201, "/v1/memories/created")
    assert first.json() | {"digest": "", "public_key": ""} == {
        "name": "created",
        "encoder": "vectors:3",
        "retain": "codes",
        "dimension": 3,
        "width": 64,
        "kernel_rows": 0,
        "encoder_fingerprint": protomem.Vectors(3).fingerprint,
        "books": 64,
        "keys": 64,
        "modes": 16,
        "seed": 0,
        "examples": 0,
        "classes": 0,
        "digest": "",
        "public_key": "",
    }
    again = admin.post("/v1/memories", json=wanted)
    assert (again.status_code, again.json()) == (200, first.json())
    for other in ({"width": 32}, {"retain": "nothing"}, {"kernel_rows": 9}, {"encoder": "vectors:4"}):
        assert admin.post("/v1/memories", json=wanted | other).status_code == 409


def test_a_memory_is_what_the_same_calls_make_of_an_embedded_one(
    admin: httpx.Client, texts: str, embedded: protomem.Memory
) -> None:
    info = admin.get(texts).json()
    assert info["digest"] == embedded.digest()
    assert (info["examples"], info["classes"], info["encoder"], info["retain"]) == (4, 2, "letters", "items")
    assert admin.get(f"{texts}/classes").json() == {"classes": {"delivery": 2, "refund": 2}}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 1, "evidence": 1},
        {"coverage": 0.6},
        {"coverage": 0.6, "per_class": True},
        {"false_alarm": 0.4},
        {"among": ["refund"]},
        {"among": "refund"},
        {"thresholds": {"refund": 1.0, "delivery": 1.0}},
        {"certainty": 0.9, "separator": "-"},
        {"multi_label": True},
        {"explain": True},
        {"name_prior": True},
    ],
    ids=str,
)
def test_predict_answers_as_the_library_does(
    admin: httpx.Client, texts: str, embedded: protomem.Memory, options: dict
) -> None:
    asked = ["is my parcel late", "money please", "something else entirely"]
    found = admin.post(f"{texts}/predict", json={"items": asked, **options}).json()["answers"]
    for given, expected in zip(found, embedded.predict(asked, **options), strict=True):
        assert given["label"] == expected.label
        assert given["probability"] == expected.probability
        assert [(one["label"], one["probability"]) for one in given["ranking"]] == list(expected.ranking)
        assert given["label_set"] == (None if expected.label_set is None else sorted(expected.label_set))
        assert (given["novelty"], given["abstained"]) == (expected.novelty, expected.abstained)
        evidence = [(one["id"], tuple(one["labels"]), one["similarity"], one["item"]) for one in given["evidence"]]
        assert evidence == [(one.id, one.labels, one.similarity, one.item) for one in expected.evidence]
        assert given["heads"] == list(expected.heads)
        if expected.explanation is None:
            assert given["explanation"] is None
        else:
            parts = [(one["head"], one["log_odds"]) for one in given["explanation"]["parts"]]
            assert parts == list(expected.explanation.parts)


def test_nothing_asked_is_nothing_answered(admin: httpx.Client, points: str) -> None:
    assert admin.post(f"{points}/predict", json={"items": []}).json() == {"answers": []}


@pytest.mark.parametrize(
    "which", [{"ids": ["t1", "t3"]}, {"subject": "ann"}, {"label": "refund"}], ids=lambda which: next(iter(which))
)
def test_forget_leaves_the_memory_that_never_saw_it(
    admin: httpx.Client, texts: str, embedded: protomem.Memory, which: dict
) -> None:
    receipt = admin.post(f"{texts}/forget", json=which).json()
    expected = embedded.forget(**which)
    assert (receipt["kind"], receipt["count"], receipt["ids"]) == ("forget", expected.count, list(expected.ids))
    assert admin.get(texts).json()["digest"] == embedded.digest()


def test_what_learn_answered_forgets_what_it_learned(admin: httpx.Client, points: str) -> None:
    before = admin.get(points).json()["digest"]
    receipt = admin.post(f"{points}/learn", json={"items": [[1, 1]], "labels": ["both"]}).json()
    assert admin.get(points).json()["digest"] != before
    assert admin.post(f"{points}/forget", json={"receipt": receipt, "purge": True}).json()["count"] == 1
    assert admin.get(points).json()["digest"] == before


def test_a_memory_that_keeps_nothing_forgets_by_its_receipt(admin: httpx.Client) -> None:
    without = {name: given for name, given in POINTS.items() if name != "subjects"}
    path = taught(admin, {"encoder": "vectors:2", "retain": "nothing"}, without)
    before = admin.get(path).json()["digest"]
    receipt = admin.post(f"{path}/learn", json={"items": [[1, 1]], "labels": ["both"]}).json()
    assert receipt["content"][0]["labels"] == ["both"]
    assert admin.post(f"{path}/forget", json={"receipt": receipt}).status_code == 200
    assert admin.get(path).json()["digest"] == before


def test_trim_leaves_so_many(admin: httpx.Client, texts: str, embedded: protomem.Memory) -> None:
    assert admin.post(f"{texts}/trim", json={"to": 3}).json()["count"] == 1
    embedded.trim(3)
    assert admin.get(texts).json()["digest"] == embedded.digest()


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("learn", {"items": [[0.5, 0.5]], "labels": ["new"]}),
        ("forget", {"ids": ["e1"]}),
        ("trim", {"to": 2}),
    ],
)
def test_the_same_idempotency_key_changes_nothing_twice(
    admin: httpx.Client, points: str, call: str, body: dict
) -> None:
    headers = {"Idempotency-Key": f"key of {call}"}
    first = admin.post(f"{points}/{call}", json=body, headers=headers).json()
    again = admin.post(f"{points}/{call}", json=body, headers=headers).json()
    assert (again["id"], again["sequence"]) == (first["id"], first["sequence"])
    assert len(admin.get(f"{points}/receipts").json()["receipts"]) == 2


def test_a_forgotten_id_comes_back_on_purpose_only(admin: httpx.Client, points: str) -> None:
    admin.post(f"{points}/forget", json={"ids": ["e1"]})
    again = {"items": [[1.0, 0.1]], "labels": ["east"], "ids": ["e1"]}
    refused = admin.post(f"{points}/learn", json=again)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/forgotten")
    assert admin.post(f"{points}/learn", json=again | {"relearn": True}).status_code == 200


def test_suggest_names_what_the_library_names(admin: httpx.Client, texts: str, embedded: protomem.Memory) -> None:
    pool = ["money back", "parcel", "a new kind of thing", "another one"]
    found = admin.post(f"{texts}/suggest", json={"items": pool, "count": 2}).json()["suggestions"]
    assert found == [
        {
            "position": one.position,
            "value": one.value,
            "answer": one.answer,
            "probability": one.probability,
            "novelty": one.novelty,
        }
        for one in embedded.suggest(pool, 2)
    ]


def test_examples_come_by_id_in_pages(admin: httpx.Client, texts: str) -> None:
    def ids(**query: object) -> tuple[list[str], str | None]:
        page = admin.get(f"{texts}/examples", params=query).json()
        return [one["id"] for one in page["examples"]], page["next"]

    assert ids() == (["t1", "t2", "t3", "t4"], None)
    assert ids(limit=3) == (["t1", "t2", "t3"], "t3")
    assert ids(limit=3, after="t3") == (["t4"], None)
    assert ids(limit=4) == (["t1", "t2", "t3", "t4"], None)
    assert ids(label="refund") == (["t3", "t4"], None)
    assert ids(subject="ann") == (["t1", "t3"], None)
    first = admin.get(f"{texts}/examples", params={"limit": 1}).json()["examples"]
    assert first == [{"id": "t1", "subject": "ann", "labels": ["delivery"], "item": TEXTS["items"][0]}]


def test_receipts_come_in_pages_and_can_be_audited(admin: httpx.Client, points: str) -> None:
    for id in ("e1", "n1"):
        admin.post(f"{points}/forget", json={"ids": [id]})
    first = admin.get(f"{points}/receipts", params={"limit": 2}).json()
    rest = admin.get(f"{points}/receipts", params={"after": first["next"]}).json()
    assert ([one["sequence"] for one in first["receipts"]], first["next"]) == ([1, 2], 2)
    assert ([one["sequence"] for one in rest["receipts"]], rest["next"]) == ([3], None)
    public_key = admin.get(points).json()["public_key"]
    found = [as_receipt(one) for one in first["receipts"] + rest["receipts"]]
    assert all(check.ok for check in protomem.audit_chain(found, public_key))


def as_receipt(told: dict) -> protomem.Receipt:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    del fields["version"]
    return protomem.Receipt(**fields)


def test_the_hash_of_an_id_is_that_of_its_receipt(admin: httpx.Client, points: str) -> None:
    receipt = admin.post(f"{points}/forget", json={"ids": ["e1"]}).json()
    assert admin.post(f"{points}/id-hash", json={"id": "e1"}).json() == {"id_hash": receipt["id_hashes"][0]}


def test_a_deleted_memory_is_gone_with_its_files(server: object, admin: httpx.Client, points: str) -> None:
    folder = server.settings.data  # type: ignore[attr-defined]
    name = points.rpartition("/")[2]
    assert list(folder.glob(f"{name}.*"))
    assert admin.delete(points).status_code == 204
    assert not list(folder.glob(f"{name}.*"))
    assert admin.get(points).status_code == 404
    assert admin.post("/v1/memories", json={"name": name, "encoder": "vectors:9"}).status_code == 201


def test_memories_are_listed_by_name_in_pages(admin: httpx.Client) -> None:
    for name in ("list-a", "list-b", "list-c"):
        admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8})
    page = admin.get("/v1/memories", params={"after": "list-", "limit": 2}).json()
    assert ([one["name"] for one in page["memories"]], page["next"]) == (["list-a", "list-b"], "list-b")
    page = admin.get("/v1/memories", params={"after": "list-b", "limit": 1}).json()
    told = {"name": "list-c", "encoder": "vectors:2", "retain": "codes", "is_open": True, "examples": 0, "classes": 0}
    assert page["memories"] == [told]
    admin.post("/v1/memories/list-c/learn", json={"items": [[1, 2], [2, 1]], "labels": ["a", "a"]})
    page = admin.get("/v1/memories", params={"after": "list-b", "limit": 1}).json()
    assert page["memories"] == [told | {"examples": 2, "classes": 1}]


def test_keys_are_made_listed_and_deleted(server: object, admin: httpx.Client) -> None:
    made = admin.post("/v1/keys", json={"name": "website", "role": "read", "memories": ["b", "a"]})
    assert made.status_code == 201
    secret = made.json().pop("secret")
    told = {name: value for name, value in made.json().items() if name != "secret"}
    assert told["memories"] == ["a", "b"]
    listed = admin.get("/v1/keys")
    assert told in listed.json()["keys"]
    assert secret not in listed.text
    with httpx.Client(base_url=server.url, headers={"Authorization": f"bearer {secret}"}) as caller:  # type: ignore[attr-defined]
        assert caller.get("/v1/memories").status_code == 200
        assert admin.delete(f"/v1/keys/{told['id']}").status_code == 204
        assert caller.get("/v1/memories").status_code == 401


def test_health_is_open(server: object) -> None:
    with httpx.Client(base_url=server.url) as anyone:  # type: ignore[attr-defined]
        assert anyone.get("/health/live").json() == {"status": "ok", "checks": []}
        assert anyone.get("/health/ready").json()["checks"][0]["ok"] is True


def test_metrics_name_routes_and_no_memory(admin: httpx.Client, points: str) -> None:
    admin.post(f"{points}/predict", json={"items": [[1, 0]]})
    text = admin.get("/metrics").text
    assert 'protomem_requests_total{method="POST",route="/v1/memories/{name}/predict",status="200"}' in text
    assert "protomem_answer_batch_bucket" in text
    assert points.rpartition("/")[2] not in text


def test_a_picture_is_refused_where_the_encoder_takes_none(admin: httpx.Client, points: str, texts: str) -> None:
    for path in (points, texts):
        answer = admin.post(f"{path}/predict", json={"items": [{"image": base64.b64encode(b"any").decode()}]})
        assert (answer.status_code, answer.json()["path"]) == (422, "$.items[0]")


class Brightness:
    """A double of an encoder of pictures: how bright and how large they are."""

    name, dimension, fingerprint = "brightness", 2, "b" * 64
    reproducible, keeps_text = True, False

    def encode(self, items: list, progress: object = None) -> np.ndarray:
        return np.array([[np.asarray(item.convert("L")).mean() + 1, item.width] for item in items]).reshape(-1, 2)


def test_a_picture_is_read_where_the_encoder_takes_them() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    file = BytesIO()
    image.new("RGB", (2, 2), "white").save(file, "PNG")
    [picture] = items_in([wire.Image(image=file.getvalue())], Brightness())
    assert Brightness().encode([picture]).tolist() == [[256, 2]]
    with pytest.raises(HttpProblem, match=r"items\[0\] is no PNG"):
        items_in([wire.Image(image=b"no picture")], Brightness())
