"""The discriminant head equals Gaussians of one covariance over the examples, and is a function of their sums alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from tests.core.drawing import NAMES, SPACE, drawn_codes

import protomem
from protomem.federation.levels import Level
from protomem.heads.analytic import Primal
from protomem.heads.discriminant import OVERLAP, Discriminant
from protomem.statistics import Statistics
from protomem.summed import SUMMED, TEMPERATURE, SummedPredictor

pytestmark = pytest.mark.usefixtures("one_thread")

STRENGTH = 0.03


def drawn(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of examples and one label each, of which the third is rare and each has a first example."""
    owners = np.random.default_rng(seed).choice(3, size=count, p=[0.5, 0.4, 0.1])
    owners[: min(3, count)] = np.arange(min(3, count))
    codes = drawn_codes(seed, count)
    codes[:, :3] = np.clip(codes[:, :3].astype(int) + 30 * np.eye(3, dtype=int)[owners], -127, 127)
    return SPACE.lift.features(codes), owners


def sums(features: np.ndarray, owners: np.ndarray) -> tuple[Primal, np.ndarray, np.ndarray]:
    """The ridge problem, the Gram matrix and the counts of these examples."""
    exact, targets = features.astype(np.int64), np.eye(owners.max() + 1, dtype=np.int64)[owners]
    gram = np.tril(exact.T @ exact)
    return Primal(gram, exact.T @ targets, len(features), STRENGTH), gram, targets.sum(axis=0)


def head(features: np.ndarray, owners: np.ndarray) -> Discriminant:
    found = Discriminant.of(*sums(features, owners))
    assert found is not None
    return found


def ridge_of(features: np.ndarray) -> float:
    return STRENGTH * float(np.square(features.astype(np.float64)).sum()) / len(features)


def freedom_of(features: np.ndarray) -> float:
    """tr H over n, by the hat matrix itself."""
    wide = features.astype(np.float64)
    hat = wide @ np.linalg.inv(wide.T @ wide + ridge_of(features) * np.eye(wide.shape[1])) @ wide.T
    return float(np.trace(hat)) / len(wide)


@pytest.mark.parametrize("count", [4, 12, 39, 41, 300])
def test_scores_are_ratios_of_gaussian_densities(count: int) -> None:
    """By the densities themselves, around means over the examples; with fewer examples than features and more."""
    features, owners = drawn(count, count)
    items, wide = drawn(count + 1, 20)[0].astype(np.float64), features.astype(np.float64)
    means = [wide[owners == label].mean(axis=0) for label in range(3)]
    counts = [int((owners == label).sum()) for label in range(3)]
    apart = wide - np.array(means)[owners]
    covariance = (apart.T @ apart + ridge_of(features) * np.eye(40)) / count
    every = multivariate_normal(wide.mean(axis=0), covariance)
    free = freedom_of(features)
    separation = sum(
        part * (mean - every.mean) @ np.linalg.solve(count * covariance, mean - every.mean)
        for part, mean in zip(counts, means, strict=True)
    )
    for label, (mean, part) in enumerate(zip(means, counts, strict=True)):
        ratio = multivariate_normal(mean, covariance).logpdf(items) - every.logpdf(items)
        expected = (1 - free) ** 2 * (ratio + count * free / (1 - free) / part / 2) / (separation + OVERLAP)
        found = head(features, owners).scores(items.astype(np.int8))[:, label]
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


class Ridged:
    """The covariance of rows with a ridge, as scikit-learn asks for it."""

    def __init__(self, ridge: float) -> None:
        self.ridge = ridge

    def fit(self, rows: np.ndarray) -> None:
        self.covariance_ = np.cov(rows.T, bias=True) + self.ridge * np.eye(rows.shape[1])


def test_labels_are_told_apart_as_by_scikit_learn() -> None:
    features, owners = drawn(5, 200)
    items, counts = drawn(6, 50)[0], np.bincount(owners)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Ridged(ridge_of(features) / 200))
    theirs.fit(features.astype(np.float64), owners)
    of_labels = theirs.decision_function(items.astype(np.float64)) - np.log(counts / 200)
    separation = float(counts @ ((theirs.means_ - features.mean(axis=0)) * theirs.coef_).sum(axis=1)) / 200
    free = freedom_of(features)
    expected = (1 - free) ** 2 * (of_labels + 200 * free / (1 - free) / counts / 2) / (separation + OVERLAP)
    found = head(features, owners).scores(items)
    assert found - found[:, :1] == pytest.approx(expected - expected[:, :1], rel=1e-6, abs=1e-9)


