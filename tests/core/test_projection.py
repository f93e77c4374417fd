"""A map is the classical principal components of the class means, a pure function of what is remembered, and honest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

import protomem
from protomem.codes import code_scale
from protomem.examples import Examples
from protomem.projection import MOST_CLASSES, Map, Seen, projected

DIMENSION = 12
SCALE = code_scale(DIMENSION)
LABELS = ("a", "b", "c", "d", "e")


def drawn(seed: int, count: int, classes: int) -> tuple[np.ndarray, list[tuple[str, ...]], list[str]]:
    dice = np.random.default_rng(seed)
    labels = [
        tuple(sorted({LABELS[number] for number in dice.integers(0, classes, 1 + row % 2)})) for row in range(count)
    ]
    return drawn_codes(seed, count, DIMENSION), labels, [f"id-{row}" for row in range(count)]


def map_of(codes: np.ndarray, labels: Sequence[tuple[str, ...]], ids: Sequence[str], limit: int = 100) -> Map:
    return projected(Seen.of(Examples(DIMENSION).with_rows(ids, codes, labels)), SCALE, limit)


def means_of(codes: np.ndarray, labels: Sequence[tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Class means, example by example."""
    names = sorted({label for some in labels for label in some})
    return {
        name: np.mean([code / SCALE for code, some in zip(codes, labels, strict=True) if name in some], axis=0)
        for name in names
    }


def distances(places: np.ndarray) -> np.ndarray:
    return np.linalg.norm(places[:, None] - places[None], axis=2)


@given(st.integers(0, 1_000), st.integers(1, 30), st.integers(1, 5))
def test_distances_are_those_of_the_best_plane(seed: int, count: int, classes: int) -> None:
    """numpy's SVD gives the plane by another way; distances do not depend on the axes' signs and rotation."""
    codes, labels, ids = drawn(seed, count, classes)
    means = np.array(list(means_of(codes, labels).values()))
    around = means - means.mean(axis=0)
    left, values, _ = np.linalg.svd(around, full_matrices=False)
    total = float((values**2).sum())
    found = map_of(codes, labels, ids)
    shown = float((values[:2] ** 2).sum()) / total if total > 1e-12 else 1.0
    assert found.shown == pytest.approx(shown, abs=1e-6)
    assume(len(values) < 3 or values[1] - values[2] > 1e-3)  # or the plane is not unique
    expected = distances(left[:, :2] * values[:2])
    assert distances(np.array([(one.x, one.y) for one in found.classes])) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 1_000), st.integers(1, 30), st.integers(1, 5))
def test_a_class_lies_at_the_mean_of_its_examples(seed: int, count: int, classes: int) -> None:
    found = map_of(*drawn(seed, count, classes))
    for one in found.classes:
        own = [(other.x, other.y) for other in found.examples if one.label in other.labels]
        assert len(own) == one.count
        assert (one.x, one.y) == pytest.approx(tuple(np.mean(own, axis=0)), abs=1e-9)


@given(st.integers(0, 1_000), st.integers(1, 20), st.integers(2, 5))
def test_neighbours_are_near_in_all_dimensions(seed: int, count: int, classes: int) -> None:
    codes, labels, ids = drawn(seed, count, classes)
    means = means_of(codes, labels)
    for one in map_of(codes, labels, ids).classes:
        mine = means[one.label]
        cosines = {
            name: float(mine @ other) / math.sqrt(float(mine @ mine) * float(other @ other))
            for name, other in means.items()
            if name != one.label
        }
        best = sorted(cosines.values(), reverse=True)[:3]
        assert [near.similarity for near in one.nearest] == pytest.approx(best, abs=1e-9)
        assert all(near.similarity == pytest.approx(cosines[near.label], abs=1e-9) for near in one.nearest)


