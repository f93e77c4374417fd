"""Laws 1, 2 and 6 against an adversary: thousands of changes in the order that is worst for what is kept in between.

What must be remembered is kept beside the memory in a plain dictionary, and its digest computed from nothing by the
oracle. `make sweep` runs 10,000 changes, drawn anew each time; the seed is in the message of a failure.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from tests.laws.oracle import Oracle, oracle_space, quantized

import protomem

DIMENSION, WIDTH = 6, 12
SWEEP = not settings().derandomize
OPERATIONS = 10_000 if SWEEP else 1_500
CHECKPOINTS = 10
FEWEST, MOST = 4, 120
"""The memory grows to the second number of examples, shrinks to the first, and so on: below and above the width, where
the heads are solved in two ways."""

LABELS = [f"class {number}" for number in range(8)]
SUBJECTS = ["ann", "bob", "tenant-7", None]
OUTLIERS = [
    [1e300] * DIMENSION,
    [1e-300, -1e-300, 0.0, 2e-300, 0.0, 1e-300],
    [1e300, 1e-300, -1e300, 0.0, 1.0, -1.0],
    [5e-324, 0.0, 0.0, 0.0, 0.0, -5e-324],
    *(-np.eye(DIMENSION)).tolist(),
]

Row = tuple[list[float], tuple[str, ...], str | None]


class Adversary:
    """A memory, the books of what it must remember in the order of learning, and the ways to make its life hard.

    An id is never used again once it is forgotten.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.memory = fresh_memory()
        self.rows: dict[str, Row] = {}
        self.used = 0
        self.growing = True
        self.pool = [self.vector() for _ in range(40)]
        self.favourite: Row = (self.pool[0], ("class 0",), "ann")
        self.done: dict[str, int] = {}

    def move(self) -> str:
        """One change, or one attempt that must be refused; its name."""
        self.growing = len(self.rows) < (MOST if self.growing else FEWEST)
        move = self.dice.choice([*EITHER_WAY, *(LEARNING if self.growing else FORGETTING)] if self.rows else LEARNING)
        move(self)
        name = move.__name__
        self.done[name] = self.done.get(name, 0) + 1
        assert len(self.memory) == len(self.rows), name
        return name

    # ---------------------------------------------------------------------------------------------------- learning

    def learn_some(self) -> None:
        self.learn([self.row(self.dice.choice(self.pool)) for _ in range(self.dice.choice([1, 1, 2, 9]))])

    def learn_the_favourite_again(self) -> None:
        """One example over and over, under new ids."""
        self.learn([self.favourite] * self.dice.randint(1, 4))

    def learn_a_near_duplicate(self) -> None:
        """Of something remembered: some fall on the same codes, some one step of the grid beside them."""
        vector, labels, subject = self.rows[self.any_id()]
        step = self.dice.choice([0.0, 1e-12, 1e-3, 2e-2]) * max(map(abs, vector))
        self.learn([([value + step * self.dice.gauss(0, 1) for value in vector], labels, subject)])

    def learn_under_another_label(self) -> None:
        self.learn([self.row(self.rows[self.any_id()][0])])

    def learn_an_outlier(self) -> None:
        self.learn([self.row(self.dice.choice(OUTLIERS))])

    def learn_the_known(self) -> None:
        """Remembered ids with the same content, among new rows: left alone and said so."""
        known = self.dice.choices(list(self.rows), k=3)
        new = [self.row(self.dice.choice(self.pool))]
        receipt = self.teach([*(self.rows[id] for id in known), *new], [*known, *(ids := self.new_ids(1))])
        assert receipt.unchanged == tuple(known)
        self.rows |= dict(zip(ids, new, strict=True))

    def learn_and_forget_at_once(self) -> None:
        ids = self.learn([self.row(self.dice.choice(self.pool)) for _ in range(3)])
        self.forget_ids(ids[::-1])

    def forget_and_learn_again(self) -> None:
        """The same content comes back under a new id."""
        row = self.rows[id := self.any_id()]
        self.forget_ids([id])
        self.learn([row])

    # -------------------------------------------------------------------------------------------------- forgetting

    def forget_the_oldest(self) -> None:
        self.forget_ids(list(self.rows)[:3])

    def forget_the_newest(self) -> None:
        self.forget_ids(list(self.rows)[-3:])

    def forget_some(self) -> None:
        """Asked twice for the same in one call."""
        some = self.dice.sample(list(self.rows), min(len(self.rows), 4))
        self.forget_ids([*some, some[0]])

    def forget_one_of_equals(self) -> None:
        """Of examples with equal content exactly the one that is named."""
        equal = [id for id, row in self.rows.items() if row == self.favourite]
        self.forget_ids([self.dice.choice(equal)] if equal else [self.any_id()])

    def forget_half(self) -> None:
        self.forget_ids(self.dice.sample(list(self.rows), (len(self.rows) + 1) // 2))

    def forget_a_class(self) -> None:
        """With every example that carries the label beside others; the class goes empty and may come back."""
        label = self.dice.choice(self.rows[self.any_id()][1])
        gone = {id for id, row in self.rows.items() if label in row[1]}
        self.strike(gone, self.memory.forget(label=label))
        assert label not in self.memory.classes()

    def forget_a_subject(self) -> None:
        subject = self.dice.choice(SUBJECTS[:-1])
        gone = {id for id, row in self.rows.items() if row[2] == subject}
        if gone:
            self.strike(gone, self.memory.forget(subject=subject))

    # ----------------------------------------------------------------------------------------- what changes nothing

    def answer(self) -> None:
        """So that solved heads are there to outlive what they were solved from."""
        self.memory.predict(self.dice.sample(self.pool, 2), evidence=2)

    def ask_for_the_sums(self) -> None:
        """So that what waits is folded in at odd moments."""
        self.memory.digest()

    def try_the_impossible(self) -> None:
        id = self.any_id()
        other = self.row([-value for value in self.rows[id][0]])
        with pytest.raises(protomem.IdConflict, match="forget it first"):
            self.teach([self.favourite, other], [*self.new_ids(1), id])
        with pytest.raises(protomem.NotRemembered, match="nothing was forgotten"):
            self.memory.forget(ids=[id, "never"])

    # ----------------------------------------------------------------------------------------------------- helpers

    def learn(self, rows: list[Row]) -> list[str]:
        ids = self.new_ids(len(rows))
        assert self.teach(rows, ids).ids == tuple(ids)
        self.rows |= dict(zip(ids, rows, strict=True))
        return ids

    def forget_ids(self, ids: list[str]) -> None:
        self.strike(set(ids), self.memory.forget(ids=ids))

    def strike(self, gone: set[str], receipt: protomem.Receipt) -> None:
        assert (len(receipt.ids), set(receipt.ids)) == (len(gone), gone)
        for id in gone:
            del self.rows[id]

    def teach(self, rows: list[Row], ids: list[str]) -> protomem.Receipt:
        return teach(self.memory, dict(enumerate(rows)), ids)

    def new_ids(self, count: int) -> list[str]:
        self.used += count
        return [f"id {number}" for number in range(self.used - count, self.used)]

    def any_id(self) -> str:
        return self.dice.choice(list(self.rows))

    def row(self, vector: list[float]) -> Row:
        labels = self.dice.sample(LABELS, self.dice.choice([1, 1, 1, 2, 3]))
        return vector, tuple(sorted(labels)), self.dice.choice(SUBJECTS)

    def vector(self) -> list[float]:
        return [self.dice.gauss(0, 1) for _ in range(DIMENSION)]

    def check(self, where: str) -> None:
        """The memory, one taught only what is left in another order, and the oracle are equal."""
        oracle = Oracle(oracle_space(DIMENSION, WIDTH))
        for id, (vector, labels, subject) in self.rows.items():
            oracle.examples[id] = (quantized(vector, oracle.space.scale), labels, subject)
        assert self.memory.digest() == oracle.digest(), where
        assert self.memory.classes() == oracle.classes(), where
        listed = [(one.id, one.labels, one.subject) for one in self.memory.examples()]
        assert listed == [(id, *row[1:]) for id, row in sorted(self.rows.items())], where
        with fresh_memory() as fresh:
            left = self.dice.sample(list(self.rows), len(self.rows))
            for start in range(0, len(left), 70):
                part = left[start : start + 70]
                teach(fresh, {id: self.rows[id] for id in part}, part)
            assert self.memory.digest() == fresh.digest(), where
            if left:
                asked = {"top_k": len(LABELS), "evidence": 9, "coverage": 0.8, "false_alarm": 0.2}
                probes = [*self.pool, *OUTLIERS]
                assert self.memory.predict(probes, **asked) == fresh.predict(probes, **asked), where


LEARNING: list[Callable[[Adversary], None]] = [
    *[Adversary.learn_some] * 2,
    Adversary.learn_the_favourite_again,
    Adversary.learn_an_outlier,
    Adversary.learn_and_forget_at_once,
]
EITHER_WAY: list[Callable[[Adversary], None]] = [
    Adversary.learn_a_near_duplicate,
    Adversary.learn_under_another_label,
    Adversary.learn_the_known,
    Adversary.forget_and_learn_again,
    Adversary.forget_some,
    Adversary.answer,
    Adversary.ask_for_the_sums,
    Adversary.try_the_impossible,
]
FORGETTING: list[Callable[[Adversary], None]] = [
    *[Adversary.forget_the_oldest] * 3,
    *[Adversary.forget_the_newest] * 3,
    *[Adversary.forget_one_of_equals] * 3,
    Adversary.forget_a_class,
    Adversary.forget_a_subject,
    Adversary.forget_half,
]


def test_thousands_of_changes_in_an_adversarial_order_leave_what_the_books_say() -> None:
    seed = random.SystemRandom().randrange(2**32) if SWEEP else 11
    adversary = Adversary(seed)
    untaught = adversary.memory.digest()
    for number in range(1, OPERATIONS + 1):
        name = adversary.move()
        if number % (OPERATIONS // CHECKPOINTS) == 0:
            adversary.check(f"seed {seed}, after change {number}, the last one {name}")
    assert adversary.done.keys() == {move.__name__ for move in [*LEARNING, *EITHER_WAY, *FORGETTING]}

    assert adversary.memory.verify().ok, f"seed {seed}"
    for label in list(adversary.memory.classes()):
        if label in adversary.memory.classes():  # it may have gone with another
            adversary.memory.forget(label=label)
    assert adversary.memory.digest() == untaught, f"seed {seed}"
    adversary.memory.close()


def fresh_memory() -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH)


def teach(memory: protomem.Memory, rows: dict[str, Row] | dict[int, Row], ids: list[str]) -> protomem.Receipt:
    vectors, labels, subjects = zip(*rows.values(), strict=True)
    return memory.learn(list(vectors), list(labels), ids=ids, subjects=list(subjects))