def test_there_is_none_where_an_example_carries_several_labels() -> None:
    features, owners = drawn(1, 30)
    problem, gram, counts = sums(features, owners)
    counts[0] += 1
    assert Discriminant.of(problem, gram, counts) is None


def test_labels_of_the_same_mean_score_the_same() -> None:
    """Each example once for every label, so that nothing is left but rounding; one label of one example, too."""
    features = np.repeat(drawn(2, 30)[0], 3, axis=0)
    scores = head(features, np.tile(np.arange(3), 30)).scores(features)
    assert scores == pytest.approx(np.repeat(scores[:, :1], 3, axis=1), rel=1e-9, abs=1e-9)
    assert np.isfinite(head(features[:1], np.zeros(1, dtype=int)).scores(features)).all()


def test_where_labels_overlap_it_is_no_surer_than_their_densities() -> None:
    """Labels that are drawn at random say nothing: the weighted head over the temperature stays as small as that."""
    owners = np.random.default_rng(0).integers(0, 3, 400)
    features = SPACE.lift.features(drawn_codes(7, 400))
    odds = SUMMED["discriminant"] * head(features, owners).scores(drawn(8, 50)[0]) / TEMPERATURE["full"]
    assert np.ptp(odds, axis=1).max() < 4


def test_it_is_all_but_silent_with_fewer_examples_than_features() -> None:
    items = drawn(9, 50)[0]
    few, many = (head(*drawn(3, count)).scores(items).std() for count in (8, 800))
    assert few < many / 10


@given(st.integers(0, 2**32), st.integers(3, 60))
def test_scores_are_the_same_alone_and_in_any_batch(seed: int, count: int) -> None:
    found, items = head(*drawn(seed, count)), drawn(seed + 1, 9)[0]
    assert np.array_equal(found.scores(items), np.concatenate([found.scores(row[None]) for row in items]))


# ----------------------------------------------------------------------------------------------- among the other heads


def predictor(count: int, level: Level = "full", *, several: bool = False) -> SummedPredictor:
    owners = np.arange(count) % 3
    labels = [(NAMES[owner],) for owner in owners]
    if several:
        labels[0] = ("a", "b")
    return SummedPredictor.of(Statistics.of(SPACE, drawn_codes(count, count), labels), 0, level)


@pytest.mark.parametrize(("each", "weight"), [(1, 1), (15, 1), (30, 0.5), (60, 0.25)])
def test_prototypes_weigh_less_where_there_are_many_examples(each: int, weight: float) -> None:
    assert predictor(3 * each).weights["prototypes"] == weight


def test_prototypes_keep_their_weight_where_there_is_no_analytic_head() -> None:
    assert predictor(180, "codebooks").weights["prototypes"] == 1


def test_heads_are_those_that_the_sums_are_enough_for() -> None:
    assert list(predictor(60).heads) == ["analytic", "discriminant", "prototypes", "codebooks"]
    assert list(predictor(60, several=True).heads) == ["analytic", "prototypes", "codebooks"]
    assert list(predictor(60, "codebooks").heads) == ["prototypes", "codebooks"]


def test_an_explanation_adds_up_with_it() -> None:
    dice = np.random.default_rng(4)
    rows = dice.normal(size=(90, 6)) + np.repeat(2 * np.eye(6)[:3], 30, axis=0)
    with protomem.open(None, encoder=protomem.Vectors(6), width=24, retain="nothing") as memory:
        memory.learn(rows, np.repeat(list(NAMES), 30).tolist())
        for answer in memory.predict(rows[::9], explain=True):
            (_, first), (_, second) = answer.ranking[:2]
            told = answer.explanation
            assert told is not None
            assert "discriminant" in answer.heads
            assert dict(told.parts)["discriminant"] != 0
            assert sum(part for _, part in told.parts) == pytest.approx(math.log(first / second), rel=1e-6)
