"""Each head equals its formula, and its leave-one-out what it would answer had the example never been learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.drawing import NAMES, SPACE, drawn_codes, drawn_targets, label_sets

from protomem.codes import Codes, code_lengths, quantize
from protomem.examples import Examples, hash_codes
from protomem.heads import codebooks, prototypes
from protomem.heads.codebooks import Codebooks
from protomem.heads.cosines import cosines as head_cosines
from protomem.heads.neighbours import Nearest, Neighbours, votes
from protomem.heads.prototypes import MODE_COUNT, NEAREST_PROTOTYPES, Prototypes
from protomem.heads.rivals import MOST_CLASSES, Rivals, choose_rivals
from protomem.heads.subspaces import NOISE, SUBSPACE_ROWS, Subspace, subspaces
from protomem.heads.tiles import tiled_product
from protomem.space import Space, SpaceSettings
from protomem.statistics import LabelSums, Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

# -------------------------------------------------------------------------------------------------------- subspaces


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (left.astype(float), right.astype(float)))
    return left @ right.T


def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """((1 + cos) / 2)² in float64."""
    return ((1 + cosines(left, right)) / 2) ** 2


def unexplained(items: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """-log(1 + γ - kᵀ(K + γI)⁻¹k) with numpy's inverse."""
    inverse = np.linalg.inv(kernel(codes, codes) + NOISE * np.eye(len(codes)))
    across = kernel(items, codes)
    return -np.log(1 + NOISE - ((across @ inverse) * across).sum(axis=1))


def scored(subspace: Subspace, items: np.ndarray) -> np.ndarray:
    numbers = items.astype(np.float32)
    return subspace.scores(numbers, code_lengths(numbers))


@pytest.mark.parametrize("count", [1, 2, 15, 100])
def test_subspace_scores_are_their_formula(count: int) -> None:
    codes, items = drawn_codes(count, count), drawn_codes(count + 1, 37)
    assert np.allclose(scored(Subspace.of(codes), items), unexplained(items, codes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("count", [2, 15, 100])
def test_subspace_leave_one_out_is_the_score_by_the_others(count: int) -> None:
    codes = drawn_codes(count, count)
    codes[1] = codes[0]  # also where an equal example stays
    left_out = Subspace.of(codes).leave_one_out()
    for row in range(count):
        others = np.delete(codes, row, axis=0)
        assert math.isclose(left_out[row], unexplained(codes[[row]], others)[0], rel_tol=1e-9)
        assert math.isclose(left_out[row], scored(Subspace.of(others), codes[[row]])[0], rel_tol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 300])
def test_a_subspace_score_has_the_same_bits_in_every_batch(size: int) -> None:
    subspace, items = Subspace.of(drawn_codes(0, 100, 64)), drawn_codes(1, 300, 64)
    together = scored(subspace, items)
    parts = [scored(subspace, items[start : start + size]) for start in range(0, 300, size)]
    assert np.array_equal(np.concatenate(parts), together)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1_500])
def test_a_large_class_is_split_by_hash_into_small_parts(count: int) -> None:
    codes = drawn_codes(count, count)
    hashes = hash_codes(codes)
    parts, part_of_row = subspaces(codes, hashes)
    assert len(part_of_row) == count
    assert sum(len(part.codes) for part in parts) == count
    assert max(len(part.codes) for part in parts) <= SUBSPACE_ROWS
    for number, part in enumerate(parts):
        assert np.array_equal(part.codes, codes[part_of_row == number])
    order = np.random.default_rng(0).permutation(count)  # the part of an example depends on itself and their number
    assert np.array_equal(subspaces(codes[order], hashes[order])[1], part_of_row[order])


