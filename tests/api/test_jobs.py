"""Jobs: long work that is asked for, watched and cancelled over HTTP, on a server in a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.api.processes import EXAMPLES, ROWS, ServerProcess, ask, create, write_keys

from protomem_api import job_entry
from protomem_api.job_files import Record
from protomem_api.wire import AskReport, Job


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("data")
    write_keys(folder)
    with ServerProcess(folder) as server:
        create(server.client, "m")
        create(server.client, "other")
        yield server


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream, as a browser reads them; a comment is an event by itself."""
    event: dict[str, str] = {}
    for line in lines:
        if not line and event:
            yield event
            event = {}
        elif line:
            name, _, value = line.partition(": ")
            event[name or "comment"] = value


def watch(client: httpx.Client, id: str, last: str | None = None) -> Iterator[dict[str, str]]:
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", f"/v1/jobs/{id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield from events(answer.iter_lines())


def test_a_verification_tells_its_progress_and_what_it_found(served: ServerProcess) -> None:
    digest = served.client.get("/v1/memories/m").json()["digest"]
    with served.held() as hold:
        job = ask(served.client, "verify")
        told = watch(served.client, job["id"])
        first = next(event for event in told if json.loads(event["data"])["done"])
        assert json.loads(first["data"])["total"] == EXAMPLES
        hold.unlink()
        *_, last = told
    ended = json.loads(last["data"])
    assert last["event"] == "state"
    assert (ended["state"], ended["done"], ended["total"]) == ("done", EXAMPLES, EXAMPLES)
    assert ended["result"]["ok"]
    assert ended["result"]["digest"] == digest
    assert served.client.get(f"/v1/jobs/{job['id']}").json() == ended


def test_a_purge_gives_its_receipt(served: ServerProcess) -> None:
    served.client.post("/v1/memories/m/learn", json={"items": [[1] * 8], "labels": ["a"], "ids": ["gone"]})
    served.client.post("/v1/memories/m/forget", json={"ids": ["gone"]}).raise_for_status()
    job = served.wait_for(ask(served.client, "purge")["id"], "done")
    (receipt,) = served.client.get("/v1/memories/m/receipts", params={"after": job["result"]["sequence"] - 1}).json()[
        "receipts"
    ]
    assert receipt == job["result"]
    assert receipt["id_hashes"] == [served.client.post("/v1/memories/m/id-hash", json={"id": "gone"}).json()["id_hash"]]


def test_a_report_says_what_the_library_says(served: ServerProcess) -> None:
    job = served.wait_for(ask(served.client, "report")["id"], "done")
    assert job["result"]["examples"] == EXAMPLES
    assert job["result"]["classes"]["largest"] == {"label": "a", "count": EXAMPLES // 2}
    assert job["result"]["stream"]["length"] == EXAMPLES


def test_what_a_report_found_is_gone_when_something_is_forgotten(served: ServerProcess) -> None:
    create(served.client, "forgetful")
    before = served.wait_for(ask(served.client, "report", "forgetful")["id"], "done")
    with served.held() as hold:
        running = ask(served.client, "report", "forgetful")
        next(event for event in watch(served.client, running["id"]) if json.loads(event["data"])["done"])
        served.client.post("/v1/memories/forgetful/forget", json={"label": "a"}).raise_for_status()
        hold.unlink()
        during = served.wait_for(running["id"], "failed")
    assert during["problem"]["type"] == "/problems/forgotten-meanwhile"
    after = served.client.get(f"/v1/jobs/{before['id']}").json()
    assert after["result"] is None
    assert after["problem"]["type"] == "/problems/result-gone"


def test_no_job_file_holds_a_label_an_id_or_an_item(served: ServerProcess) -> None:
    client = served.client
    client.post("/v1/memories", json={"name": "marked", "encoder": "vectors:8", "width": 16}).raise_for_status()
    marks = {"ids": ["mark-id"] * 1, "labels": ["mark-label"], "subjects": ["mark-subject"]}
    client.post("/v1/memories/marked/learn", json={"items": [[0.515151] + [0.1] * 7], **marks}).raise_for_status()
    body = {"recent": [[0.616161] + [0.1] * 7]}
    report = client.post("/v1/memories/marked/report", json=body).json()
    assert served.wait_for(report["id"], "done")["result"]["classes"]["largest"]["label"] == "mark-label"
    served.wait_for(ask(client, "verify", "marked")["id"], "done")
    client.post("/v1/memories/marked/forget", json={"subject": "mark-subject"}).raise_for_status()
    served.wait_for(ask(client, "purge", "marked")["id"], "done")
    kept = [file.read_text() for file in (served.folder / "jobs").glob("*.json") if '"marked"' in file.read_text()]
    assert len(kept) == 3
    for mark in ("mark-", "0.515151", "0.616161"):
        assert not any(mark in text for text in kept)
        assert mark not in served.log()


@pytest.mark.parametrize("kind", ["verify", "purge", "report"])
def test_a_cancelled_job_stops_and_leaves_the_memory_as_it_was(served: ServerProcess, kind: str) -> None:
    before = served.client.get("/v1/memories/m").json()
    receipts = served.client.get("/v1/memories/m/receipts").json()
    with served.held():
        job = ask(served.client, kind)
        told = watch(served.client, job["id"])
        next(event for event in told if json.loads(event["data"])["done"])
        assert served.client.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] in ("running", "cancelled")
        *_, last = told
    assert json.loads(last["data"])["state"] == "cancelled"
    assert served.client.post(f"/v1/jobs/{job['id']}/cancel").json() == json.loads(last["data"])
    assert served.client.get("/v1/memories/m").json() == before
    assert served.client.get("/v1/memories/m/receipts").json() == receipts
    assert served.wait_for(ask(served.client, "verify")["id"], "done")["result"]["ok"]


def test_a_job_that_waits_is_cancelled_at_once(served: ServerProcess) -> None:
    with served.held():
        running, waiting = ask(served.client, "verify"), ask(served.client, "verify")
        served.wait_for(running["id"], "running")
        cancelled = served.client.post(f"/v1/jobs/{waiting['id']}/cancel").json()
        assert cancelled["state"] == "cancelled"
    assert served.wait_for(running["id"], "done")["state"] == "done"
    assert served.client.get(f"/v1/jobs/{waiting['id']}").json() == cancelled


def test_jobs_of_one_memory_wait_for_each_other_and_not_for_those_of_another(served: ServerProcess) -> None:
    with served.held():
        first, second = ask(served.client, "verify"), ask(served.client, "verify")
        elsewhere = ask(served.client, "verify", "other")
        served.wait_for(first["id"], "running")
        served.wait_for(elsewhere["id"], "running")
        assert served.client.get(f"/v1/jobs/{second['id']}").json()["state"] == "queued"
    for job in (first, second, elsewhere):
        served.wait_for(job["id"], "done")


def test_too_many_jobs_of_one_memory_are_refused_and_ended_ones_are_dropped(served: ServerProcess) -> None:
    create(served.client, "crowded", 2 * ROWS)
    with served.held():
        running = ask(served.client, "verify", "crowded")
        served.wait_for(running["id"], "running")
        waiting = [ask(served.client, "verify", "crowded") for _ in range(10)]
        refused = served.client.post("/v1/memories/crowded/verify")
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-jobs")
        assert refused.headers["retry-after"] == "1"
    served.wait_for(waiting[-1]["id"], "done")
    for _ in range(12):
        last = ask(served.client, "verify", "crowded")
        served.wait_for(last["id"], "done")
    listed = served.client.get("/v1/jobs", params={"memory": "crowded"}).json()["jobs"]
    assert len(listed) == 20
    assert listed[0]["id"] == last["id"]
    assert served.client.get(f"/v1/jobs/{running['id']}").status_code == 404


def test_jobs_are_listed_newest_first_and_page_by_page(served: ServerProcess) -> None:
    create(served.client, "paged", 2 * ROWS)
    made = [served.wait_for(ask(served.client, "verify", "paged")["id"], "done")["id"] for _ in range(5)]
    found, after = [], None
    while True:
        params = {"memory": "paged", "limit": 2} | ({"after": after} if after else {})
        page = served.client.get("/v1/jobs", params=params).json()
        found += [job["id"] for job in page["jobs"]]
        if (after := page["next"]) is None:
            break
    assert found == made[::-1]


def test_a_watcher_that_comes_back_is_told_what_it_missed_and_nothing_twice(served: ServerProcess) -> None:
    with served.held() as hold:
        job = ask(served.client, "verify")
        seen = next(event for event in watch(served.client, job["id"]) if json.loads(event["data"])["done"])
        hold.unlink()
        served.wait_for(job["id"], "done")
    again = list(watch(served.client, job["id"], last=seen["id"]))
    assert [json.loads(event["data"])["state"] for event in again] == ["done"]
    nothing = served.client.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": again[-1]["id"]})
    assert (nothing.status_code, nothing.content) == (204, b"")
    from_another_run = list(watch(served.client, job["id"], last="00000000-7"))
    assert [event["data"] for event in from_another_run] == [again[-1]["data"]]


def test_a_watcher_of_a_job_that_does_nothing_hears_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_entry, "HEARTBEAT_SECONDS", 0.01)
    job = Job(id="1", kind="verify", memory="m", state="queued", created="2026-01-01")

    async def watch() -> list[object]:
        watched = job_entry.Entry(Record(job, AskReport())).watched(None)
        return [await anext(watched) for _ in range(3)]

    (_, first), *rest = asyncio.run(watch())  # type: ignore[misc]
    assert (first, rest) == (job, [None, None])


