"""Laws 1 and 2 across sizes: batches of 1 to 3,000 rows, from fewer rows than features to more and back to nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.laws.oracle import Oracle, oracle_space, quantized

import protomem

DIMENSION, WIDTH = 6, 32

Row = tuple[str, list[float], tuple[str, ...]]


@pytest.fixture
def rows() -> list[Row]:
    """4,003 rows of 500 different vectors: many are remembered several times under other ids and labels."""
    dice = random.Random(3)
    vectors = [[dice.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(500)]
    labels = [f"class {number}" for number in range(9)]
    return [
        (f"row {number}", dice.choice(vectors), tuple(sorted(dice.sample(labels, dice.choice([1, 1, 1, 3])))))
        for number in range(4_003)
    ]


class Twins:
    """A memory in a file and the oracle, taught and made to forget the same."""

    def __init__(self, path: Path) -> None:
        self.memory = protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=WIDTH)
        self.oracle = Oracle(oracle_space(DIMENSION, WIDTH))

    def learn(self, rows: list[Row]) -> None:
        teach(self.memory, rows)
        for id, vector, labels in rows:
            self.oracle.examples[id] = (quantized(vector, self.oracle.space.scale), labels, None)
        self.compare()

    def forget(self, ids: list[str]) -> None:
        self.memory.forget(ids=ids)
        for id in ids:
            del self.oracle.examples[id]
        self.compare()

    def forget_label(self, label: str) -> None:
        self.memory.forget(label=label)
        self.oracle.examples = {id: one for id, one in self.oracle.examples.items() if label not in one[1]}
        self.compare()

    def compare(self) -> None:
        assert self.memory.digest() == self.oracle.digest()
        assert self.memory.classes() == self.oracle.classes()
        assert len(self.memory) == len(self.oracle.examples)


def teach(memory: protomem.Memory, rows: list[Row]) -> None:
    vectors, labels, ids = [vector for _, vector, _ in rows], [labels for *_, labels in rows], [id for id, *_ in rows]
    memory.learn(vectors, labels, ids=ids, relearn=True)


def check_answers(twins: Twins, rows: list[Row]) -> None:
    """Every answer equals that of a memory taught only what is left, in another order and in batches of 700."""
    left = [row for row in reversed(rows) if row[0] in twins.oracle.examples]
    asked = [vector for _, vector, _ in rows[:40]]
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH) as fresh:
        for start in range(0, len(left), 700):
            teach(fresh, left[start : start + 700])
        assert twins.memory.predict(asked, top_k=9, evidence=30, coverage=0.9) == fresh.predict(
            asked, top_k=9, evidence=30, coverage=0.9
        )


def test_every_batch_size_leaves_the_sums_of_what_is_left(rows: list[Row], tmp_path: Path) -> None:
    twins = Twins(tmp_path / "memory.duckdb")
    untaught = twins.memory.digest()
    ids = [id for id, *_ in rows]

    twins.learn(rows[:1])
    check_answers(twins, rows)
    twins.learn(rows[1:3])
    check_answers(twins, rows)  # fewer rows than features
    twins.learn(rows[3:1_003])
    check_answers(twins, rows)  # more of them
    twins.learn(rows[1_003:])
    check_answers(twins, rows)

    twins.forget(ids[20:3_500])
    check_answers(twins, rows)
    twins.forget_label("class 4")
    check_answers(twins, rows)
    twins.forget([id for id in twins.oracle.examples if id not in ids[:20]])
    assert len(twins.memory) < WIDTH
    check_answers(twins, rows)  # fewer rows than features again

    twins.learn(rows[500:1_500])  # what was forgotten is learned anew, under the same ids
    check_answers(twins, rows)
    twins.forget(list(twins.oracle.examples))
    assert twins.memory.digest() == untaught
    with pytest.raises(protomem.EmptyMemory, match="nothing is remembered yet"):
        twins.memory.predict([rows[0][1]])
    twins.learn(rows[:3_000])
    twins.memory.close()

    twins.memory = protomem.open(tmp_path / "memory.duckdb")
    twins.compare()
    check_answers(twins, rows)
    assert twins.memory.verify().ok
    twins.memory.close()
