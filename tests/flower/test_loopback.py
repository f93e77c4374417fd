"""Real processes of Flower on loopback: what they merge, whom they talk to, and that none is left."""

from __future__ import annotations

import os
import socket
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.flower.conftest import VECTORS, taught

import protomem
from protomem.errors import InvalidInput
from protomem_flower import FlowerFailed, Loopback, Round, loopback

WATCH = """
import os, sys
def heard(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        where = args[1] if event == "socket.connect" else args[0] if event == "socket.getaddrinfo" else args[1]
        host = where[0] if isinstance(where, tuple) else where
        host = host.decode() if isinstance(host, bytes) else str(host)
        with open(os.environ["HEARD"], "a") as file:
            file.write(f"{event} {host}\\n")
sys.addaudithook(heard)
"""
"""Python runs it first in every process that finds it as `sitecustomize`; it writes down who is called by what name."""

MINUTES = 300.0
"""Seconds after which a run has failed: it takes 15 on an idle machine of two cores."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A federation of three clients, one of which has no memory; it ran two rounds and is stopped again."""
    folder = tmp_path_factory.mktemp("federation")
    watch = folder / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCH, "utf-8")
    for number in (1, 2):
        taught(folder / f"clinic-{number}.duckdb", range(number - 1, 90, 2)).close()
    taught(folder / "coordinator.duckdb", []).close()
    nodes = {f"clinic-{number}": {"memory": str(folder / f"clinic-{number}.duckdb")} for number in (1, 2, 3)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARD", str(folder / "heard"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(watch), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("FLWR_TELEMETRY_ENABLED", "1")  # whatever a user's environment says
        with Loopback(folder / "flower", nodes) as flower:
            groups = flower.pids
            rounds = flower.run({"memory": str(folder / "coordinator.duckdb"), "clients": 3, "rounds": 2}, MINUTES)
    heard = (folder / "heard").read_text("utf-8").splitlines()
    return SimpleNamespace(folder=folder, groups=groups, rounds=rounds, heard=heard, flower=flower)


def test_what_real_processes_merge_is_central_learning(ran: SimpleNamespace) -> None:
    with taught(None, range(90), retain="nothing") as central:
        assert [one.digest for one in ran.rounds] == [central.digest()] * 2
        with protomem.open(ran.folder / "coordinator.duckdb") as coordinator:
            assert coordinator.digest() == central.digest()
            assert coordinator.predict(VECTORS, top_k=4) == central.predict(VECTORS, top_k=4)


def test_the_client_without_a_memory_is_reported_and_stops_nobody(ran: SimpleNamespace) -> None:
    def told(one: Round) -> list[tuple[str | None, str]]:
        return [(outcome.client, outcome.state) for outcome in one.outcomes]

    assert [told(one) for one in ran.rounds] == [
        [("clinic-1", "merged"), ("clinic-2", "merged"), ("clinic-3", "failed")]
    ] * 2
    assert "there is no memory" in str(ran.rounds[0].of("failed")[0].reason)


def test_nobody_is_called_but_loopback(ran: SimpleNamespace) -> None:
    """No telemetry, no check for updates, no index of packages: those would look up a name."""
    hosts = {line.split(" ", 1)[1] for line in ran.heard}
    assert "127.0.0.1" in hosts, "the processes were listened to"
    assert hosts <= {"127.0.0.1", "localhost", "::1"}


def test_no_process_is_left(ran: SimpleNamespace) -> None:
    assert sorted(ran.groups) == ["clinic-1", "clinic-2", "clinic-3", "superexec", "superlink"]
    assert ran.flower.pids == {}
    end = time.monotonic() + 10
    while alive := {name for name, group in ran.groups.items() if _alive(group)}:
        assert time.monotonic() < end, f"still there: {alive}"
        time.sleep(0.1)


def test_a_superlink_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((loopback.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(loopback, "_free_port", lambda: port)
        monkeypatch.setattr(loopback, "_listens", lambda _: False)
        with pytest.raises(FlowerFailed, match=r"(?s)SuperLink ended with exit code \d+.*superlink said last.*in use"):
            Loopback(tmp_path, {}).__enter__()


def test_without_the_programs_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(FlowerFailed, match=r"pip install 'protomem\[federated\]'"):
        Loopback(tmp_path, {}).__enter__()


@pytest.mark.parametrize("name", ["", "../clinic", "a/b", ".hidden", "config", "superlink", "run-1", "a\nb"])
def test_a_node_is_called_as_a_file_can_be(name: str, tmp_path: Path) -> None:
    """`config.toml` is Flower's own; anything with a slash would lie elsewhere."""
    with pytest.raises(InvalidInput, match="a node cannot be called"):
        Loopback(tmp_path, {}).start_client(name, {"memory": "m"})
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_runs_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one's process would be known to nobody any more."""
    flower = Loopback(tmp_path, {})
    monkeypatch.setattr(flower, "_start", flower._running.setdefault)
    flower.start_client("clinic", {"memory": "m"})
    with pytest.raises(InvalidInput, match="the node 'clinic' runs already"):
        flower.start_client("clinic", {"memory": "m"})


def test_a_report_of_an_earlier_federation_is_not_that_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flower = Loopback(tmp_path, {})
    (tmp_path / "run-1.json").write_text('{"asked": 0, "rounds": []}', "utf-8")
    monkeypatch.setattr(flower, "_start", lambda name, command: SimpleNamespace(wait=lambda timeout: 0))
    with pytest.raises(FlowerFailed, match="the run ended after 0 rounds"):
        flower.run({"memory": "m"})


@pytest.mark.parametrize("text", ["plain", "ç 名 😀", 'a "quote" \\ and\nline', "\x00\x1f\x7f", ""])
def test_a_configuration_is_read_as_it_was_given(text: str, tmp_path: Path) -> None:
    config = {"memory": text, "number": 3, "share": 0.25, "yes": True}
    path = Loopback(tmp_path, {})._toml("node", config)
    assert tomllib.loads(path.read_text("utf-8")) == config


def _alive(group: int) -> bool:
    """Whether a process of this group runs; one that has ended and that nobody has waited for does not."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            return True
    return False