@pytest.mark.parametrize("kind", ["verify", "purge", "report"])
def test_who_may_ask_for_a_job(served: ServerProcess, kind: str) -> None:
    allowed = {"admin", "writer"} | ({"reader"} if kind == "report" else set())
    for role in ("admin", "writer", "reader", "other", "stranger"):
        with served.as_(role) as client:
            answer = client.post(f"/v1/memories/m/{kind}", json={} if kind == "report" else None)
            unknown = client.post(f"/v1/memories/nowhere/{kind}", json={} if kind == "report" else None)
        if role == "stranger":
            assert answer.status_code == unknown.status_code == 401
        elif role in allowed:
            assert answer.status_code == 202
            served.wait_for(answer.json()["id"], "done")
        else:
            assert (answer.status_code, answer.content) == (404, unknown.content)


def test_who_may_see_and_cancel_a_job(served: ServerProcess) -> None:
    for kind in ("verify", "report"):
        with served.held():
            job = ask(served.client, kind)
            for role in ("reader", "writer", "other", "stranger"):
                with served.as_(role) as client:
                    told = client.get(f"/v1/jobs/{job['id']}")
                    listed = client.get("/v1/jobs")
                    nowhere = client.get("/v1/jobs/nowhere")
                    if role == "stranger":
                        for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/events", "/v1/jobs"):
                            assert client.get(path).status_code == 401
                    elif role == "other":
                        assert (told.status_code, told.content) == (404, nowhere.content)
                        assert client.get(f"/v1/jobs/{job['id']}/events").content == nowhere.content
                        assert client.post(f"/v1/jobs/{job['id']}/cancel").content == nowhere.content
                        assert not [one for one in listed.json()["jobs"] if one["memory"] != "other"]
                    else:
                        assert told.json()["id"] == job["id"]
                        assert job["id"] in [one["id"] for one in listed.json()["jobs"]]
            with served.as_("reader") as client:
                cancelled = client.post(f"/v1/jobs/{job['id']}/cancel")
            assert cancelled.status_code == (404 if kind == "verify" else 200)
        served.wait_for(job["id"], "done", "cancelled")


