"""Rounds: what is merged is central learning, and whatever one client does, the others are merged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from tests.flower.conftest import VECTORS, NearGrid, Node, broken, client, silent, taught

import protomem
from protomem.errors import InvalidInput
from protomem_flower import FlowerFailed
from protomem_flower.rounds import federate
from protomem_flower.server_app import run
from protomem_flower.settings import CoordinatorSettings

SOON = 0.6
"""Seconds after which a silent node is given up."""


def settings(**more: Any) -> CoordinatorSettings:
    return CoordinatorSettings(memory=Path("not opened here"), **{"timeout": SOON, "wait": 0.0, **more})


def states(grid: NearGrid, memory: protomem.Memory, **more: Any) -> list[dict[str, str]]:
    """The state of each client in each round, by name or node."""
    return [
        {one.client or str(one.node): one.state for one in found.outcomes}
        for found in federate(memory, grid, settings(**more))
    ]


def central(rows: Any) -> str:
    with taught(None, rows) as memory:
        return memory.digest()


def answering(fields: dict[str, Any]) -> Node:
    """A node that answers with these fields, whatever it is asked."""
    return lambda message: Message(RecordDict({"protomem": ConfigRecord(fields)}), reply_to=message)


def changed(node: Node, change: Callable[[bytes], bytes]) -> Node:
    """A node whose contribution is changed on its way."""

    def answer(message: Message) -> Message | None:
        found = node(message)
        assert found is not None
        record = found.content["protomem"]
        record["contribution"] = change(record["contribution"])
        return found

    return answer


def test_one_round_is_central_learning_and_the_next_changes_nothing(clients: dict[int, Node]) -> None:
    grid, all_merged = NearGrid(clients), dict.fromkeys(("clinic-1", "clinic-2", "clinic-3"), "merged")
    with taught(None, []) as coordinator:
        assert states(grid, coordinator, rounds=3) == [all_merged] * 3
        assert coordinator.digest() == central(range(90))
        assert len(coordinator) == 90
        with taught(None, range(90), retain="nothing") as whole:
            assert coordinator.predict(VECTORS, top_k=4) == whole.predict(VECTORS, top_k=4)
    assert not any(whole for _, whole in grid.asked), "differences follow each other: nothing was asked for anew"


def test_what_a_client_learns_and_forgets_between_rounds_arrives_as_a_difference(
    clients: dict[int, Node], tmp_path: Path
) -> None:
    with taught(None, []) as coordinator:
        rounds = federate(coordinator, NearGrid(clients), settings(rounds=2))
        whole = next(rounds)
        with protomem.open(tmp_path / "clinic-1.duckdb") as own:
            own.forget(ids=["00", "03"])
            own.learn(VECTORS[1:2], ["class 9"])
        difference = next(rounds)
        with taught(None, [row for row in range(90) if row not in (0, 3)]) as memory:
            memory.learn(VECTORS[1:2], ["class 9"])
            assert coordinator.digest() == memory.digest() == difference.digest
        assert difference.outcomes[1].bytes < whole.outcomes[1].bytes, "clinic-2 had nothing new to say"


@pytest.mark.parametrize(
    ("other", "state", "reason"),
    [
        pytest.param(silent, "silent", r"no answer in 0\.6 seconds", id="silent"),
        pytest.param(broken, "failed", "boom", id="an error of Flower"),
        pytest.param(client(client="x", memory="/nowhere/x.duckdb"), "failed", "there is no memory", id="no memory"),
        pytest.param(client(memory="/nowhere/x.duckdb"), "failed", "client is None", id="no name"),
        pytest.param(answering({"x": 1}), "refused", "none of protomem", id="another app"),
        pytest.param(answering({"contribution": "text"}), "refused", "none of protomem", id="no bytes"),
        pytest.param(answering({"contribution": b"", "error": "both"}), "refused", "none of protomem", id="both"),
        pytest.param(answering({"contribution": b"no such thing"}), "refused", "^C1", id="no contribution"),
    ],
)
def test_a_client_that_fails_is_reported_and_stops_nobody(
    clients: dict[int, Node], other: Node, state: str, reason: str
) -> None:
    with taught(None, []) as coordinator:
        (found,) = federate(coordinator, NearGrid({9: other, **clients}), settings())
        assert sorted(one.state for one in found.outcomes) == sorted([state, *["merged"] * 3])
        (odd,) = found.of(state)  # type: ignore[arg-type]
        assert odd.node == 9
        assert re.search(reason, str(odd.reason))
        assert coordinator.digest() == central(range(90))


def test_a_contribution_that_was_changed_on_its_way_is_refused(clients: dict[int, Node]) -> None:
    clients[2] = changed(clients[2], lambda sent: sent[:-9] + bytes(9))
    with taught(None, []) as coordinator:
        (found,) = federate(coordinator, NearGrid(clients), settings())
        (odd,) = found.of("refused")
        assert (odd.node, odd.client) == (2, "clinic-2")
        assert coordinator.digest() == central(row for row in range(90) if row % 3 != 1)


def test_a_client_of_another_space_is_refused(clients: dict[int, Node], tmp_path: Path) -> None:
    with protomem.open(tmp_path / "other.duckdb", encoder=protomem.Vectors(6), width=32) as other:
        other.learn(VECTORS[:5], ["a"] * 5)
    clients[4] = client(memory=str(tmp_path / "other.duckdb"), client="other")
    with taught(None, []) as coordinator:
        (found,) = federate(coordinator, NearGrid(clients), settings())
        assert [(one.client, str(one.reason)[:2]) for one in found.of("refused")] == [("other", "C4")]
        assert coordinator.digest() == central(range(90))


def test_after_a_lost_answer_the_client_is_asked_for_everything(clients: dict[int, Node], tmp_path: Path) -> None:
    """Its contribution 2 is lost; 3 is the difference against it, and 4 everything again."""
    own = clients[1]

    def lossy(message: Message) -> Message | None:
        found = own(message)
        assert found is not None
        return (
            None if protomem.Contribution.from_bytes(found.content["protomem"]["contribution"]).sequence == 2 else found
        )

    grid = NearGrid(clients | {1: lossy})
    with taught(None, []) as coordinator:
        rounds = federate(coordinator, grid, settings(rounds=3))
        next(rounds)
        with protomem.open(tmp_path / "clinic-1.duckdb") as memory:
            memory.forget(ids=["00"])
        assert [one.state for one in next(rounds).of("silent")] == ["silent"]
        assert coordinator.digest() == central(range(90)), "what was lost is not merged"
        last = next(rounds)
        assert [(one.client, one.sequence) for one in last.outcomes] == [
            ("clinic-1", 4),
            ("clinic-2", 3),
            ("clinic-3", 3),
        ]
        assert coordinator.digest() == central(range(1, 90))
    assert [node for node, whole in grid.asked if whole] == [1]


def test_who_is_withdrawn_stays_out_until_readmitted(clients: dict[int, Node]) -> None:
    grid, others = NearGrid(clients), [row for row in range(90) if row % 3 != 2]
    with taught(None, []) as coordinator:
        states(grid, coordinator)
        assert states(grid, coordinator, withdraw=("clinic-3",))[0]["clinic-3"] == "withdrawn"
        assert coordinator.digest() == central(others)
        assert states(grid, coordinator)[0]["clinic-3"] == "withdrawn"
        assert coordinator.digest() == central(others)
        assert states(grid, coordinator, readmit=("clinic-3",))[0]["clinic-3"] == "merged"
        assert coordinator.digest() == central(range(90))
        with pytest.raises(InvalidInput, match="both name clinic-1"):
            states(grid, coordinator, withdraw=("clinic-1",), readmit=("clinic-1",))


def test_a_client_to_withdraw_that_never_came_is_an_error_that_changes_nothing(clients: dict[int, Node]) -> None:
    """A slip of the pen: the client that was meant would stay."""
    grid = NearGrid(clients)
    with taught(None, []) as coordinator:
        states(grid, coordinator)
        with pytest.raises(InvalidInput, match="withdraw names clinc-3, and no client of that name was ever merged"):
            states(grid, coordinator, withdraw=("clinic-1", "clinc-3"))
        assert coordinator.digest() == central(range(90))
        assert states(grid, coordinator, withdraw=("clinic-3", "clinic-3"))[0]["clinic-3"] == "withdrawn"
        assert states(grid, coordinator, withdraw=("clinic-3",))[0]["clinic-3"] == "withdrawn"


@pytest.mark.parametrize("text", ["no\nclinic-9: merged contribution 1", "\x1b[2J", "a\u2028b", "a\rb"])
def test_what_a_client_writes_stays_on_its_line_of_the_log(text: str) -> None:
    """Neither a line of another client's nor a command to the terminal."""
    liar = answering({"client": text, "error": text})
    with taught(None, []) as coordinator:
        (found,) = federate(coordinator, NearGrid({9: liar}), settings())
        (odd,) = found.of("failed")
        assert odd.client == odd.reason == text
        assert str(odd).isprintable()
        shown = repr(text)[1:-1]
        assert str(odd) == f"{shown}: failed: {shown}"