def test_a_class_of_equal_examples_is_split_as_well() -> None:
    """No hash can tell them apart, and a factor of all of them would cost minutes for a text sent 10,000 times."""
    codes = np.repeat(drawn_codes(3, 3), [2 * SUBSPACE_ROWS + 10, 1, SUBSPACE_ROWS + 1], axis=0)
    parts, part_of_row = subspaces(codes, hash_codes(codes))
    assert sum(len(part.codes) for part in parts) == len(part_of_row) == len(codes)
    assert max(len(part.codes) for part in parts) <= SUBSPACE_ROWS
    for number, part in enumerate(parts):
        assert np.array_equal(part.codes, codes[part_of_row == number])


# ----------------------------------------------------------------------------------------------------------- rivals


def ridge(items: np.ndarray, codes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """k (K + γI)⁻¹ Y with κ = exp(2·(cos - 1)) and γ = 0.1, by numpy's general solver."""

    def exponential(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        left, right = (
            rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (left.astype(float), right.astype(float))
        )
        return np.exp(2 * (left @ right.T - 1))

    duals = np.linalg.solve(exponential(codes, codes) + 0.1 * np.eye(len(codes)), targets.astype(float))
    return exponential(items, codes) @ duals


def compared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = left.astype(np.float32), right.astype(np.float32)
    return head_cosines(left, code_lengths(left), right, code_lengths(right))


def solved_rivals(codes: np.ndarray, targets: np.ndarray) -> Rivals:
    return Rivals.of(compared(codes, codes), targets)


@pytest.mark.usefixtures("unrounded")
@pytest.mark.parametrize("count", [1, 2, 15, 200])
def test_rival_scores_are_their_formula(count: int) -> None:
    codes, targets, items = drawn_codes(count, count), drawn_targets(count, count), drawn_codes(count + 1, 37)
    assert np.allclose(
        solved_rivals(codes, targets).scores(compared(items, codes)), ridge(items, codes, targets), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("count", [2, 15, 100])
def test_rival_leave_one_out_is_the_score_by_the_others(count: int) -> None:
    codes, targets = drawn_codes(count, count), drawn_targets(count, count)
    codes[1] = codes[0]  # also where an equal example stays
    left_out = solved_rivals(codes, targets).left_out
    for row in range(count):
        others = np.arange(count) != row
        expected = ridge(codes[[row]], codes[others], targets[others])[0]
        assert np.allclose(left_out[row], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 300])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_rival_score_has_the_same_bits_in_every_batch(size: int, classes: int) -> None:
    codes = drawn_codes(0, 100, 64)
    rivals = solved_rivals(codes, drawn_targets(0, 100)[:, :classes])
    items = drawn_codes(1, 300, 64)
    parts = [rivals.scores(compared(items[start : start + size], codes)) for start in range(0, 300, size)]
    assert np.array_equal(np.concatenate(parts), rivals.scores(compared(items, codes)))


@pytest.mark.parametrize(("rows", "inner", "columns"), [(0, 5, 3), (1, 1, 1), (15, 70, 1), (16, 70, 4), (33, 300, 300)])
def test_a_tiled_product_is_the_product(rows: int, inner: int, columns: int) -> None:
    dice = np.random.default_rng(rows)
    left, right = dice.normal(size=(rows, inner)), dice.normal(size=(inner, columns))
    assert np.allclose(tiled_product(left, right), left @ right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, MOST_CLASSES, 8])
def test_the_nearest_classes_are_those_of_the_nearest_means(count: int) -> None:
    codes = drawn_codes(20, 60)
    labels = [(f"class {row % 9}",) for row in range(60)]
    sums = Statistics.of(SPACE, codes, labels).labels
    names = sorted(sums)
    means = quantize(np.array([sums[name].codes for name in names]), SPACE.scale).astype(int)
    head = Prototypes.of(sums, names, SPACE.scale)
    for label in range(9):
        products = means @ means[label]
        others = sorted((other for other in range(9) if other != label), key=lambda other: -products[other])
        assert head.nearest_classes(label, count) == [label, *others[: count - 1]]
    assert sorted(head.nearest_classes(0, 20)) == list(range(9))


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ([5], 1),
        ([5, 5, 5], 3),
        ([5] * 6, 6),
        ([100, 100, 100, 100, 112, 1], 5),
        ([100, 100, 100, 100, 113, 1], 4),
        ([1_000] * 6, 4),
    ],
)
def test_a_group_has_four_classes_and_up_to_six_while_it_stays_small(counts: list[int], chosen: int) -> None:
    nearest = [7, 2, 9, 4, 0, 5][: len(counts)]
    assert choose_rivals(nearest, counts) == sorted(nearest[:chosen])


