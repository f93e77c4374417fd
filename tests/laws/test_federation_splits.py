"""Law 1 for any split: examples dealt to clients anyhow, merged in any order and tree, are the central memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

import protomem
from protomem import Contribution
from protomem.federation.levels import Level

if TYPE_CHECKING:
    from tests.conftest import LabelledVectors

DIMENSION, WIDTH, CLASSES = 8, 16, 12

Rows = npt.NDArray[np.int64]
Split = list[Rows]

DICE = np.random.default_rng(5)
COUNT = 1_200
OF = DICE.integers(CLASSES, size=COUNT)
VECTORS = DICE.normal(size=(COUNT, DIMENSION)) + 2 * DICE.normal(size=(CLASSES, DIMENSION))[OF]
LABELS: list[list[str]] = [
    [f"class {label}", "both"] if row % 7 == 0 else [f"class {label}"] for row, label in enumerate(OF)
]
ASKED = DICE.normal(size=(40, DIMENSION)) + VECTORS[:40]


def opened(retain: Literal["codes", "nothing"] = "codes", path: Path | None = None) -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=WIDTH, retain=retain)


def taught(rows: Sequence[int] | Rows, retain: Literal["codes", "nothing"] = "codes") -> protomem.Memory:
    memory = opened(retain)
    if len(rows):
        memory.learn(VECTORS[rows], [LABELS[row] for row in rows])
    return memory


def sent(rows: Rows, client: str, level: Level = "full") -> Contribution:
    with taught(rows) as memory:
        return memory.contribution(client, level)


def dirichlet(clients: int, alpha: float, dice: np.random.Generator, of: Rows = OF) -> Split:
    """Each class dealt by shares of its own: small alphas give a client few classes and a class few clients."""
    owner = np.empty(len(of), dtype=np.int64)
    for label in np.unique(of):
        rows = np.flatnonzero(of == label)
        owner[rows] = dice.choice(clients, size=len(rows), p=dice.dirichlet(np.full(clients, alpha)))
    return [np.flatnonzero(owner == client) for client in range(clients)]


def by_class(clients: int) -> Split:
    return [np.flatnonzero(OF % clients == client) for client in range(clients)]


def by_row(clients: int) -> Split:
    return [np.array([row]) for row in range(clients)]


SPLITS: dict[str, Split] = {
    "2 clients, all alike": [np.arange(0, COUNT, 2), np.arange(1, COUNT, 2)],
    "3 clients, one of nothing": [np.arange(500), np.arange(500, COUNT), np.arange(0)],
    "12 clients of one class": by_class(CLASSES),
    "60 clients of one row": by_row(60),
    "20 clients, Dirichlet 0.1": dirichlet(20, 0.1, DICE),
    "50 clients, Dirichlet 0.01": dirichlet(50, 0.01, DICE),
    "200 clients, Dirichlet 0.1": dirichlet(200, 0.1, DICE),
}
MANY = {
    "1,000 clients, Dirichlet 0.1": dirichlet(1_000, 0.1, DICE),
    "1,000 clients of one row": by_row(1_000),
}


def central(split: Split, retain: Literal["codes", "nothing"] = "nothing") -> protomem.Memory:
    return taught(np.concatenate([*split, np.arange(0)]), retain)


def assert_same(memory: protomem.Memory, other: protomem.Memory) -> None:
    """Digests, classes, and every answer to the bit."""
    assert memory.digest() == other.digest()
    assert memory.classes() == other.classes()
    assert told(memory) == told(other)


def told(memory: protomem.Memory) -> list[Any]:
    return [(one.ranking, one.heads) for one in memory.predict(ASKED, top_k=CLASSES + 1)]


@pytest.mark.parametrize("retain", ["codes", "nothing"])
@pytest.mark.parametrize("name", SPLITS)
def test_merged_clients_are_the_central_memory_and_the_rest_after_any_withdrawal(
    name: str, retain: Literal["codes", "nothing"]
) -> None:
    split, dice = SPLITS[name], np.random.default_rng(9)
    with opened(retain) as coordinator:
        empty = coordinator.digest()
        for client in dice.permutation(len(split)):
            coordinator.merge(sent(split[client], f"client {client}").to_bytes())
        with central(split) as one:
            assert_same(coordinator, one)
        leaving, left = np.split(dice.permutation(len(split)), [len(split) // 2])
        for client in leaving:
            coordinator.withdraw(f"client {client}")
        with central([split[client] for client in left]) as one:
            assert_same(coordinator, one)
        assert coordinator.verify().ok
        for client in left:
            coordinator.withdraw(f"client {client}")
        assert coordinator.digest() == empty
        assert len(coordinator) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_a_thousand_clients_are_the_central_memory(name: str) -> None:
    split = MANY[name]
    with opened() as coordinator:
        for client, rows in enumerate(split):
            coordinator.merge(sent(rows, f"client {client}"))
        with central(split) as one:
            assert_same(coordinator, one)
        assert len(coordinator.clients()) == 1_000
        assert coordinator.verify().ok


@pytest.mark.parametrize("level", ["prototypes", "codebooks", "full"])
@pytest.mark.parametrize("shape", ["a chain", "halves", "three by three"])
def test_any_tree_of_merges_gives_the_same_memory(shape: str, level: Level) -> None:
    """Each coordinator has examples of its own too, and passes on all that it knows."""
    split = dirichlet(9, 0.3, np.random.default_rng(4))
    parents = {
        "a chain": [0, 0, 1, 2, 3, 4, 5, 6, 7],
        "halves": [0, 0, 0, 1, 1, 2, 2, 3, 3],
        "three by three": [0, 0, 0, 0, 1, 1, 2, 2, 3],
    }[shape]
    nodes = [taught(rows) for rows in split]
    for child, parent in reversed(list(enumerate(parents))):
        if child:
            nodes[parent].merge(nodes[child].contribution(f"node {child}", level, merged=True))
    with taught(split[0]) as flat:
        for client, rows in enumerate(split[1:], 1):
            flat.merge(sent(rows, f"client {client}", level))
        assert flat.digest() == nodes[0].digest()
        assert told(flat) == told(nodes[0])


@pytest.mark.parametrize(
    ("level", "heads"), [("prototypes", ("prototypes",)), ("codebooks", ("prototypes", "codebooks"))]
)
def test_a_reduced_level_is_the_same_whatever_the_split_and_says_its_heads(
    level: Level, heads: tuple[str, ...]
) -> None:
    splits = [SPLITS["12 clients of one class"], SPLITS["20 clients, Dirichlet 0.1"], [np.arange(COUNT)]]
    memories = []
    for split in splits:
        coordinator = opened()
        for client, rows in enumerate(split):
            coordinator.merge(sent(rows, f"client {client}", level))
        memories.append(coordinator)
        assert {one.heads for one in coordinator.predict(ASKED)} == {heads}
        assert coordinator.verify().ok
        assert all(check.ok for check in protomem.audit_chain(coordinator.receipts(), coordinator.public_key))
    for one, other in pairwise(memories):
        assert_same(one, other)


def test_the_lowest_level_that_is_merged_decides_on_the_heads_until_it_is_withdrawn() -> None:
    parts = np.split(np.arange(600), 4)
    with taught(parts[0]) as coordinator, taught(parts[0], "nothing") as alone:
        own = [one.heads for one in coordinator.predict(ASKED)]
        coordinator.merge(sent(parts[1], "full"))
        full = told(coordinator)
        coordinator.merge(sent(parts[2], "books", "codebooks"))
        books = told(coordinator)
        coordinator.merge(sent(parts[3], "prototypes", "prototypes"))
        assert {one.heads for one in coordinator.predict(ASKED)} == {("prototypes",)}
        coordinator.withdraw("prototypes")
        assert told(coordinator) == books
        assert {one.heads for one in coordinator.predict(ASKED)} == {("prototypes", "codebooks")}
        coordinator.withdraw("books")
        assert told(coordinator) == full
        coordinator.withdraw("full")
        assert [one.heads for one in coordinator.predict(ASKED)] == own
        assert coordinator.digest() == alone.digest()


# ------------------------------------------------------------------------------------------------------------ real text


@pytest.mark.data
@pytest.mark.slow
def test_twenty_banks_are_the_central_memory_on_every_test_message(banking77: LabelledVectors, tmp_path: Path) -> None:
    of = np.unique(banking77.train_labels, return_inverse=True)[1]
    split = dirichlet(20, 0.1, np.random.default_rng(77), of)
    labels = np.array(banking77.train_labels)
    encoder = protomem.Vectors(384)
    with (
        protomem.open(tmp_path / "merged.duckdb", encoder=encoder) as coordinator,
        protomem.open(None, encoder=encoder, retain="nothing") as one,
    ):
        for client, rows in enumerate(split):
            with protomem.open(None, encoder=encoder) as bank:
                if len(rows):
                    bank.learn(banking77.train_vectors[rows], labels[rows].tolist())
                coordinator.merge(bank.contribution(f"bank {client}").to_bytes())
        one.learn(banking77.train_vectors, banking77.train_labels)
        assert coordinator.digest() == one.digest()
        asked = banking77.test_vectors
        assert [a.ranking for a in coordinator.predict(asked)] == [a.ranking for a in one.predict(asked)]
