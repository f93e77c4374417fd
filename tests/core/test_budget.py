"""What a trim leaves is a function of the examples alone, and balanced; the memory is one that never saw the rest."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.budget import beyond
from protomem.store import Row

ROWS = st.lists(
    st.tuples(st.binary(min_size=2, max_size=2), st.sampled_from([("a",), ("b",), ("a", "b"), ("c",)])), max_size=25
).map(lambda drawn: [Row(f"{place:02}", None, labels, codes) for place, (codes, labels) in enumerate(drawn)])


def left_one_by_one(rows: list[Row], most: int) -> set[str]:
    """Again and again the largest class loses its last example, by the hash of its codes and then its id.

    Of classes of equal size the one goes first whose last example comes last.
    """
    left = {row.id: (row.labels, hashlib.blake2b(row.codes, digest_size=16).digest(), row.id) for row in rows}
    while len(left) > most:
        sizes = Counter(labels for labels, _, _ in left.values())
        largest = max(sizes.values())
        last = {
            labels: max((hash, id) for some, hash, id in left.values() if some == labels)
            for labels, size in sizes.items()
            if size == largest
        }
        _, gone = max(last.values())
        del left[gone]
    return set(left)


@given(ROWS, st.integers(0, 25))
def test_the_last_of_a_largest_class_goes_until_it_is_enough(rows: list[Row], most: int) -> None:
    assert {row.id for row in rows} - set(beyond(rows, most)) == left_one_by_one(rows, most)


@given(ROWS, st.integers(0, 25), st.randoms(use_true_random=False))
def test_the_order_of_the_examples_does_not_matter(rows: list[Row], most: int, dice: st.DataObject) -> None:
    shuffled = list(rows)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert beyond(shuffled, most) == beyond(rows, most)


@given(ROWS, st.integers(0, 25), st.integers(0, 25))
def test_trimming_in_steps_is_trimming_at_once(rows: list[Row], first: int, second: int) -> None:
    gone = set(beyond(rows, max(first, second)))
    left = [row for row in rows if row.id not in gone]
    assert gone | set(beyond(left, min(first, second))) == set(beyond(rows, min(first, second)))


# ------------------------------------------------------------------------------------------------------- in a memory

VECTORS = np.random.default_rng(7).normal(size=(40, 6))
LABELS = ["big"] * 25 + ["middle"] * 10 + ["small"] * 5
IDS = [f"e{row}" for row in range(40)]


def taught(rows: list[int], path: Path | None = None) -> protomem.Memory:
    memory = protomem.open(path, encoder=protomem.Vectors(6), width=32)
    memory.learn(VECTORS[rows], [LABELS[row] for row in rows], ids=[IDS[row] for row in rows])
    return memory


@pytest.mark.parametrize("order", [list(range(40)), list(range(40))[::-1]])
def test_a_trimmed_memory_never_saw_what_went(order: list[int], tmp_path: Path) -> None:
    with taught(order, tmp_path / "m.duckdb") as memory, taught(list(range(40))) as other:
        receipt = memory.trim(18, purge=True)
        assert memory.classes() == {"big": 7, "middle": 6, "small": 5} or memory.classes() == {
            "big": 6,
            "middle": 7,
            "small": 5,
        }
        left = sorted(int(one.id[1:]) for one in memory.examples())
        with taught(left) as fresh:
            assert memory.digest() == fresh.digest()
            assert memory.predict(VECTORS) == fresh.predict(VECTORS)
        assert (receipt.kind, receipt.count) == ("forget", 22)
        assert memory.verify().ok
        other.trim(18)
        assert other.digest() == memory.digest()


def test_a_trim_to_more_than_there_is_changes_nothing() -> None:
    with taught(list(range(10))) as memory:
        digest = memory.digest()
        assert memory.trim(10).count == 0
        assert (memory.digest(), len(memory)) == (digest, 10)


def test_a_trim_asked_for_again_is_done_once() -> None:
    with taught(list(range(30))) as memory:
        first = memory.trim(20, idempotency_key="spring")
        memory.learn(VECTORS[30:], LABELS[30:], ids=IDS[30:])
        assert memory.trim(20, idempotency_key="spring").id == first.id
        assert len(memory) == 30


def test_what_was_trimmed_does_not_come_back_unasked() -> None:
    with taught(list(range(30))) as memory:
        memory.trim(5)
        with pytest.raises(protomem.Forgotten, match=r"forgotten before: .* relearn=True"):
            memory.learn(VECTORS[:30], LABELS[:30], ids=IDS[:30])


@pytest.mark.parametrize("to", [0, -1, 1.5, "3", None])
def test_a_trim_to_no_number_of_examples_is_refused(to: object) -> None:
    with taught(list(range(5))) as memory:
        with pytest.raises(protomem.InvalidInput, match=r"to is .*: it must be a whole number, at least 1"):
            memory.trim(to)  # type: ignore[arg-type]
        assert len(memory) == 5


def test_a_memory_that_keeps_no_examples_cannot_choose_among_them() -> None:
    with protomem.open(None, encoder=protomem.Vectors(6), width=32, retain="nothing") as memory:
        memory.learn(VECTORS[:3], LABELS[:3])
        with pytest.raises(protomem.InvalidInput, match=r'retains "nothing" .* no examples to list'):
            memory.trim(1)
        assert len(memory) == 3