# ------------------------------------------------------------------------------------------------------- prototypes


def sums_of(codes: Codes, targets: np.ndarray) -> dict[str, LabelSums]:
    return Statistics.of(SPACE, codes, label_sets(targets)).labels


def prototype_scores(codes: Codes, targets: np.ndarray, items: Codes) -> np.ndarray:
    """Largest cosine with the mean of a class or of eight or more of its examples that share a mode, on the grid."""
    modes = SPACE.modes.lookup(codes)[:, 0]
    scores = []
    for own in targets.T:
        sums = [codes[own].sum(axis=0, dtype=int)]
        by_mode = [codes[own & (modes == mode)] for mode in range(SPACE.settings.modes)]
        sums += [some.sum(axis=0, dtype=int) for some in by_mode if len(some) >= MODE_COUNT]
        prototypes_of_class = quantize(np.array([one for one in sums if one.any()]), SPACE.scale)
        products = items.astype(int) @ prototypes_of_class.T.astype(int)
        scores.append(products.max(axis=1) / (np.linalg.norm(items.astype(float), axis=1) * SPACE.scale))
    return np.array(scores).T


def prototype_head(codes: Codes, targets: np.ndarray, items: Codes) -> np.ndarray:
    names = [name for name, there in zip(NAMES, targets.any(axis=0), strict=True) if there]
    numbers = items.astype(np.float32)
    return Prototypes.of(sums_of(codes, targets), names, SPACE.scale).scores(numbers, code_lengths(numbers))


@pytest.mark.parametrize("count", [5, 60])
def test_prototype_scores_are_cosines_with_means_and_means_of_modes(count: int) -> None:
    codes, targets, items = drawn_codes(count, count), drawn_targets(count, count), drawn_codes(count + 1, 40)
    assert np.allclose(prototype_head(codes, targets, items), prototype_scores(codes, targets, items), rtol=1e-12)


def test_a_class_beyond_the_found_prototypes_scores_as_the_last_one_found() -> None:
    """With more prototypes than are looked up: an upper bound of its own cosine, and the best classes are exact."""
    codes, items = drawn_codes(7, 200), drawn_codes(8, 30)
    statistics = Statistics.of(SPACE, codes, [(f"class {row:03}",) for row in range(200)])
    names = sorted(statistics.labels)
    head = Prototypes.of(statistics.labels, names, SPACE.scale)
    assert len(head) == 200
    numbers = items.astype(np.float32)
    found = head.scores(numbers, code_lengths(numbers))
    products = items.astype(int) @ quantize(codes.astype(float), SPACE.scale).T.astype(int)
    exact = products / (np.linalg.norm(items.astype(float), axis=1)[:, None] * SPACE.scale)
    last = np.sort(exact, axis=1)[:, -NEAREST_PROTOTYPES]
    assert np.allclose(found, np.maximum(exact, last[:, None]), rtol=1e-12)


