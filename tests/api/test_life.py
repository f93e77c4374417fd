"""From the start of a server to its end: one to a folder, memories opened and closed, writes beside answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import POINTS, taught
from tests.api.serving import Served, served, wait_until

import protomem
from protomem_api import KeyFile, Settings

COMMAND = "from protomem.cli.main import main; main()"


@contextmanager
def process(data: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`protomem serve` in a process of its own."""
    command = [sys.executable, "-c", COMMAND, "serve", "--data", str(data), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as started:
        try:
            yield started
        finally:
            started.kill()


def address(server: subprocess.Popen[str]) -> str:
    """What the server says it listens at."""
    for line in server.stderr:  # type: ignore[union-attr]
        if found := re.search(r'"url":"(http://[\d.:]+)"', line):
            return found[1]
    raise AssertionError("the server ended before it listened")


def test_a_second_server_on_a_folder_is_refused(tmp_path: Path) -> None:
    with served(Settings(data=tmp_path)), process(tmp_path, "--port", "0") as second:
        assert second.wait(60) == 1
        assert second.stderr is not None
        assert "another protomem server has this folder" in second.stderr.read()
    assert not (tmp_path / "keys.json").exists()


def test_a_first_key_is_made_and_shown_once(tmp_path: Path) -> None:
    with process(tmp_path, "--port", "0") as server:
        shown = next(line.strip() for line in server.stderr if line.strip().startswith("pm_"))  # type: ignore[union-attr]
        url = address(server)
        assert httpx.get(f"{url}/v1/keys", headers={"Authorization": f"Bearer {shown}"}).status_code == 200
    assert [key.name for key in KeyFile(tmp_path).all()] == ["first"]


def test_a_server_that_is_told_to_stop_finishes_what_it_began(tmp_path: Path) -> None:
    """A learn is under way when the signal comes: it is answered, it is durable, and the file is closed."""
    with process(tmp_path, "--port", "0", "--no-auth") as server:
        url = address(server)
        with httpx.Client(base_url=url, timeout=60) as client:
            client.post("/v1/memories", json={"name": "a", "encoder": "vectors:8", "width": 2048})
            items = [[float(row % 97 + column) for column in range(8)] for row in range(900)]
            answers: list[httpx.Response] = []
            body = {"items": items, "labels": [f"label {row % 90}" for row in range(900)]}
            learning = threading.Thread(target=lambda: answers.append(client.post("/v1/memories/a/learn", json=body)))
            learning.start()
            wait_until(lambda: "disk 1" in queued(url) or not learning.is_alive())
            server.send_signal(signal.SIGTERM)
            learning.join()
            assert server.wait(60) in (0, -signal.SIGTERM)
    assert answers[0].status_code == 200
    with protomem.open(tmp_path / "a.duckdb") as memory:
        assert len(memory) == 900
        assert memory.verify().ok
    assert not list(tmp_path.glob("*.wal"))


def queued(url: str) -> str:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return " ".join(re.sub(r".*threads=\"(\w+)\"} (\d+).*", r"\1 \2", line) for line in lines if "queued{" in line)


def test_answers_beside_writes_are_those_of_a_state_that_was(admin: httpx.Client, server: Served) -> None:
    """One label is taught and forgotten again and again: each answer is of before or after, none in between."""
    path = taught(admin, {"encoder": "vectors:2"}, POINTS)
    states = [allowed(admin, path)]
    admin.post(f"{path}/learn", json={"items": [[-1.0, -1.0]], "labels": ["west"], "ids": ["w"]})
    states.append(allowed(admin, path))
    stop = threading.Event()
    found: list[object] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, headers=admin.headers, timeout=60) as client:
            while not stop.is_set():
                found.append(allowed(client, path))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for _ in range(10):
        assert admin.post(f"{path}/forget", json={"ids": ["w"]}).status_code == 200
        assert allowed(admin, path) == states[0]
        again = {"items": [[-1.0, -1.0]], "labels": ["west"], "ids": ["w"], "relearn": True}
        assert admin.post(f"{path}/learn", json=again).status_code == 200
        assert allowed(admin, path) == states[1]
    stop.set()
    for asker in askers:
        asker.join()
    assert len(found) > 0
    assert all(one in states for one in found)


def allowed(client: httpx.Client, path: str) -> object:
    return client.post(f"{path}/predict", json={"items": [[-0.9, -1.0]], "evidence": 1}).json()


def test_many_callers_get_their_own_answers(admin: httpx.Client, server: Served, texts: str) -> None:
    """Concurrent requests are encoded and answered in batches; each gets what it would get alone."""
    asked = [f"where is parcel number {row}" if row % 2 else f"refund {row} please" for row in range(24)]
    alone = [admin.post(f"{texts}/predict", json={"items": [one]}).json() for one in asked]
    together: dict[str, object] = {}

    def ask(one: str) -> None:
        with httpx.Client(base_url=server.url, headers=admin.headers, timeout=60) as client:
            together[one] = client.post(f"{texts}/predict", json={"items": [one]}).json()

    callers = [threading.Thread(target=ask, args=(one,)) for one in asked]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [together[one] for one in asked] == alone