def test_deleting_a_memory_ends_its_jobs_and_a_new_one_of_its_name_has_none(served: ServerProcess) -> None:
    create(served.client, "short-lived")
    with served.held():
        running, waiting = (ask(served.client, "verify", "short-lived") for _ in range(2))
        told = watch(served.client, running["id"])
        next(event for event in told if json.loads(event["data"])["done"])
        assert served.client.delete("/v1/memories/short-lived").status_code == 204
    for job in (running, waiting):
        assert served.client.get(f"/v1/jobs/{job['id']}").status_code == 404
        assert not (served.folder / "jobs" / f"{job['id']}.json").exists()
    create(served.client, "short-lived", 2 * ROWS)
    assert served.client.get("/v1/jobs", params={"memory": "short-lived"}).json()["jobs"] == []


def test_a_key_that_is_deleted_ends_what_it_watches(served: ServerProcess) -> None:
    made = served.client.post("/v1/keys", json={"name": "short", "role": "read"}).json()
    with served.held():
        job = ask(served.client, "verify")
        served.wait_for(job["id"], "running")
        with httpx.Client(
            base_url=served.url, headers={"Authorization": f"Bearer {made['secret']}"}, timeout=30, trust_env=False
        ) as client:
            told = watch(client, job["id"])
            next(told)
            served.client.delete(f"/v1/keys/{made['id']}").raise_for_status()
            served.client.post(f"/v1/jobs/{job['id']}/cancel")
            served.wait_for(job["id"], "cancelled")
            assert all(json.loads(event["data"])["state"] == "running" for event in told)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"windows": 1}, "$.windows"),
        ({"false_alarm": 2}, "$.false_alarm"),
        ({"recent": [[1.0]]}, "$.recent"),
        ({"recent": [[1.0] * 8, "text"]}, "$.recent[1]"),
        ({"window": 3}, "$"),
    ],
)
def test_a_report_that_cannot_be_made_is_refused_with_the_place(served: ServerProcess, body: object, path: str) -> None:
    answer = served.client.post("/v1/memories/m/report", json=body)
    assert (answer.status_code, answer.json()["path"]) == (422, path)


