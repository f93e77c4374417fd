"""Law 1 on real text: 10,003 customer messages, a third of them forgotten, and 3,080 answers compared to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

import protomem

if TYPE_CHECKING:
    from tests.conftest import LabelledVectors

pytestmark = pytest.mark.data

DIMENSION = 384
STEPS = 7
"""Of eleven classes each, in order of first appearance."""

Rows = npt.NDArray[np.int64]


def test_forgetting_three_in_ten_leaves_the_memory_of_the_rest(banking77: LabelledVectors, tmp_path: Path) -> None:
    dice = np.random.default_rng(77)
    count = len(banking77.train_labels)
    path = tmp_path / "messages.duckdb"
    with protomem.open(path, encoder=protomem.Vectors(DIMENSION)) as memory:
        for batch in batches(dice.permutation(count), dice):
            teach(memory, banking77, batch)
        memory.predict(banking77.test_vectors[:50])  # heads that are solved now must not outlive what is forgotten
        gone = dice.permutation(count)[: count * 3 // 10]
        for group in batches(gone, dice):
            memory.forget(ids=[f"message {row}" for row in group])
            memory.predict(banking77.test_vectors[:5])
        left = np.setdiff1d(np.arange(count), gone)
        memory.forget(subject="customer 5")
        left = left[left % 50 != 5]

    with protomem.open(path) as reopened, fresh_memory() as fresh:
        for batch in batches(dice.permutation(left), dice):
            teach(fresh, banking77, batch)
        assert len(reopened) == len(left) < count * 0.7
        assert reopened.digest() == fresh.digest()
        assert_same_answers(reopened, fresh, banking77.test_vectors)


def test_class_by_class_learning_equals_joint_learning(banking77: LabelledVectors) -> None:
    dice = np.random.default_rng(78)
    labels = np.array(banking77.train_labels)
    names = list(dict.fromkeys(banking77.train_labels))
    size = len(names) // STEPS
    with fresh_memory() as stepwise, fresh_memory() as joint:
        for start in range(0, len(names), size):
            teach(stepwise, banking77, np.flatnonzero(np.isin(labels, names[start : start + size])))
            stepwise.predict(banking77.test_vectors[:5])  # in use between the steps
        teach(joint, banking77, dice.permutation(len(labels)))
        assert len(stepwise.classes()) == len(names) == STEPS * size
        assert stepwise.digest() == joint.digest()
        assert_same_answers(stepwise, joint, banking77.test_vectors)


def assert_same_answers(one: protomem.Memory, other: protomem.Memory, vectors: npt.NDArray[np.float32]) -> None:
    """Labels, probabilities, sets, novelty, evidence: every field of every answer, floats compared with ==."""
    asked = {"top_k": 5, "evidence": 3, "coverage": 0.9, "false_alarm": 0.05}
    mine, theirs = one.predict(vectors, **asked), other.predict(vectors, **asked)
    differing = [row for row, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1]]
    assert len(mine) == 3_080
    assert not differing, (mine[differing[0]], theirs[differing[0]])


def teach(memory: protomem.Memory, data: LabelledVectors, rows: Rows) -> None:
    """Learn these rows; each belongs to one of fifty customers."""
    memory.learn(
        data.train_vectors[rows],
        [data.train_labels[row] for row in rows],
        ids=[f"message {row}" for row in rows],
        subjects=[f"customer {row % 50}" for row in rows],
    )


def batches(rows: Rows, dice: np.random.Generator) -> Sequence[Rows]:
    """Six parts of random sizes."""
    return np.split(rows, np.sort(dice.integers(1, len(rows), size=5)))


def fresh_memory() -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(DIMENSION))