@pytest.mark.parametrize("count", [20, 60, 90])
def test_prototype_leave_one_out_is_the_score_without_the_example(count: int) -> None:
    """Also where a mode has its sub-prototype only with the example."""
    codes, targets = drawn_codes(count, count), drawn_targets(count, count)
    sums, numbers = sums_of(codes, targets), codes.astype(np.float32)
    assert count < 30 or any(MODE_COUNT in sums[name].mode_counts for name in NAMES)
    rows, labels = np.nonzero(targets)
    own, modes = [sums[NAMES[label]] for label in labels], SPACE.modes.lookup(codes)[rows, 0]
    left_out = np.zeros(targets.shape)
    left_out[targets] = prototypes.leave_one_out(own, numbers[rows], code_lengths(numbers)[rows], modes, SPACE.scale)
    for row, label in np.argwhere(targets):
        others = np.arange(count) != row
        expected = prototype_head(codes[others], targets[others], codes[[row]])[0, label]
        assert math.isclose(left_out[row, label], expected, rel_tol=1e-12)


def test_a_class_without_any_direction_can_be_asked() -> None:
    """An example and its opposite in one mode: every sum of the class is zero."""
    space = Space(SpaceSettings(32, "an encoder", width=8))
    codes = np.zeros((2, 32), dtype=np.int8)
    codes[:, 6] = 127, -127
    assert len(set(space.modes.lookup(codes)[:, 0])) == 1
    statistics = Statistics.of(space, codes, [("only",)] * 2)
    head = Prototypes.of(statistics.labels, ["only"], space.scale)
    numbers = codes.astype(np.float32)
    assert np.isfinite(head.scores(numbers, code_lengths(numbers))).all()


# -------------------------------------------------------------------------------------------------------- codebooks


def codebook_scores(codes: Codes, targets: np.ndarray, items: Codes) -> np.ndarray:
    """The mean over books of log((count + ½) / (n + ½·keys)), one by one."""
    fixed, learned, asked = SPACE.settings, SPACE.keys.lookup(codes), SPACE.keys.lookup(items)
    scores = np.zeros((len(items), targets.shape[1]))
    for item, keys in enumerate(asked):
        for label, own in enumerate(targets.T):
            met = [(learned[own, book] == key).sum() for book, key in enumerate(keys)]
            scores[item, label] = np.mean([math.log((n + 0.5) / (own.sum() + 0.5 * fixed.keys)) for n in met])
    return scores


def test_codebook_scores_are_mean_log_frequencies() -> None:
    codes, targets, items = drawn_codes(10, 50), drawn_targets(10, 50), drawn_codes(11, 20)
    head = Codebooks.of(sums_of(codes, targets), NAMES)
    assert np.allclose(head.scores(SPACE.keys.lookup(items)), codebook_scores(codes, targets, items), rtol=1e-12)


def test_codebook_leave_one_out_is_the_score_without_the_example() -> None:
    codes, targets = drawn_codes(12, 40), drawn_targets(12, 40)
    keys, sums = SPACE.keys.lookup(codes), sums_of(codes, targets)
    rows, labels = np.nonzero(targets)
    left_out = codebooks.leave_one_out([sums[NAMES[label]] for label in labels], keys[rows])
    for row, label, found in zip(rows, labels, left_out, strict=True):
        others = np.arange(40) != row
        head = Codebooks.of(sums_of(codes[others], targets[others]), NAMES)
        assert math.isclose(found, head.scores(keys[[row]])[0, label], rel_tol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 300])
def test_a_codebook_score_has_the_same_bits_in_every_batch(size: int) -> None:
    head = Codebooks.of(sums_of(drawn_codes(13, 50), drawn_targets(13, 50)), NAMES)
    keys = SPACE.keys.lookup(drawn_codes(14, 300))
    parts = [head.scores(keys[start : start + size]) for start in range(0, 300, size)]
    assert np.array_equal(np.concatenate(parts), head.scores(keys))


# ------------------------------------------------------------------------------------------------------- neighbours