def test_jobs_survive_a_kill(tmp_path: Path) -> None:
    """Those that waited and those that ran are run. Said to have failed are one that would need what is kept nowhere,
    and one during which the server has died three times.
    """
    write_keys(tmp_path)
    with ServerProcess(tmp_path) as server:
        create(server.client, "m")
        create(server.client, "other", 2 * ROWS)
        ended = server.wait_for(ask(server.client, "verify")["id"], "done")
        reported = server.wait_for(ask(server.client, "report")["id"], "done")
        with server.held():
            running = ask(server.client, "verify")
            next(event for event in watch(server.client, running["id"]) if json.loads(event["data"])["done"])
            waiting = [ask(server.client, kind) for kind in ("purge", "report")]
            body = {"recent": [[1.0] * 8]}
            recent = server.client.post("/v1/memories/m/report", json=body).json()
            cancelled = server.client.post(f"/v1/jobs/{ask(server.client, 'verify')['id']}/cancel").json()
            deadly = ask(server.client, "verify", "other")
            server.wait_for(deadly["id"], "running")
            server.kill()
        file = tmp_path / "jobs" / f"{deadly['id']}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"begun": 3}))
        file.with_name("no-record.json").write_text("{}")  # keeps nothing from starting
        server.start()
        failed = server.wait_for(deadly["id"], "failed")
        assert failed["problem"]["type"] == "/problems/interrupted"
        for job in (running, *waiting):
            assert server.wait_for(job["id"], "done", "failed")["state"] == "done"
        lost = server.wait_for(recent["id"], "failed")
        assert lost["problem"]["type"] == "/problems/interrupted"
        assert server.client.get(f"/v1/jobs/{ended['id']}").json() == ended
        assert server.client.get(f"/v1/jobs/{cancelled['id']}").json() == cancelled
        gone = server.client.get(f"/v1/jobs/{reported['id']}").json()
        assert (gone["state"], gone["result"]) == ("done", None)
        assert gone["problem"]["type"] == "/problems/result-gone"


def test_a_graceful_stop_lets_watchers_go_and_the_job_goes_on_afterwards(tmp_path: Path) -> None:
    write_keys(tmp_path)
    with ServerProcess(tmp_path) as server:
        create(server.client, "m", 2 * ROWS)
        with server.held():
            job = ask(server.client, "verify")
            told = watch(server.client, job["id"])
            next(event for event in told if json.loads(event["data"])["done"])
            server.process.terminate()
            assert all(json.loads(event["data"])["state"] != "failed" for event in told)
            assert server.ended() in (0, -signal.SIGTERM)
            record = json.loads((tmp_path / "jobs" / f"{job['id']}.json").read_text())
            assert (record["job"]["state"], record["begun"]) == ("queued", 0)
        server.start()
        assert server.wait_for(job["id"], "done")["result"]["ok"]
