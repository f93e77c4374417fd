"""Probabilities that stand alone: of each label by itself, calibrated, and not moved by the other labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.multi_label import PRIOR_WEIGHT, USUAL, PlattScaling
from protomem.panels import EVEN, FEW

DIMENSION = 12
NAMES = ("blue", "green", "red", "white")


def loss(scores: np.ndarray, targets: np.ndarray, slope: float, shift: float) -> float:
    """Platt's smoothed log-likelihood and the prior, term by term."""
    there, away = int(targets.sum()), int((~targets).sum())
    total = PRIOR_WEIGHT * ((slope / USUAL.slope - 1) ** 2 + (shift - USUAL.shift) ** 2)
    for score, hit in zip(scores.ravel(), targets.ravel(), strict=True):
        wanted = (there + 1) / (there + 2) if hit else 1 / (away + 2)
        odds = slope * score + shift
        total += math.log1p(math.exp(-odds)) * wanted + math.log1p(math.exp(odds)) * (1 - wanted)
    return total


@given(st.integers(0, 2**16), st.integers(1, 30))
def test_the_curve_is_that_of_least_loss(seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    targets = dice.random((count, 4)) < 0.3
    scores = np.where(targets, 0.6, 0.1) + 0.3 * dice.normal(size=targets.shape)
    found = PlattScaling.fit(scores, targets)
    least = loss(scores, targets, found.slope, found.shift)
    for slope in found.slope + np.linspace(-6, 6, 9):
        for shift in found.shift + np.linspace(-2, 2, 9):
            assert least <= loss(scores, targets, float(slope), float(shift)) + 1e-4


def test_without_examples_to_leave_out_the_curve_is_the_usual_one() -> None:
    assert PlattScaling.fit(np.zeros((0, 4)), np.zeros((0, 4), dtype=bool)) == USUAL
    assert USUAL.probabilities(np.array([0.4])).tolist() == [0.5]


def drawn(seed: int, count: int) -> tuple[np.ndarray, list[list[str]]]:
    """Each of four colours is there by itself, in a third of the items, and adds its own direction."""
    dice = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(4, DIMENSION))
    there = dice.random((count, 4)) < 0.35
    there[~there.any(axis=1), 0] = True
    vectors = there @ directions + 0.35 * dice.normal(size=(count, DIMENSION))
    return vectors, [[name for name, on in zip(NAMES, row, strict=True) if on] for row in there]


@pytest.fixture(params=[FEW, EVEN], ids=["few", "many"])
def memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> protomem.Memory:
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: request.param)
    memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=128)
    memory.learn(*drawn(1, 500))
    return memory


def test_probabilities_are_as_often_right_as_they_say(memory: protomem.Memory) -> None:
    items, truth = drawn(2, 2_000)
    answers = memory.predict(items, multi_label=True, evidence=0)
    pairs = [(p, label in own) for one, own in zip(answers, truth, strict=True) for label, p in one.ranking]
    said, right = np.array(pairs, dtype=float).T
    for low in np.arange(0, 1, 0.1):
        inside = (said >= low) & (said < low + 0.1)
        if inside.sum() > 100:
            assert abs(said[inside].mean() - right[inside].mean()) < 0.1
    hit = [one.label_set == frozenset(own) for one, own in zip(answers, truth, strict=True)]
    assert np.mean(hit) > 0.75
    several = [sum(p for _, p in one.ranking) for one, own in zip(answers, truth, strict=True) if len(own) == 3]
    assert np.mean(several) > 2.2  # of three labels each is likely, which a softmax cannot say


def test_labels_that_are_likely_by_themselves_are_answered(memory: protomem.Memory) -> None:
    items, _ = drawn(3, 200)
    for one in memory.predict(items, multi_label=True):
        assert one.label_set == {label for label, p in one.ranking if p >= 0.5}
        probabilities = [p for _, p in one.ranking]
        assert probabilities == sorted(probabilities, reverse=True)
        assert (one.label, one.probability) == (one.ranking[0] if one.label_set else (None, probabilities[0]))
        assert one.abstained == (not one.label_set)
        assert one.heads in [("kernel",), ("analytic",)]  # whichever regresses each label by itself


def test_a_restriction_leaves_the_probabilities_as_they_are(memory: protomem.Memory) -> None:
    items, _ = drawn(4, 100)
    for one, some in zip(
        memory.predict(items, multi_label=True),
        memory.predict(items, multi_label=True, among=["red", "blue"]),
        strict=True,
    ):
        assert some.ranking == tuple(pair for pair in one.ranking if pair[0] in ("red", "blue"))


def test_thresholds_say_from_when_a_label_is_there(memory: protomem.Memory) -> None:
    items, _ = drawn(5, 200)
    least = {"red": 0.9, "green": 0.0}
    for one in memory.predict(items, multi_label=True, thresholds=least):
        assert one.label_set == {label for label, p in one.ranking if p >= least.get(label, 0.5)}
        assert one.label == next(label for label, _ in one.ranking if label in one.label_set)


def test_one_example_a_label_is_answered_by_the_usual_curve() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as memory:
        memory.learn([[1.0, 0.0], [0.0, 1.0]], ["east", "north"])
        for one in memory.predict([[1.0, 0.1]], multi_label=True):
            assert one.ranking[0][0] == "east"
            assert all(0 < p < 1 for _, p in one.ranking)
