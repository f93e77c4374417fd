"""The analytic head equals its formula in both forms, and its leave-one-out a fit without the example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import SPACE, drawn_codes, drawn_targets

from protomem.heads.analytic import (
    NEARLY_LEAST,
    STRENGTHS,
    Analytic,
    Dual,
    Primal,
    choose_strength,
    problem_of_sums,
)
from protomem.lift import FEATURE_MAX

pytestmark = pytest.mark.usefixtures("one_thread")


def problems(features: np.ndarray, targets: np.ndarray, strength: float) -> tuple[Primal, Dual]:
    exact = features.astype(np.int64)
    gram, moments = np.tril(exact.T @ exact), exact.T @ targets.astype(np.int64)
    return Primal(gram, moments, len(features), strength), Dual(features, targets, strength)


def solved(features: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """(ΦᵀΦ + γI)⁻¹ΦᵀY by numpy's general solver."""
    wide = features.astype(np.float64)
    return np.linalg.solve(wide.T @ wide + ridge * np.eye(wide.shape[1]), wide.T @ targets)


def ridge_of(features: np.ndarray, strength: float) -> float:
    return strength * float(np.square(features.astype(np.float64)).sum()) / len(features)


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Within 1e-9 of the largest."""
    return bool(np.abs(found - expected).max() <= 1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("count", [1, 2, 39, 40, 41, 300])
def test_primal_and_dual_are_one_problem(count: int, strength: float) -> None:
    """With fewer rows than features, as many, and more."""
    features, targets = SPACE.lift.features(drawn_codes(count, count)), drawn_targets(count, count)
    items = SPACE.lift.features(drawn_codes(count + 1, 50))
    primal, dual = problems(features, targets, strength)
    expected = items @ solved(features, targets, ridge_of(features, strength))
    assert close(primal.solve().scores(items), expected)
    assert close(dual.solve().scores(items), expected)
    assert close(primal.leverages(features), dual.leverages(features))


@pytest.mark.parametrize("form", [0, 1], ids=["primal", "dual"])
def test_leverage_gives_the_answer_without_the_example(form: int) -> None:
    """(ŷ - h·y) / (1 - h) against solving again without the row, at the same γ."""
    features, targets = SPACE.lift.features(drawn_codes(1, 60)), drawn_targets(1, 60)
    problem, ridge = problems(features, targets, 0.03)[form], ridge_of(features, 0.03)
    leverages, scores = problem.leverages(features)[:, None], problem.solve().scores(features)
    left_out = (scores - leverages * targets) / (1 - leverages)
    for row in range(60):
        others = np.arange(60) != row
        expected = features[row].astype(np.float64) @ solved(features[others], targets[others], ridge)
        assert close(left_out[row], expected)


@pytest.mark.parametrize(("count", "seed"), [(12, 0), (30, 1), (90, 2), (90, 3)])
def test_the_strength_has_the_fewest_leave_one_out_errors(count: int, seed: int) -> None:
    """By solving as many times as there are rows; of equal strengths the largest."""
    features, targets = SPACE.lift.features(drawn_codes(seed, count)), drawn_targets(seed, count)
    errors = []
    for strength in STRENGTHS:
        wrong = 0
        for row in range(count):
            others = np.arange(count) != row
            weights = solved(features[others], targets[others], ridge_of(features, strength))
            wrong += not targets[row, (features[row] @ weights).argmax()]
        errors.append(wrong)
    best = max(strength for strength, wrong in zip(STRENGTHS, errors, strict=True) if wrong == min(errors))
    assert choose_strength(features, targets) == best


def test_the_largest_strength_is_taken_where_all_are_equal() -> None:
    features = SPACE.lift.features(drawn_codes(4, 1))
    assert choose_strength(features, np.array([[True]])) == max(STRENGTHS)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (12, 1), (50, 2), (90, 3), (400, 4)])
def test_from_sums_the_smallest_strength_of_nearly_the_least_error_is_taken(count: int, seed: int) -> None:
    """Generalised cross-validation by the hat matrix itself, over the examples."""
    features, targets = SPACE.lift.features(drawn_codes(seed, count)), drawn_targets(seed, count)
    wide, errors = features.astype(np.float64), {}
    for strength in STRENGTHS:
        shifted = wide.T @ wide + ridge_of(features, strength) * np.eye(40)
        hat = wide @ np.linalg.solve(shifted, wide.T)
        residual = float(np.square(targets - hat @ targets).sum())
        errors[strength] = count * residual / (count - np.trace(hat)) ** 2
    exact = features.astype(np.int64)
    gram, moments = np.tril(exact.T @ exact), exact.T @ targets.astype(np.int64)
    taken = problem_of_sums(gram, moments, targets.sum(axis=0), count)
    assert taken.strength == min(one for one, error in errors.items() if error <= NEARLY_LEAST * min(errors.values()))
    assert 0 < taken.freedom < min(count, 40)


@pytest.mark.parametrize("spread", [1e-9, 1.0, 1e9])
def test_rounded_weights_lose_nothing_that_shows_and_stay_exact(spread: float) -> None:
    weights = np.random.default_rng(5).normal(size=(40, 3)) * spread
    rounded = Analytic.rounded(weights, 0.1)
    assert np.array_equal(rounded.weights, np.rint(rounded.weights))
    assert np.abs(rounded.weights).max() * FEATURE_MAX * 40 <= 2**53
    assert close(np.ldexp(rounded.weights, -rounded.exponent), weights)


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_scores_are_the_same_alone_and_in_any_batch(seed: int, count: int) -> None:
    """Sums of integers below 2⁵³; also by Python's integers."""
    features = SPACE.lift.features(drawn_codes(seed, count))
    head = Analytic.rounded(np.random.default_rng(seed).normal(size=(40, 3)), 0.1)
    together = head.scores(features)
    assert np.array_equal(together, np.concatenate([head.scores(row[None]) for row in features]))
    first = [sum(int(f) * int(w) for f, w in zip(features[0], column, strict=True)) for column in head.weights.T]
    assert together[0].tolist() == [math.ldexp(score, -head.exponent) for score in first]


@pytest.mark.parametrize("form", [0, 1], ids=["primal", "dual"])
def test_examples_without_any_feature_score_zero(form: int) -> None:
    """A lift of few features may leave an example with none above zero; alone, its kernel is zero."""
    features, targets = np.zeros((2, 40), dtype=np.int8), np.array([[True, False], [False, True]])
    strength = choose_strength(features, targets)
    problem = problems(features, targets, strength)[form]
    assert problem.solve().scores(SPACE.lift.features(drawn_codes(6, 3))).tolist() == [[0, 0]] * 3
    assert problem.leverages(features).tolist() == [0, 0]
