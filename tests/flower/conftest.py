"""A grid without processes: each message goes to a client in this one, and comes back as Flower would bring it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr", reason="protomem[federated] is not installed")

from flwr.app import Context, Error, Message, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

import protomem
from protomem_flower import client_app
from protomem_flower.settings import Value

DIMENSION, WIDTH, CLASSES = 6, 16, 4
DICE = np.random.default_rng(3)
OF = DICE.integers(CLASSES, size=90)
VECTORS = DICE.normal(size=(90, DIMENSION)) + 2 * DICE.normal(size=(CLASSES, DIMENSION))[OF]
LABELS = [f"class {label}" for label in OF]
IDS = [f"{row:02}" for row in range(90)]

Node = Callable[[Message], Message | None]
"""What a node does with a message; None is no answer at all."""


class NearGrid(Grid):
    """Nodes by number; what a node answers is there at the next look."""

    def __init__(self, nodes: Mapping[int, Node]) -> None:
        self.nodes = dict(nodes)
        self.asked: list[tuple[int, bool]] = []
        self._answers: dict[str, Message] = {}
        self._sent = 0

    def set_run(self, run: object) -> None:
        raise NotImplementedError

    @property
    def run(self) -> object:
        raise NotImplementedError

    def create_message(self, *args: object, **more: object) -> Message:
        raise NotImplementedError

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        raise NotImplementedError

    def get_node_ids(self) -> Iterable[int]:
        return list(self.nodes)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return [self._deliver(message) for message in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return [self._answers.pop(one) for one in message_ids if one in self._answers]

    def _deliver(self, message: Message) -> str:
        self._sent += 1
        name = f"message {self._sent}"
        message.metadata.__dict__["_message_id"] = name  # as HttpGrid does
        node = message.metadata.dst_node_id
        self.asked.append((node, bool(message.content["protomem"]["whole"])))
        answer = self.nodes[node](message)
        if answer is not None:
            self._answers[name] = answer
        return name


@pytest.fixture(autouse=True)
def task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are made within a run of Flower."""
    for name, value in {"_task_id": 1, "_run_id": 2, "_node_id": 1}.items():
        monkeypatch.setattr(TaskIdentity, name, value)


def taught(path: Path | None, rows: Iterable[int], **more: str) -> protomem.Memory:
    """A memory that learned these rows."""
    memory = protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=WIDTH, **more)
    some = list(rows)
    if some:
        memory.learn(VECTORS[some], [LABELS[row] for row in some], ids=[IDS[row] for row in some])
    return memory


def client(**config: Value) -> Node:
    """A node with this configuration, which runs the ClientApp itself."""

    def answer(message: Message) -> Message:
        context = Context(run_id=2, node_id=7, node_config=dict(config), state=RecordDict(), run_config={})
        return client_app.app(message, context)

    return answer


def silent(message: Message) -> None:
    """A node whose answer never comes."""


def broken(message: Message) -> Message:
    """A node whose app ended with an error that nobody expected."""
    return Message(Error(code=2, reason="boom"), reply_to=message)


@pytest.fixture
def clients(tmp_path: Path) -> dict[int, Node]:
    """Three clients of 30 rows each, as nodes 1 to 3; their files are `clinic-1.duckdb` and so on."""
    nodes = {}
    for number in (1, 2, 3):
        path = tmp_path / f"clinic-{number}.duckdb"
        taught(path, range(number - 1, 90, 3)).close()
        nodes[number] = client(memory=str(path), client=f"clinic-{number}")
    return nodes
