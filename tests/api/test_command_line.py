"""The command line works on a URL as on a file: the same commands print the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.api.congruence import HAS_JOBS
from tests.api.serving import Served
from typer.testing import CliRunner, Result

import protomem
from protomem.cli.main import app

NUMBERS = count(1)

ROWS = [
    {"id": "e1", "subject": "ann", "label": "east", "vector": [1.0, 0.1, 0.0]},
    {"id": "e2", "subject": "bob", "label": "east", "vector": [1.0, -0.1, 0.1]},
    {"id": "n1", "subject": "ann", "label": "north", "vector": [0.1, 1.0, 0.0]},
    {"id": "n2", "subject": "bob", "label": "north", "vector": [0.0, 1.0, 0.1]},
    {"id": "s1", "subject": None, "label": "south", "vector": [0.0, -1.0, 0.2]},
]
VECTORS = ("--vectors-column", "vector", "--id-column", "id")
ITS_OWN = {"memory", "receipt", "receipts", "public_key"}
"""What is of one memory alone: its place, the random ids of its receipts, its keys."""


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture
def url(server: Served, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a memory that is not there yet. The server, in this process, logs nothing into what a command prints."""
    monkeypatch.setenv("PROTOMEM_API_KEY", key)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield f"{server.url}/command-line-{next(NUMBERS)}"
    structlog.reset_defaults()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return {name: value for name, value in json.loads(result.stdout).items() if name not in ITS_OWN}


def test_each_command_prints_of_a_url_what_it_prints_of_a_file(tmp_path: Path, points: Path, url: str) -> None:
    commands: list[tuple[object, ...]] = [
        ("learn", points, *VECTORS, "--subject-column", "subject"),
        ("learn", points, *VECTORS, "--subject-column", "subject"),
        ("classes",),
        ("predict", "--file", points, *VECTORS, "--coverage", "0.9", "--explain"),
        ("predict", "--file", points, *VECTORS, "--among", "east"),
        ("suggest", points, *VECTORS, "--count", "2"),
        ("forget", "--id", "e1", "--yes"),
        ("forget", "--subject", "bob", "--yes"),
        ("trim", "--to", "1", "--yes"),
        ("classes",),
    ]
    for command in commands:
        assert told(*command, "--memory", url) == told(*command, "--memory", tmp_path / "points.duckdb"), command
    assert told("classes", "--memory", url) == {"examples": 1, "classes": {"south": 1}}


@pytest.mark.skipif(not HAS_JOBS, reason="verify, purge and report are jobs, which this service has not")
def test_long_work_prints_of_a_url_what_it_prints_of_a_file(tmp_path: Path, points: Path, url: str) -> None:
    commands: list[tuple[object, ...]] = [
        ("learn", points, *VECTORS),
        ("verify",),
        ("report", "--no-drift", "--windows", "2", "--recent", points, "--vectors-column", "vector"),
        ("forget", "--id", "e1", "--yes", "--purge"),
        ("purge",),
    ]
    for command in commands:
        assert told(*command, "--memory", url) == told(*command, "--memory", tmp_path / "points.duckdb"), command


def test_receipts_of_a_url_are_audited(tmp_path: Path, points: Path, url: str) -> None:
    told("learn", points, *VECTORS, "--memory", url)
    told("forget", "--id", "e1", "--yes", "--memory", url)
    listed = json.loads(
        run("receipts", "--memory", url, "--id", "e1", "--export", tmp_path / "e1.jsonl", "--json").stdout
    )
    assert [receipt["kind"] for receipt in listed["receipts"]] == ["learn", "forget"]
    audited = run("audit", tmp_path / "e1.jsonl", "--public-key", listed["public_key"])
    assert audited.exit_code == 0, audited.output


def test_a_url_contributes_merges_and_withdraws_as_a_file(tmp_path: Path, points: Path, url: str, key: str) -> None:
    client, coordinator = tmp_path / "client.duckdb", tmp_path / "coordinator.duckdb"
    with protomem.Client(url.rpartition("/")[0], key) as server:
        server.memory(url.rpartition("/")[2], encoder="vectors:3")
        protomem.open(coordinator, encoder="vectors:3").close()
    run("learn", points, *VECTORS, "--memory", client)
    run("contribute", "--client", "clinic", "-o", tmp_path / "part", "--memory", client)
    for command in (("merge", tmp_path / "part"), ("withdraw", "clinic")):
        assert told(*command, "--memory", url) == told(*command, "--memory", coordinator), command
    sent = [told("contribute", "--client", "c", "-o", tmp_path / "sent", "--memory", one) for one in (url, client)]
    assert sent[0] == {**sent[1], **{name: sent[0][name] for name in ("count", "labels", "digest", "bytes")}}


def test_a_key_that_may_contribute_sends(
    tmp_path: Path, points: Path, url: str, key: str, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = url.rpartition("/")[2]
    with protomem.Client(server.url, key) as client:
        memory = client.memory(name, encoder="vectors:3")
        run("learn", points, *VECTORS, "--memory", tmp_path / "client.duckdb")
        for one in ("clinic", "another"):
            run("contribute", "--client", one, "-o", tmp_path / one, "--memory", tmp_path / "client.duckdb")
        secret = server.client("contribute", [name], {"clinic": None}).headers["authorization"].partition(" ")[2]
        monkeypatch.setenv("PROTOMEM_API_KEY", secret)
        assert "may use" in run("merge", tmp_path / "clinic", "--memory", url).stderr
        assert len(memory) == 0
        assert told("merge", tmp_path / "clinic", "--send-only", "--memory", url) == {"merged": 1}
        assert len(memory) == 5
        assert "may use" in run("merge", tmp_path / "another", "--send-only", "--memory", url).stderr
        assert [one.name for one in memory.clients()] == ["clinic"]
    refused = run("merge", tmp_path / "clinic", "--send-only", "--memory", tmp_path / "client.duckdb")
    assert (refused.exit_code, "is a file: write http" in refused.stderr) == (2, True)


def test_a_memory_that_retains_nothing_forgets_by_receipts_kept_here(tmp_path: Path, points: Path, url: str) -> None:
    kept = tmp_path / "receipts.jsonl"
    told("learn", points, *VECTORS, "--retain", "nothing", "--receipts", kept, "--memory", url)
    assert told("forget", "--receipt", kept, "--yes", "--memory", url)["examples"] == 0


def test_what_is_wrong_is_told_without_a_traceback(points: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = run("classes", "--memory", url)
    assert (absent.exit_code, absent.stderr) == (
        1,
        f"error: there is no memory '{url.rpartition('/')[2]}' that this key may use: check the name and the key, or "
        "create it\n",
    )
    unnamed = run("classes", "--memory", url.rpartition("/")[0])
    assert unnamed.exit_code == 2
    assert "names no memory: write http://HOST:PORT/NAME" in unnamed.stderr
    monkeypatch.setenv("PROTOMEM_API_KEY", "pm_unknown")
    unknown = run("learn", points, *VECTORS, "--memory", url)
    assert unknown.exit_code == 1
    assert "needs an API key that the server knows" in unknown.stderr
    assert "pm_unknown" not in unknown.output