@given(st.integers(0, 1_000), st.integers(1, 30), st.integers(1, 5), st.integers(0, 12))
def test_equal_examples_give_an_equal_map_in_any_order(seed: int, count: int, classes: int, limit: int) -> None:
    codes, labels, ids = drawn(seed, count, classes)
    order = np.random.default_rng(seed + 1).permutation(count)
    shuffled = map_of(codes[order], [labels[row] for row in order], [ids[row] for row in order], limit)
    assert map_of(codes, labels, ids, limit) == shuffled
    assert len(shuffled.examples) == min(limit, count)


def test_two_classes_spread_along_the_second_axis_by_their_examples() -> None:
    """Two means differ in one direction only; the other axis is that in which the examples differ most."""
    codes = np.zeros((4, DIMENSION), dtype=np.int8)
    codes[:, 0] = [80, 80, -80, -80]
    codes[:, 5] = [20, -20, 20, -20]
    found = map_of(codes, [("a",), ("a",), ("b",), ("b",)], ["1", "2", "3", "4"])
    assert [one.x for one in found.classes] == pytest.approx([80 / SCALE, -80 / SCALE])
    assert [one.y for one in found.classes] == pytest.approx([0, 0])
    assert sorted((one.id, abs(one.y)) for one in found.examples) == [
        (id, pytest.approx(20 / SCALE)) for id in ("1", "2", "3", "4")
    ]
    assert found.shown == pytest.approx(1.0)


def test_one_class_of_one_example_lies_in_the_middle() -> None:
    found = map_of(drawn_codes(1, 1, DIMENSION), [("a",)], ["1"])
    assert [(one.label, one.count, one.nearest) for one in found.classes] == [("a", 1, ())]
    assert (found.classes[0].x, found.classes[0].y, found.shown) == (0.0, 0.0, 1.0)


def test_nothing_has_an_empty_map() -> None:
    assert projected(Seen.of(Examples(DIMENSION)), SCALE, 10) == Map((), (), 1.0)


def test_a_map_shows_the_largest_classes() -> None:
    count = MOST_CLASSES + 3
    names = [(f"{row:04d}",) for row in range(count)]
    again = [names[1], names[-1], names[-2]]
    found = map_of(drawn_codes(5, count + 3, DIMENSION), [*names, *again], [str(row) for row in range(count + 3)], 0)
    shown = {one.label for one in found.classes}
    assert len(shown) == MOST_CLASSES
    assert {label for (label,) in again} <= shown
    assert not {label for (label,) in names[-5:-2]} & shown  # the last by name of those with one example


def test_a_memory_has_a_map_that_forgets() -> None:
    vectors = np.random.default_rng(2).normal(size=(9, DIMENSION))
    labels = ["x", "y", "z"] * 3
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory:
        memory.learn(vectors[:8], labels[:8], ids=list("abcdefgh"))
        before = memory.map()
        memory.learn(vectors[8:], labels[8:], ids=["i"])
        assert memory.map() != before
        memory.forget(ids=["i"])
        assert memory.map() == before
        assert [one.label for one in before.classes] == ["x", "y", "z"]
        assert {one.id for one in memory.map(limit=3).examples} <= set("abcdefgh")


def test_sums_alone_have_a_map_of_the_same_classes() -> None:
    vectors = np.random.default_rng(2).normal(size=(12, DIMENSION))
    labels = list("wxyz") * 3
    with (
        protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as kept,
        protomem.open(None, encoder=protomem.Vectors(DIMENSION), retain="nothing") as sums,
    ):
        kept.learn(vectors, labels)
        sums.learn(vectors, labels)
        assert sums.map().classes == kept.map().classes
        assert sums.map().examples == ()


@pytest.mark.parametrize("limit", [-1, 2_001, 1.5])
def test_a_limit_that_cannot_be_is_refused(limit: float) -> None:
    with (
        protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory,
        pytest.raises(protomem.InvalidInput, match="limit is"),
    ):
        memory.map(limit)  # type: ignore[arg-type]
