"""Calibration is what the remembered examples would have been told without themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp
from tests.core.drawing import by_rarity

import protomem
from protomem.balance import FEW_BALANCE, MANY_BALANCE
from protomem.beside import Later
from protomem.calibration import (
    CALIBRATION_SAMPLE,
    FEW_SAMPLE,
    PRIOR_WEIGHT,
    TEMPERATURE_RANGE,
    USUAL_TEMPERATURE,
    Calibration,
    leave_one_out,
)
from protomem.codes import Codes, quantize
from protomem.ensemble import Ensemble, combine, spread
from protomem.examples import Examples
from protomem.heads.analytic import Dual, Primal
from protomem.heads.rivals import Rivals
from protomem.items import Items
from protomem.novelty import Known, leverages, strangeness
from protomem.panels import EVEN, FEW, WHOLE, Weights
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

DIMENSION = 10
NAMES = [f"class {number:02}" for number in range(13)]

Labels = list[tuple[str, ...]]


def space_of(width: int) -> Space:
    return Space(SpaceSettings(DIMENSION, "an encoder", width=width, books=6, keys=8, modes=4))


def drawn(seed: int, count: int, space: Space) -> tuple[Codes, Labels]:
    """Examples around one centre a class, every sixth with a second label, some equal to others."""
    dice = np.random.default_rng(seed)
    centres = dice.normal(size=(len(NAMES), DIMENSION))
    owners = np.arange(count) % len(NAMES)
    codes = quantize(centres[owners] + 0.7 * dice.normal(size=(count, DIMENSION)), space.scale)
    codes[5], codes[6] = codes[4], codes[4]
    labels = [{NAMES[owner]} for owner in owners]
    for row in range(0, count, 6):
        labels[row].add(NAMES[(owners[row] + 1) % len(NAMES)])
    return codes, [tuple(sorted(some)) for some in labels]


def fitted(space: Space, codes: Codes, labels: Labels) -> tuple[Statistics, Ensemble, Later[Primal | Dual] | None]:
    statistics = Statistics.of(space, codes, labels)
    ids = [f"{row:04}" for row in range(len(codes))]
    return statistics, *Ensemble.fit(statistics, Examples(DIMENSION).with_rows(ids, codes, labels))


def solved_again(ensemble: Ensemble, ridge: float) -> Ensemble:
    """The ensemble with its least squares solved at this ridge, by numpy."""
    examples = ensemble.examples
    features = ensemble.space.lift.features(examples.codes).astype(np.float64)
    targets = examples.label_matrix(np.arange(len(examples)))
    weights = np.linalg.solve(features.T @ features + ridge * np.eye(features.shape[1]), features.T @ targets)
    return replace(ensemble, solution=partial(type(ensemble.analytic).rounded, weights, ensemble.analytic.strength))


def labels_in(ensemble: Ensemble) -> list[tuple[str, ...]]:
    return [labels for labels, group in ensemble.examples.groups.items() for _ in group.ids]


def best_before_rivals(ensemble: Ensemble, items: Items) -> int:
    base = combine(EVEN, ensemble.everywhere(items)) + by_rarity(labels_in(ensemble), MANY_BALANCE)
    shortlist = ensemble.shortlist(base)
    subspaces = spread(ensemble.shortlisted(items, shortlist), shortlist, len(ensemble.names))
    return int((base + EVEN["subspaces"] * subspaces).argmax())


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a large memory."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: EVEN)


@pytest.mark.usefixtures("many", "unrounded")
@pytest.mark.parametrize(("count", "width"), [(40, 64), (90, 64)], ids=["dual", "primal"])
def test_leave_one_out_equals_learning_the_others_only(count: int, width: int) -> None:
    """Every head fitted anew without the row. The closed form takes as given the ridge γ, and who are whose rivals:
    scores are compared where the row does not decide that.
    """
    space = space_of(width)
    codes, labels = drawn(count, count, space)
    statistics, ensemble, problem = fitted(space, codes, labels)
    order = [int(group.ids[place]) for group, place in map(ensemble.examples.locate, range(count))]
    rows = np.arange(count)
    scores, best = leave_one_out(statistics, ensemble, problem, rows, ensemble.examples.label_matrix(rows))
    squares = float(np.square(space.lift.features(codes).astype(np.float64)).sum())
    same_rivals = 0
    for place, row in enumerate(order):
        others = [other for other in range(count) if other != row]
        _, without, _ = fitted(space, codes[others], [labels[other] for other in others])
        without = solved_again(without, ensemble.analytic.strength * squares / count)
        items = Items(space, codes[[row]])
        expected, strangest = without.scores(items)
        assert without.names == ensemble.names
        assert math.isclose(best[place], strangest[0], rel_tol=1e-9)
        first = best_before_rivals(without, items)
        if ensemble.rivals.of(first)[0] == without.rivals.of(first)[0]:
            same_rivals += 1
            assert np.allclose(scores[place], expected[0], rtol=1e-9, atol=1e-9)
    assert same_rivals > count / 3


def test_leave_one_out_of_a_class_in_parts_takes_the_best_part() -> None:
    """600 examples of one class: its subspaces are four factors, and only one of them knows the example."""
    space = space_of(16)
    codes, _ = drawn(0, 600, space)
    statistics, ensemble, problem = fitted(space, codes, [("only",)] * 600)
    rows = np.arange(0, 600, 40)
    _, best = leave_one_out(statistics, ensemble, problem, rows, np.ones((len(rows), 1), dtype=bool))
    parts, part_of_row = ensemble.subspaces["only"].parts
    assert len(parts) == 4
    for place, row in enumerate(rows):
        item = Items(space, ensemble.examples.codes[[row]])
        expected = []
        for number in range(4):
            own = ensemble.examples.codes[(part_of_row == number) & (np.arange(600) != row)]
            expected.append(type(parts[0]).of(own).scores(item.codes, item.lengths)[0])
        assert math.isclose(best[place], max(expected), rel_tol=1e-9)


def test_the_temperature_is_that_of_least_loss() -> None:
    """-log p of the true labels and the pull of the prior towards the usual one: no other temperature is better."""
    space = space_of(64)
    codes, labels = drawn(1, 100, space)
    statistics, ensemble, problem = fitted(space, codes, labels)
    rows = np.arange(100)  # fewer than CALIBRATION_SAMPLE, so that all are used
    targets = ensemble.examples.label_matrix(rows)
    scores, _ = leave_one_out(statistics, ensemble, problem, rows, targets)

    weights = leverages(ensemble, rows, targets)
    shares = weights / weights.mean()

    def loss(temperature: float) -> float:
        true = logsumexp(np.where(targets, log_softmax(scores / temperature, axis=1), -np.inf), axis=1)
        return float(-(shares * true).sum()) + PRIOR_WEIGHT * math.log(temperature / USUAL_TEMPERATURE) ** 2

    found = Calibration.fit(statistics, ensemble, problem).temperature
    assert loss(found) <= min(loss(temperature) for temperature in np.geomspace(*TEMPERATURE_RANGE, 300)) + 1e-6


def test_strangeness_is_that_of_examples_left_out() -> None:
    space = space_of(64)
    codes, labels = drawn(2, 100, space)
    statistics, ensemble, problem = fitted(space, codes, labels)
    rows = np.arange(100)
    targets = ensemble.examples.label_matrix(rows)
    scores, best = leave_one_out(statistics, ensemble, problem, rows, targets)
    calibration = Calibration.fit(statistics, ensemble, problem)
    assert calibration.known.strangeness.tolist() == sorted(
        strangeness(best, scores, calibration.temperature, calibration.votes).tolist()
    )


@pytest.mark.parametrize("weights", [FEW, WHOLE, EVEN], ids=["few", "whole", "many"])
def test_no_more_than_the_sample_is_left_out(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    space = space_of(16)
    codes, labels = drawn(3, 600, space)
    statistics, ensemble, problem = fitted(space, codes, labels)
    expected = FEW_SAMPLE if weights is FEW else CALIBRATION_SAMPLE
    assert len(Calibration.fit(statistics, ensemble, problem).known.strangeness) == expected


NOTHING_KNOWN = Known.of(np.zeros(0), np.zeros(0))


def test_rows_of_probabilities_add_up_and_keep_the_order_of_scores() -> None:
    scores = np.random.default_rng(4).normal(size=(50, 7)) * 5
    scores[:, 3] = -np.inf  # a label that is not among those allowed
    probabilities = Calibration(0.3, NOTHING_KNOWN, 1.0).probabilities(scores)
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (probabilities[:, 3] == 0).all()
    assert np.array_equal(probabilities.argmax(axis=1), scores.argmax(axis=1))


@pytest.mark.usefixtures("unrounded")
@pytest.mark.parametrize("weights", [FEW, WHOLE], ids=["few", "whole"])
def test_leave_one_out_of_few_is_what_each_head_says_without_the_example(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subspaces exactly, the kernel with the centre of all, the logistic head as `test_logistic` compares it."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    space = space_of(64)
    codes, labels = drawn(8, 90, space)
    statistics, ensemble, problem = fitted(space, codes, labels)
    order = [int(group.ids[place]) for group, place in map(ensemble.examples.locate, range(90))]
    rows = np.arange(90)
    scores, best = leave_one_out(statistics, ensemble, problem, rows, ensemble.examples.label_matrix(rows))
    squares = float(np.square(space.lift.features(codes).astype(np.float64)).sum())
    for place in range(0, 90, 7):
        others = [other for other in range(90) if other != order[place]]
        _, without, _ = fitted(space, codes[others], [labels[other] for other in others])
        items = Items(space, codes[[order[place]]])
        if without.analytic is not None and ensemble.analytic is not None:
            without = solved_again(without, ensemble.analytic.strength * squares / 90)
        if ensemble.close is not None and ensemble.close.centre is not None and without.close is not None:
            left, all_but_one = without.examples, np.delete(np.arange(90), place)
            centre = replace(
                ensemble.close.centre,
                dots=ensemble.close.centre.dots[all_but_one],
                lengths=ensemble.close.centre.lengths[all_but_one],
            )
            close = replace(without.close, centre=centre)
            kernel = Rivals.of(close.among_themselves(), left.label_matrix(np.arange(len(left))))
            without = replace(without, close=close, kernel=kernel)
        voices = without.everywhere(items)
        if ensemble.logistic is not None:
            voices["logistic"] = ensemble.logistic.left_out[[place]]
        base = combine(weights, voices) + by_rarity(labels_in(without), FEW_BALANCE if weights is FEW else MANY_BALANCE)
        shortlist = without.shortlist(base)
        shortlisted = without.shortlisted(items, shortlist)
        expected = base + weights["subspaces"] * spread(shortlisted, shortlist, len(without.names))
        assert np.allclose(scores[place], expected[0], rtol=1e-9, atol=1e-9)
        assert math.isclose(best[place], shortlisted.max(), rel_tol=1e-9)


X, Y = [1.0, 0.2, 0.0, 0.1], [0.0, 1.0, 0.5, -0.3]
SPARSE = {
    "one example": ([X], ["a"]),
    "one class of two": ([X, Y], ["a", "a"]),
    "one class of equals": ([X, X, X], ["a", "a", "a"]),
    "equals with different labels": ([X, X], ["a", "b"]),
    "equals with different labels, twice": ([X, X, X, X], ["a", "b", "a", "b"]),
    "one example a class": ([X, Y], ["a", "b"]),
    "one class with company": ([X, X, Y], ["a", "a", "b"]),
    "one example with two labels": ([X], [["a", "b"]]),
    "equals that share a label": ([X, X], [["a", "b"], ["a"]]),
    "opposites in one class": ([X, [-value for value in X]], ["a", "a"]),
    "thirty equals": ([X] * 30, ["a", "b"] * 15),
}


@pytest.mark.parametrize("known", SPARSE.values(), ids=SPARSE)
@pytest.mark.parametrize("width", [2, 64])
def test_few_and_contradicting_examples_are_answered_in_numbers(known: tuple[list, list], width: int) -> None:
    vectors, labels = known
    with protomem.open(None, encoder=protomem.Vectors(4), width=width) as memory:
        memory.learn(vectors, labels)
        for answer in memory.predict([X, Y, [-1.0, 0, 0, 0], [1e300, 1e-300, 0, 0]], coverage=0.9, false_alarm=0.1):
            numbers = [probability for _, probability in answer.ranking]
            assert math.isclose(sum(numbers), 1, rel_tol=1e-12)
            assert all(0 <= number <= 1 for number in numbers)
            assert {label for label, _ in answer.ranking} == set(memory.classes())
            assert 0 < answer.novelty <= 1
            assert answer.label_set is not None
            assert answer.label_set <= set(memory.classes())
            assert all(-1 - 1e-12 <= one.similarity <= 1 + 1e-12 for one in answer.evidence)


def test_examples_that_cannot_be_left_out_give_the_usual_temperature_and_no_novelty() -> None:
    space = space_of(16)
    statistics, ensemble, problem = fitted(space, drawn(5, 7, space)[0], [(name,) for name in NAMES[:7]])
    calibration = Calibration.fit(statistics, ensemble, problem)
    assert (calibration.temperature, len(calibration.known.strangeness)) == (USUAL_TEMPERATURE, 0)
    assert calibration.novelty(np.zeros((1, 7)), np.array([0.3])).tolist() == [1.0]


def test_label_sets_hold_the_true_label_as_often_as_asked() -> None:
    """Ten classes that overlap; 2,000 new items from where the examples came from."""
    dice = np.random.default_rng(6)
    centres = dice.normal(size=(10, 16))
    owners = dice.integers(0, 10, 2_600)
    vectors = centres[owners] + 1.2 * dice.normal(size=(2_600, 16))
    labels = [NAMES[owner] for owner in owners]
    with protomem.open(None, encoder=protomem.Vectors(16), width=128) as memory:
        memory.learn(vectors[:600], labels[:600])
        for coverage in (0.6, 0.8, 0.95):
            answers = memory.predict(vectors[600:], coverage=coverage, evidence=0)
            held = np.mean([label in (a.label_set or ()) for a, label in zip(answers, labels[600:], strict=True)])
            size = np.mean([len(answer.label_set or ()) for answer in answers])
            assert held >= coverage - 0.08  # 128 calibration examples: a standard deviation of 0.04
            assert size < 10


def test_strange_items_are_abstained_from_and_usual_ones_rarely() -> None:
    dice = np.random.default_rng(7)
    centres = dice.normal(size=(6, 16))
    owners = dice.integers(0, 6, 1_300)
    vectors = centres[owners] + 0.4 * dice.normal(size=(1_300, 16))
    with protomem.open(None, encoder=protomem.Vectors(16), width=128) as memory:
        memory.learn(vectors[:300], [NAMES[owner] for owner in owners[:300]])
        usual = memory.predict(vectors[300:], false_alarm=0.05, evidence=0)
        strange = memory.predict(dice.normal(size=(300, 16)) - 2 * centres.mean(axis=0), false_alarm=0.05, evidence=0)
        assert np.mean([answer.abstained for answer in usual]) < 0.12
        assert np.mean([answer.abstained for answer in strange]) > 0.6
        assert all((answer.label is None) == answer.abstained for answer in [*usual, *strange])
        assert all(answer.abstained == (answer.novelty < 0.05) for answer in [*usual, *strange])
