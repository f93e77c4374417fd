"""Suggestions are the greedy best of a plainly written formula, name no near-copies twice, and work from nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

import protomem
from protomem.suggestions import MOST_ITEMS, choose


def cosine(left: list[int], right: list[int]) -> float:
    product = sum(a * b for a, b in zip(left, right, strict=True))
    return product / math.sqrt(sum(a * a for a in left) * sum(b * b for b in right))


def worth(chosen: list[int], codes: list[list[int]], doubt: list[float], nearest: list[float]) -> float:
    """The formula of `suggestions.py`, item by item."""
    total = 0.0
    for item, code in enumerate(codes):
        covered = max(0.0, nearest[item]) ** 3
        best = max([max(0.0, cosine(codes[one], code)) ** 3 for one in chosen], default=0.0)
        total += doubt[item] * max(0.0, best - covered)
    return total


@given(st.integers(0, 1_000), st.integers(1, 14), st.integers(1, 16))
def test_each_item_adds_most_of_all_that_are_left(seed: int, items: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    codes, doubt, nearest = drawn_codes(seed, items), dice.random(items), dice.uniform(-0.3, 0.9, items)
    plain = (codes.tolist(), doubt.tolist(), nearest.tolist())
    found = choose(codes, doubt, nearest, count)
    assert len(found) == len({item for item, _ in found}) == min(items, count)
    taken: list[int] = []
    for item, value in found:
        before = worth(taken, *plain)
        gains = {one: worth([*taken, one], *plain) - before for one in range(items) if one not in taken}
        assert value == pytest.approx(gains[item], abs=1e-9)
        assert value == pytest.approx(max(gains.values()), abs=1e-9)
        taken.append(item)


def test_a_copy_of_what_was_taken_comes_last() -> None:
    codes = drawn_codes(3, 5)
    doubled = np.concatenate([codes, codes])
    found = choose(doubled, np.ones(10), np.zeros(10), 10)
    assert {item % 5 for item, _ in found[:5]} == set(range(5))
    assert [value for _, value in found[5:]] == pytest.approx([0.0] * 5, abs=1e-12)
    assert [item for item, _ in found[:5]] == [item % 5 for item, _ in found[:5]]  # of equals the first


def points(*angles: float) -> list[list[float]]:
    return [[math.cos(angle), math.sin(angle)] for angle in angles]


@pytest.fixture
def memory() -> protomem.Memory:
    opened = protomem.open(None, encoder=protomem.Vectors(2), width=16)
    opened.learn(points(0.0, 0.1, 1.5, 1.6), ["east", "east", "north", "north"])
    return opened


def test_what_is_remembered_already_is_worth_nothing(memory: protomem.Memory) -> None:
    (best, *_, last) = memory.suggest(points(0.1, 3.0, 1.5), count=3)
    assert best.position == 1
    assert best.answer in ("east", "north")
    assert last.value == pytest.approx(0.0, abs=1e-3)


def test_suggesting_changes_nothing(memory: protomem.Memory) -> None:
    digest = memory.digest()
    first = memory.suggest(points(0.1, 3.0, 4.0))
    assert memory.suggest(points(0.1, 3.0, 4.0)) == first
    assert (memory.digest(), len(memory)) == (digest, 4)


def test_before_the_first_example_the_most_typical_comes_first() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as empty:
        first, second = empty.suggest(points(0.9, 1.0, 1.1, 4.0), count=2)
    assert (first.position, second.position) == (1, 3)
    assert (first.answer, first.probability, first.novelty) == (None, None, None)


def test_a_memory_of_sums_suggests_too() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16, retain="nothing") as sums:
        sums.learn(points(0.0, 1.6), ["east", "north"])
        (one,) = sums.suggest(points(0.1, 3.0), count=1)
    assert one.answer in ("east", "north")
    assert one.novelty is None


def test_nothing_is_suggested_of_nothing(memory: protomem.Memory) -> None:
    assert memory.suggest(np.empty((0, 2))) == []


def test_wrong_input_is_refused(memory: protomem.Memory) -> None:
    with pytest.raises(protomem.InvalidInput, match="count is 0: it must be a whole number, at least 1"):
        memory.suggest(points(0.0), count=0)
    with pytest.raises(protomem.InvalidInput, match=rf"at most {MOST_ITEMS}; pass a part"):
        memory.suggest(np.ones((MOST_ITEMS + 1, 2)))
    with pytest.raises(protomem.InvalidInput, match="items is a single string"):
        memory.suggest("east")