def brute_force(codes: Codes, items: Codes, count: int) -> tuple[list[list[int]], list[list[float]]]:
    """Python's sorting by falling inner product and rising position."""
    rows, cosines = [], []
    for item in items.tolist():
        products = [sum(map(int.__mul__, item, code)) for code in codes.tolist()]
        best = sorted(range(len(products)), key=lambda row: (-products[row], row))[:count]
        rows.append(best)
        lengths = [math.sqrt(sum(map(int.__mul__, code, code))) for code in codes[best].tolist()]
        own = math.sqrt(sum(map(int.__mul__, item, item)))
        cosines.append([products[row] / (own * length) for row, length in zip(best, lengths, strict=True)])
    return rows, cosines


def nearest(codes: Codes, items: Codes, count: int) -> Nearest:
    numbers = items.astype(np.float32)
    return Neighbours.of(codes).nearest(numbers, code_lengths(numbers), count)


@settings(max_examples=max(1, settings().max_examples // 2))
@given(st.integers(0, 2**32), st.integers(1, 150), st.integers(1, 30), st.integers(1, 120))
def test_neighbours_are_those_of_a_full_search_with_ties_by_position(
    seed: int, remembered: int, count: int, kinds: int
) -> None:
    """Codes of -1, 0 and 1 in few kinds: most inner products are equal to others."""
    dice = np.random.default_rng(seed)
    codes = dice.integers(-1, 2, size=(kinds, 4)).astype(np.int8)
    codes[:, 0] = 1
    codes = codes[dice.integers(0, kinds, remembered)]
    items = codes[dice.integers(0, remembered, 6)]
    found = nearest(codes, items, count)
    rows, cosines = brute_force(codes, items, count)
    assert found.rows.tolist() == rows
    assert found.cosines.tolist() == cosines


@pytest.mark.parametrize("count", [1, 3, 20, 200])
def test_neighbours_by_all_products_are_those_of_the_index(count: int) -> None:
    """Few kinds of codes, so that the cut often falls among equals."""
    codes = drawn_codes(19, 12)[np.random.default_rng(19).integers(0, 12, 150)]
    head, numbers = Neighbours.of(codes), np.concatenate([codes[::7], drawn_codes(20, 9)]).astype(np.float32)
    lengths = code_lengths(numbers)
    found = head.nearest_by(numbers @ codes.astype(np.float32).T, lengths, count)
    expected = head.nearest(numbers, lengths, count)
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.cosines, expected.cosines)


def test_neighbours_among_hundreds_of_equals_are_the_first() -> None:
    """The cut falls among 700 equal examples: all of them have to be seen."""
    codes = np.repeat(drawn_codes(15, 3), [200, 700, 100], axis=0)
    for kind, first in ((0, 0), (300, 200), (950, 900)):
        assert nearest(codes, codes[[kind]], 20).rows.tolist() == [list(range(first, first + 20))]


@pytest.mark.parametrize("queries", [1, 1_023, 1_024, 1_300])
def test_neighbours_are_the_same_for_few_and_for_many_queries(queries: int) -> None:
    codes, items = drawn_codes(16, 500), drawn_codes(17, 1_300)
    together = nearest(codes, items, 20)
    some = nearest(codes, items[:queries], 20)
    assert np.array_equal(some.rows, together.rows[:queries])
    assert np.array_equal(some.cosines, together.cosines[:queries])


def test_votes_are_shares_of_exponential_weight() -> None:
    codes, targets = drawn_codes(18, 60), drawn_targets(18, 60)
    examples = Examples(12).with_rows([f"{row:02}" for row in range(60)], codes, label_sets(targets))
    found = nearest(examples.codes, drawn_codes(19, 25), 20)
    shares = votes(found, examples)
    for item in range(25):
        weights = [math.exp(20 * (cosine - 1)) for cosine in found.cosines[item]]
        for label, name in enumerate(NAMES):
            carry = [name in examples.locate(row)[0].labels for row in found.rows[item].tolist()]
            expected = sum(weight for weight, there in zip(weights, carry, strict=True) if there) / sum(weights)
            assert math.isclose(shares[item, label], expected, rel_tol=1e-12)