def test_only_clients_whose_keys_are_given_are_merged(clients: dict[int, Node], tmp_path: Path) -> None:
    with protomem.open(tmp_path / "clinic-1.duckdb") as memory:
        keys = {"clinic-1": memory.public_key, "clinic-2": "00" * 32}
    with taught(None, []) as coordinator:
        assert states(NearGrid(clients), coordinator, keys=keys) == [
            {"clinic-1": "merged", "clinic-2": "refused", "clinic-3": "refused"}
        ]
        assert coordinator.digest() == central(range(0, 90, 3))


def test_a_client_sends_no_more_than_it_grants(clients: dict[int, Node], tmp_path: Path) -> None:
    """Three examples of a label that the client holds back, and a level below the one asked for."""
    with protomem.open(tmp_path / "clinic-1.duckdb") as memory:
        memory.learn(VECTORS[:3], ["rare"] * 3)
    path = str(tmp_path / "clinic-1.duckdb")
    careful = client(memory=path, client="clinic-1", level="prototypes", **{"min-count": 4})
    with taught(None, []) as coordinator:
        states(NearGrid(clients | {1: careful}), coordinator)
        assert "rare" not in coordinator.classes()
        assert {one.name: one.level for one in coordinator.clients()}["clinic-1"] == "prototypes"
        assert len(coordinator) == 90


def test_too_few_clients_are_an_error_that_changes_nothing(clients: dict[int, Node]) -> None:
    with taught(None, []) as coordinator:
        with pytest.raises(FlowerFailed, match="3 of 4 clients are connected after 0 seconds"):
            list(federate(coordinator, NearGrid(clients), settings(clients=4)))
        assert len(coordinator) == 0


def test_a_run_makes_the_memory_and_reports_every_client(clients: dict[int, Node], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    file = tmp_path / "coordinator.duckdb"
    taught(file, []).close()
    found = run(NearGrid(clients | {4: broken}), CoordinatorSettings(file, timeout=SOON, rounds=2, report=report))
    told = json.loads(report.read_text("utf-8"))
    assert told["asked"] == len(told["rounds"]) == 2
    assert [one["state"] for one in told["rounds"][1]["outcomes"]] == ["failed", "merged", "merged", "merged"]
    assert told["rounds"][1]["digest"] == found[1].digest == central(range(90))
    with protomem.open(file) as memory:
        assert memory.digest() == central(range(90))
        assert memory.verify().ok