@pytest.fixture(scope="module")
def restless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that closes memories after a moment, and holds two open at most."""
    settings = Settings(data=tmp_path_factory.mktemp("restless"), auth=False, idle_seconds=0.1, open_memories=2)
    with served(settings) as running:
        yield running


def test_an_idle_memory_is_closed_and_opened_again(restless: Served) -> None:
    with httpx.Client(base_url=restless.url, timeout=30) as client:
        path = taught(client, {"encoder": "vectors:2", "kernel_rows": 5}, POINTS)
        before = client.get(path).json()
        wait_until(lambda: not list(restless.settings.data.glob("*.wal")))
        wait_until(lambda: "protomem_open_memories 0.0" in client.get("/metrics").text)
        (listed,) = client.get("/v1/memories").json()["memories"]
        assert (listed["is_open"], listed["examples"], listed["classes"]) == (False, None, None)
        assert (listed["encoder"], listed["retain"]) == ("vectors:2", "codes")
        assert "protomem_open_memories 0.0" in client.get("/metrics").text
        assert client.get(path).json() == before


def test_a_job_that_holds_a_memory_keeps_neither_the_list_nor_the_metrics_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of such a memory they tell what was seen last."""
    begun, end = threading.Event(), threading.Event()

    def verify(memory: protomem.Memory, progress: object = None) -> None:
        with memory._shared.kept():
            begun.set()
            end.wait(30)
        raise protomem.MemoryDamaged("seen enough")

    monkeypatch.setattr(protomem.Memory, "verify", verify)
    with (
        served(Settings(data=tmp_path, auth=False, write_threads=2)) as running,
        httpx.Client(base_url=running.url) as client,
    ):
        path = taught(client, {"encoder": "vectors:2"}, POINTS)
        client.post(f"{path}/learn", json={"items": [[1, 1]], "labels": ["both"]})
        assert client.post(f"{path}/verify").status_code == 202
        try:
            assert begun.wait(20)
            for _ in range(3):
                (listed,) = client.get("/v1/memories", timeout=10).json()["memories"]
                assert (listed["is_open"], listed["examples"], listed["classes"]) == (True, 5, 3)
                lines = client.get("/metrics", timeout=10).text.splitlines()
                assert {"protomem_examples 5.0", "protomem_classes 3.0", "protomem_open_memories 1.0"} <= set(lines)
                assert client.get("/health/ready", timeout=10).status_code == 200
        finally:
            end.set()
        client.post(f"{path}/learn", json={"items": [[1, 1]], "labels": ["both"]})
        wait_until(lambda: client.get("/v1/memories").json()["memories"][0]["examples"] == 6)


def test_a_memory_from_elsewhere_is_served_as_it_is(restless: Served) -> None:
    with protomem.open(restless.settings.data / "brought.duckdb", encoder=protomem.Vectors(2)) as memory:
        memory.learn(**POINTS)
        digest = memory.digest()
    with httpx.Client(base_url=restless.url, timeout=30) as client:
        page = client.get("/v1/memories", params={"after": "brough"}).json()["memories"]
        assert page[0] == {"name": "brought", "is_open": False} | dict.fromkeys(
            ("encoder", "retain", "examples", "classes")
        )
        assert client.get("/v1/memories/brought").json()["digest"] == digest


def test_a_file_that_is_no_memory_is_told_without_its_path(restless: Served) -> None:
    (restless.settings.data / "broken.duckdb").write_bytes(b"no memory")
    with httpx.Client(base_url=restless.url, timeout=30) as client:
        answer = client.get("/v1/memories/broken/classes")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/not-a-memory")
    assert str(restless.settings.data) not in answer.text


def test_the_log_tells_of_requests_and_of_no_content(tmp_path: Path) -> None:
    secrets = ("secret-name", "secret label", "secret id", "secret subject", "12345.5")
    with process(tmp_path, "--port", "0", "--no-auth") as server:
        url = address(server)
        with httpx.Client(base_url=url, timeout=60) as client:
            client.post("/v1/memories", json={"name": secrets[0], "encoder": "vectors:2", "width": 8})
            learn = {"items": [[12345.5, 1]], "labels": [secrets[1]], "ids": [secrets[2]], "subjects": [secrets[3]]}
            client.post(f"/v1/memories/{secrets[0]}/learn", json=learn)
            client.post(f"/v1/memories/{secrets[0]}/forget", json={"ids": [secrets[2] + "?"]})
            client.post(f"/v1/memories/{secrets[0]}/predict", json={"items": [[0, 0]]})
        server.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in server.stderr if line.startswith("{")]  # type: ignore[union-attr]
    requests = [(line["method"], line["route"], line["status"]) for line in lines if line["event"] == "request"]
    assert requests == [
        ("POST", "/v1/memories", 201),
        ("POST", "/v1/memories/{name}/learn", 200),
        ("POST", "/v1/memories/{name}/forget", 404),
        ("POST", "/v1/memories/{name}/predict", 422),
    ]
    for secret in secrets:
        assert secret not in json.dumps(lines)
