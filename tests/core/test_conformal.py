"""Label sets hold the true label as often as asked, over all labels or for each."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.calibration import Calibration, leave_one_out
from protomem.codes import quantize
from protomem.conformal import FEWEST_EACH, MOST_EACH, least_probability, per_class_rows
from protomem.ensemble import Ensemble
from protomem.examples import Examples
from protomem.left_out import LeftOut, Needs
from protomem.questions import Question
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

DIMENSION = 16
UNIT = st.integers(0, 100).map(lambda value: value / 100)  # with ties
COVERAGES = st.integers(1, 99).map(lambda percent: Fraction(percent, 100))


@given(st.lists(UNIT, max_size=120), COVERAGES)
def test_the_lowest_are_cut_off_as_many_as_the_coverage_allows(own: list[float], coverage: Fraction) -> None:
    """In exact fractions: of m + 1 equally likely ranks of the item, at least this share is not cut off."""
    least = least_probability(np.sort(np.array(own)), float(coverage))
    cut = math.floor((len(own) + 1) * (1 - coverage))
    assert least == (sorted(own)[cut - 1] if cut else 0.0)
    kept = len(own) + 1 - cut
    assert Fraction(kept, len(own) + 1) >= coverage
    assert not own or Fraction(kept - 1, len(own) + 1) < coverage


@pytest.mark.parametrize("coverage", [5e-324, 1e-12])
def test_next_to_no_coverage_cuts_off_all_that_there_are(coverage: float) -> None:
    assert least_probability(np.array([0.25, 0.5]), coverage) == 0.5
    assert least_probability(np.array([]), coverage) == 0.0


def test_every_coverage_is_reached_by_an_exchangeable_example() -> None:
    """Each of m + 1 values in turn is the new one: the others decide, and the share that is held is exact."""
    values = np.arange(40) / 40
    for coverage in (0.5, 0.9, 0.95, 0.8):
        held = [one >= least_probability(np.delete(values, place), coverage) for place, one in enumerate(values)]
        assert coverage <= np.mean(held) <= coverage + 1 / 40


def drawn(seed: int, count: int) -> tuple[np.ndarray, list[str]]:
    """Classes of unlike difficulty: the last of six lie close together."""
    dice = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(6, DIMENSION))
    centres[3:] = centres[3] + 0.5 * centres[3:]
    owners = dice.integers(0, 6, count)
    return centres[owners] + 0.8 * dice.normal(size=(count, DIMENSION)), [f"class {owner}" for owner in owners]


def test_sets_per_class_hold_each_label_as_often_as_asked() -> None:
    """Over all labels, easy ones are held too often and hard ones too rarely; per class each is held as asked."""
    vectors, labels = drawn(2, 900)
    items, truth = drawn(3, 3_000)
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as memory:
        memory.learn(vectors, labels)
        shares = {}
        for per_class in (False, True):
            answers = memory.predict(items, coverage=0.8, per_class=per_class, evidence=0)
            held = np.array([label in (one.label_set or ()) for one, label in zip(answers, truth, strict=True)])
            shares[per_class] = [held[np.array(truth) == name].mean() for name in sorted(set(truth))]
            assert 0.75 <= held.mean() <= 0.87
    assert max(shares[False]) - min(shares[False]) > 0.2
    assert min(shares[True]) > 0.7  # 100 examples each: a standard deviation of 0.04


def test_a_label_with_too_few_examples_is_in_every_set_per_class() -> None:
    vectors, labels = drawn(4, 300)
    few = np.random.default_rng(5).normal(size=(8, DIMENSION)) + 9
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as memory:
        memory.learn(vectors, labels)
        memory.learn(few, ["few"] * 8)
        items = drawn(6, 40)[0]
        assert all("few" in (one.label_set or ()) for one in memory.predict(items, coverage=0.9, per_class=True))
        assert not any("few" in (one.label_set or ()) for one in memory.predict(items, coverage=0.9))
        memory.learn(few[:1] + 0.1, ["few"])  # the ninth: floor(10 · 0.1) = 1 is cut off
        after = memory.predict(items, coverage=0.9, per_class=True)
        assert not all("few" in (one.label_set or ()) for one in after)


def test_examples_alone_in_their_class_count_as_not_covered() -> None:
    """Without them their label would not be known: where they are many, a set must hold everything."""
    vectors, labels = drawn(7, 60)
    alone = np.random.default_rng(8).normal(size=(15, DIMENSION))
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as memory:
        memory.learn([*vectors, *alone], [*labels, *(f"alone {number}" for number in range(15))])
        everything = set(memory.classes())
        assert all(one.label_set == everything for one in memory.predict(vectors[:5], coverage=0.9))
        assert all(one.label_set != everything for one in memory.predict(vectors[:5], coverage=0.7))


def fitted(count: int) -> tuple[Statistics, Ensemble, Calibration]:
    space = Space(SpaceSettings(DIMENSION, "an encoder", width=64))
    vectors, names = drawn(9, count)
    codes, labels = quantize(vectors, space.scale), [(name,) for name in names]
    labels[::7] = [tuple(sorted({*some, "class 0"})) for some in labels[::7]]
    statistics = Statistics.of(space, codes, labels)
    examples = Examples(DIMENSION).with_rows([f"{row:04}" for row in range(count)], codes, labels)
    ensemble, problem = Ensemble.fit(statistics, examples)
    return statistics, ensemble, Calibration.fit(statistics, ensemble, problem)


def test_the_probabilities_are_those_of_true_labels_left_out() -> None:
    statistics, ensemble, calibration = fitted(90)
    asked = Question(5, 0, 0.9, None, None)
    rows = np.arange(90)
    targets = ensemble.examples.label_matrix(rows)
    scores, _ = leave_one_out(statistics, ensemble, ensemble.problem(statistics), rows, targets)
    probabilities = calibration.probabilities(scores)
    found = LeftOut().with_needed(Needs.of(asked), statistics, ensemble, calibration)
    assert found.marginal is not None
    assert found.marginal.tolist() == sorted(min(row[own]) for row, own in zip(probabilities, targets, strict=True))
    assert found.per_class is None
    asked = Question(5, 0, 0.9, None, None, per_class=True)
    found = found.with_needed(Needs.of(asked), statistics, ensemble, calibration)
    assert found.marginal is not None
    for label, own in enumerate(found.per_class or ()):
        assert own.tolist() == sorted(probabilities[targets[:, label], label])
    assert not any(found.lacks(Needs.of(asked)))


def test_each_label_gives_its_examples_with_the_smallest_hashes() -> None:
    dice = np.random.default_rng(10)
    codes = quantize(dice.normal(size=(420, DIMENSION)), 100)
    labels = [("large",)] * 300 + [("small",)] * 50 + [("large", "small")] * 70
    examples = Examples(DIMENSION).with_rows([f"{row:04}" for row in range(420)], codes, labels)
    hashes = np.concatenate([group.hashes for group in examples.groups.values()])
    rows = set(per_class_rows(examples).tolist())
    for name in ("large", "small"):
        ranked = sorted(examples.rows_of(name).tolist(), key=lambda row: tuple(hashes[row]))
        assert set(ranked[:MOST_EACH]) <= rows
    assert len(rows) <= 2 * MOST_EACH


def test_many_classes_give_fewer_each() -> None:
    codes = quantize(np.random.default_rng(11).normal(size=(1_000 * 25, 2)), 100)
    labels = [(f"{row % 1_000}",) for row in range(len(codes))]
    examples = Examples(2).with_rows([f"{row:06}" for row in range(len(codes))], codes, labels)
    assert len(per_class_rows(examples)) == 1_000 * FEWEST_EACH
