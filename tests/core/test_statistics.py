"""Statistics are an abelian group of exact integer sums."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.oracle import ternary as plain_ternary

from protomem.codes import CODE_MAX, code_scale, quantize
from protomem.lift import FEATURE_MAX, GRAM_ROWS
from protomem.products import PANEL
from protomem.space import Space, SpaceSettings
from protomem.statistics import CHUNK_ROWS, Statistics

SPACE = Space(SpaceSettings(6, "an encoder", width=9, books=3, keys=8, modes=4))
NAMES = ["a", "b", "ç", "名"]

Rows = tuple[np.ndarray, list[tuple[str, ...]]]


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    """Up to 12 examples with one to three labels."""
    count = draw(st.integers(0, 12))
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = draw(st.lists(st.sets(st.sampled_from(NAMES), min_size=1, max_size=3), min_size=count, max_size=count))
    return drawn_codes(dice, count, SPACE), [tuple(sorted(some)) for some in labels]


def drawn_codes(dice: np.random.Generator, count: int, space: Space) -> np.ndarray:
    return quantize(dice.normal(size=(count, space.settings.dimension)), space.scale)


def of(rows: Rows) -> Statistics:
    return Statistics.of(SPACE, *rows)


def zero() -> Statistics:
    return Statistics(SPACE)


# ------------------------------------------------------------------------------------------------------- group laws


@given(some_rows(), some_rows())
def test_taking_away_what_was_added_leaves_what_was_there(some: Rows, other: Rows) -> None:
    assert of(some) + of(other) - of(other) == of(some)


@given(some_rows(), some_rows())
def test_addition_commutes(some: Rows, other: Rows) -> None:
    assert of(some) + of(other) == of(other) + of(some)


@given(some_rows(), some_rows(), some_rows())
def test_addition_is_associative(one: Rows, two: Rows, three: Rows) -> None:
    assert (of(one) + of(two)) + of(three) == of(one) + (of(two) + of(three))


@given(some_rows())
def test_zero_changes_nothing_and_each_element_has_a_negative(rows: Rows) -> None:
    assert of(rows) + zero() == of(rows) == of(rows) - zero()
    assert of(rows) + -of(rows) == zero() == of(rows) - of(rows)
    assert zero() - -of(rows) == of(rows)
    assert (of(rows) - of(rows)).labels == {}


@given(some_rows(), some_rows())
def test_the_sum_is_that_of_the_union(some: Rows, other: Rows) -> None:
    union = np.concatenate([some[0], other[0]]), some[1] + other[1]
    assert of(some) + of(other) == of(union)


@given(some_rows(), some_rows())
def test_forgetting_in_place_undoes_learning_in_place(some: Rows, other: Rows) -> None:
    statistics = of(some)
    statistics.learn(*other)
    statistics.forget(*other)
    assert statistics == of(some)


@given(some_rows(), st.randoms(use_true_random=False))
def test_order_and_batches_do_not_matter(rows: Rows, dice: random.Random) -> None:
    codes, labels = rows
    statistics = zero()
    for row in dice.sample(range(len(codes)), len(codes)):
        statistics.learn(codes[row][None], [labels[row]])
    assert statistics == of(rows)


@given(some_rows(), some_rows())
def test_a_copy_is_equal_and_independent(some: Rows, other: Rows) -> None:
    statistics = of(some)
    copy = statistics.copy()
    assert copy == statistics
    statistics.learn(*other)
    statistics.gram[0, 0] += 1
    assert copy == of(some)


def test_statistics_of_different_spaces_are_not_added() -> None:
    other = Space(SpaceSettings(6, "another encoder", width=9, books=3, keys=8, modes=4))
    with pytest.raises(ValueError, match="statistics of different spaces cannot be added"):
        zero() + Statistics(other)


# ------------------------------------------------------------------------------------------------ equality and bytes


@given(some_rows(), some_rows(), st.randoms(use_true_random=False))
def test_digests_are_equal_exactly_where_the_sums_are(some: Rows, other: Rows, dice: random.Random) -> None:
    order = dice.sample(range(len(some[0])), len(some[0]))
    reordered = some[0][order], [some[1][row] for row in order]
    for rows in (other, reordered):
        assert (of(some).digest() == of(rows).digest()) == (sums_of(of(some)) == sums_of(of(rows)))


def test_every_single_sum_is_part_of_the_digest() -> None:
    rows = drawn_codes(np.random.default_rng(0), 5, SPACE), [("a",), ("b",), ("a", "b"), ("a",), ("b",)]
    digest = of(rows).digest()
    for number in range(len(arrays_of(of(rows)))):
        changed = of(rows)
        last = arrays_of(changed)[number]
        last[(-1,) * last.ndim] += 1
        assert changed.digest() != digest, number
    changed = of(rows)
    changed.count += 1
    assert changed.digest() != digest
    changed.count -= 1
    changed.labels["a"].count += 1
    assert changed.digest() != digest


def test_the_space_is_part_of_the_digest() -> None:
    other = Space(SpaceSettings(6, "another encoder", width=9, books=3, keys=8, modes=4))
    assert Statistics(other).digest() != zero().digest()
    assert (zero() == "something else") is False


def arrays_of(statistics: Statistics) -> list[np.ndarray]:
    """Every array of sums as it is, not a copy."""
    of_labels = [array for name in sorted(statistics.labels) for array in list(statistics.labels[name].arrays())[1:]]
    return [statistics.gram, *of_labels]


def sums_of(statistics: Statistics) -> list[object]:
    labels = [(name, sums.count) for name, sums in sorted(statistics.labels.items())]
    return [statistics.count, labels, *(array.tolist() for array in arrays_of(statistics))]


# -------------------------------------------------------------------------------------------------------- exactness


def assert_equals_int64(statistics: Statistics, codes: np.ndarray, labels: Sequence[Sequence[str]]) -> None:
    """Every sum by int64 matrix products of numpy, which use no BLAS."""
    space, wide = statistics.space, codes.astype(np.int64)
    features = space.lift.features(codes).astype(np.int64)
    keys, modes = space.keys.lookup(codes), space.modes.lookup(codes)[:, 0]
    assert statistics.count == len(codes)
    assert np.array_equal(statistics.gram, np.tril(features.T @ features))
    assert sorted(statistics.labels) == sorted({label for some in labels for label in some})
    for name, sums in statistics.labels.items():
        own = np.array([name in some for some in labels])
        assert sums.count == own.sum()
        assert np.array_equal(sums.codes, wide[own].sum(axis=0))
        assert np.array_equal(sums.features, own.astype(np.int64) @ features)
        for book, counts in enumerate(sums.keys):
            assert np.array_equal(counts, np.bincount(keys[own, book], minlength=space.settings.keys))
        assert np.array_equal(sums.mode_counts, np.bincount(modes[own], minlength=space.settings.modes))
        for mode, codes_of_mode in enumerate(sums.mode_codes):
            assert np.array_equal(codes_of_mode, wide[own & (modes == mode)].sum(axis=0))


@pytest.mark.parametrize("count", [0, 1, 2, 100, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, GRAM_ROWS, GRAM_ROWS + 1])
def test_sums_equal_int64_arithmetic_at_every_size(count: int) -> None:
    dice = np.random.default_rng(count)
    codes = drawn_codes(dice, count, SPACE)
    labels = [tuple(sorted(dice.choice(NAMES, size=dice.integers(1, 4), replace=False).tolist())) for _ in range(count)]
    assert_equals_int64(Statistics.of(SPACE, codes, labels), codes, labels)


@pytest.mark.parametrize("width", [1, PANEL - 1, PANEL, PANEL + 1, 2 * PANEL + 3, 2_048])
def test_sums_equal_int64_arithmetic_at_every_width(width: int) -> None:
    space = Space(SpaceSettings(32, "an encoder", width=width, books=2, keys=4, modes=4))
    codes = drawn_codes(np.random.default_rng(width), 150, space)
    labels = [("even",) if row % 2 == 0 else ("odd", "third") for row in range(150)]
    statistics = Statistics.of(space, codes, labels)
    assert_equals_int64(statistics, codes, labels)
    statistics.forget(codes[:149], labels[:149])
    assert_equals_int64(statistics, codes[149:], labels[149:])


@pytest.mark.parametrize("count", [CHUNK_ROWS, GRAM_ROWS, GRAM_ROWS + 1, 2 * GRAM_ROWS + 1])
def test_float32_sums_are_exact_when_every_feature_is_the_largest(count: int) -> None:
    """GRAM_ROWS rows of 31s are the fullest exact float32 sum: 16,777,138 of 16,777,216. No chunk may be larger."""
    assert CHUNK_ROWS <= GRAM_ROWS
    space = Space(SpaceSettings(64, "an encoder", width=3, books=1, keys=2, modes=2))
    columns = np.array(plain_ternary("protomem lift 0", 64 * 3)).reshape(64, 3)
    codes = np.repeat((CODE_MAX * np.sign(columns.sum(axis=1))).astype(np.int8)[None], count, axis=0)
    assert (space.lift.features(codes[:1]) == FEATURE_MAX).all()
    statistics = Statistics.of(space, codes, [("one",)] * count)
    assert statistics.gram.tolist() == np.tril(np.full((3, 3), count * FEATURE_MAX**2)).tolist()
    assert statistics.labels["one"].features.tolist() == [count * FEATURE_MAX] * 3
    assert statistics.labels["one"].codes.tolist() == [count * int(code) for code in codes[0]]


@settings(max_examples=max(1, settings().max_examples // 6))
@given(st.integers(1, 3), st.integers(0, 2**32))
def test_an_example_counts_in_full_for_each_of_its_labels(labels: int, seed: int) -> None:
    codes = drawn_codes(np.random.default_rng(seed), 4, SPACE)
    several = Statistics.of(SPACE, codes, [tuple(NAMES[:labels])] * 4)
    alone = Statistics.of(SPACE, codes, [(NAMES[0],)] * 4)
    assert np.array_equal(several.gram, alone.gram)
    for name in NAMES[:labels]:
        pairs = zip(several.labels[name].arrays(), alone.labels[NAMES[0]].arrays(), strict=True)
        assert all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def test_the_fingerprint_of_a_space_names_each_of_its_settings() -> None:
    settings_of = [
        {},
        {"dimension": 7},
        {"encoder": "another"},
        {"width": 10},
        {"books": 4},
        {"keys": 9},
        {"modes": 5},
        {"seed": 1},
    ]
    base = {"dimension": 6, "encoder": "an encoder", "width": 9, "books": 3, "keys": 8, "modes": 4}
    assert len({SpaceSettings(**{**base, **some}).fingerprint() for some in settings_of}) == len(settings_of)
    assert SpaceSettings(**base).fingerprint() == SPACE.settings.fingerprint()
    assert SPACE.scale == code_scale(6)
