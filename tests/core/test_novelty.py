"""Novelty: the strangeness is its formula, and the p-values are honest about new items and about what was forgotten."""

from __future__ import annotations

import math
from statistics import pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

import protomem
from protomem.calibration import Calibration
from protomem.codes import Codes, code_scale, quantize
from protomem.ensemble import Ensemble
from protomem.examples import Examples
from protomem.heads.subspaces import NOISE, Subspace
from protomem.items import Items
from protomem.novelty import ENERGY_WEIGHT, Known, leverages, strangeness
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

DIMENSION = 16
NAMES = [f"class {number}" for number in range(6)]
VALUE = st.floats(-3, 3).map(lambda value: round(value, 1))  # with ties
WEIGHT = st.floats(0.01, 0.5)


def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """((1 + cos) / 2)² in float64."""
    left, right = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (left.astype(float), right.astype(float)))
    return ((1 + left @ right.T) / 2) ** 2


def fitted(codes: Codes, labels: list[tuple[str, ...]]) -> tuple[Ensemble, Calibration]:
    space = Space(SpaceSettings(DIMENSION, "an encoder", width=64, books=6, keys=8, modes=4))
    examples = Examples(DIMENSION).with_rows([f"{row:04}" for row in range(len(codes))], codes, labels)
    statistics = Statistics.of(space, codes, labels)
    ensemble, problem = Ensemble.fit(statistics, examples)
    return ensemble, Calibration.fit(statistics, ensemble, problem)


# --------------------------------------------------------------------------------------------------- the strangeness


def test_strangeness_is_its_formula() -> None:
    """The best class by numpy's inverse, the free energy of the scores by Python's floats."""
    codes, items = drawn_codes(0, 60, DIMENSION), drawn_codes(1, 25, DIMENSION)
    owners = np.arange(60) % len(NAMES)
    ensemble, _ = fitted(codes, [(NAMES[owner],) for owner in owners])
    scores, best = ensemble.scores(Items(ensemble.space, items))
    found = strangeness(best, scores, 0.4, 2.5)
    for item in range(25):
        unexplained = []
        for owner in range(len(NAMES)):
            own = codes[owners == owner]
            across = kernel(items[[item]], own)[0]
            unexplained.append(1 + NOISE - across @ np.linalg.inv(kernel(own, own) + NOISE * np.eye(len(own))) @ across)
        energy = 0.4 * math.log(sum(math.exp(score / 0.4) for score in scores[item]))
        assert math.isclose(found[item], math.log(min(unexplained)) - ENERGY_WEIGHT / 2.5 * energy, rel_tol=1e-9)


# ------------------------------------------------------------------------------------------------------ the weights


@pytest.mark.parametrize("count", [1, 2, 40])
def test_leverages_are_the_diagonal_of_the_hat_matrix(count: int) -> None:
    codes = drawn_codes(2, count, DIMENSION)
    hat = kernel(codes, codes) @ np.linalg.inv(kernel(codes, codes) + np.eye(count))
    assert np.allclose(Subspace.of(codes).leverages(), np.diag(hat), rtol=1e-9)


@pytest.mark.parametrize("copies", [1, 2, 9])
def test_equal_examples_share_their_leverage(copies: int) -> None:
    assert np.allclose(
        Subspace.of(np.repeat(drawn_codes(3, 1, DIMENSION), copies, axis=0)).leverages(), 1 / (copies + 1)
    )


def test_the_leverage_of_an_example_is_that_in_its_class_and_of_several_the_least() -> None:
    codes = drawn_codes(4, 700, DIMENSION)  # the first class is split into parts
    labels = [("a",) if row % 7 else ("b",) for row in range(700)]
    labels[0], labels[1] = ("a", "b"), ("b", "c")
    ensemble, _ = fitted(codes, labels)
    order = [int(group.ids[place]) for group, place in map(ensemble.examples.locate, range(700))]
    rows = np.arange(0, 700, 3)
    found = leverages(ensemble, rows, ensemble.examples.label_matrix(rows))
    parts, part_of_row = ensemble.subspaces["a"].parts
    assert len(parts) > 1
    expected = {}
    for name in ensemble.names:
        members = [row for row in order if name in labels[row]]
        groups = part_of_row if name == "a" else np.zeros(len(members), dtype=int)
        for part in np.unique(groups):
            some = [row for row, own in zip(members, groups, strict=True) if own == part]
            grid = kernel(codes[some], codes[some])
            diagonal = np.diag(grid @ np.linalg.inv(grid + np.eye(len(some))))
            expected |= {(name, row): value for row, value in zip(some, diagonal, strict=True)}
    for place, row in enumerate(rows):
        mine = order[row]
        assert math.isclose(found[place], min(expected[name, mine] for name in labels[mine]), rel_tol=1e-9)


# ------------------------------------------------------------------------------------------------------ the p-values


def share(known: list[tuple[float, float]], item: float) -> float:
    """The conformal p-value: the weighted share at least as strange, the item counted with the mean weight."""
    weights = [weight for _, weight in known]
    mean = sum(weights) / len(weights) if weights else 1.0
    return (mean + sum(weight for value, weight in known if value >= item)) / (mean + sum(weights))


def p_value(known: list[tuple[float, float]], item: float) -> float:
    values, weights = np.array(known, dtype=float).reshape(-1, 2).T
    return float(Known.of(values, weights).p_values(np.array([item]))[0])


@given(st.lists(st.tuples(VALUE, WEIGHT), max_size=40), VALUE | st.floats(-4, 4))
def test_a_p_value_is_the_weighted_share_at_least_as_strange_counting_the_item_and_up_to_a_hundredth_of_a_step(
    known: list[tuple[float, float]], item: float
) -> None:
    values, weights = [value for value, _ in known], [weight for _, weight in known]
    expected = share(known, item)
    less_strange = sorted((pair for pair in known if pair[0] < item), key=lambda pair: pair[0])
    if less_strange:
        below, weight = less_strange[-1]
        step = weight / (sum(weights) + sum(weights) / len(weights))
        spread = pstdev(values) if len(set(values)) > 1 else 1.0
        expected += 0.01 * step * math.exp((below - item) / spread)
    found = p_value(known, item)
    assert math.isclose(found, expected, rel_tol=1e-9)
    assert 0 < found <= 1


@given(st.lists(VALUE, min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_of_exchangeable_items_no_more_are_strange_than_the_rate_allows(values: list[float], rate: float) -> None:
    """Each of the values in turn is the new one, the others are known: the conformal guarantee, by counting."""
    alarms = 0
    for new in range(len(values)):
        others = np.array(values[:new] + values[new + 1 :])
        alarms += Known.of(others, np.ones(len(others))).p_values(np.array(values[new : new + 1]))[0] <= rate
    assert alarms <= rate * len(values) + 1e-9


@given(st.lists(st.tuples(VALUE, WEIGHT), min_size=1, max_size=40), st.lists(VALUE, min_size=2, max_size=10))
def test_what_is_stranger_has_no_larger_p_value(known: list[tuple[float, float]], items: list[float]) -> None:
    comparison = Known.of(*np.array(known, dtype=float).T)
    asked = np.unique(np.array(items))
    found = comparison.p_values(asked)
    assert (np.diff(found) <= 0).all()
    assert (np.diff(found[asked >= min(value for value, _ in known)]) < 0).all()


def clustered(dice: np.random.Generator, centres: np.ndarray, copies: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Items around the centres of classes, each said as many times, in nearly the same words."""
    owners = dice.integers(0, len(centres), len(copies))
    said = centres[owners] + 0.9 * dice.normal(size=(len(copies), DIMENSION))
    vectors = np.repeat(said, copies, axis=0)
    vectors += 0.3 * dice.normal(size=vectors.shape)
    return vectors, [NAMES[owner] for owner in np.repeat(owners, copies)]


def solved(vectors: np.ndarray, labels: list[str]) -> tuple[Ensemble, Calibration]:
    return fitted(quantize(vectors, code_scale(DIMENSION)), [(label,) for label in labels])


def looked_at(ensemble: Ensemble, calibration: Calibration, vectors: np.ndarray) -> np.ndarray:
    """How strange these items look."""
    scores, best = ensemble.scores(Items(ensemble.space, quantize(vectors, ensemble.space.scale)))
    return strangeness(best, scores, calibration.temperature, sum(ensemble.weights.values()))


def test_false_alarms_stay_at_the_rate_asked_for() -> None:
    """Means over eight memories, each with a calibration sample of its own, of 300 new items each."""
    found = []
    for seed in range(8):
        dice = np.random.default_rng(seed)
        centres = 1.2 * dice.normal(size=(len(NAMES), DIMENSION))
        ensemble, calibration = solved(*clustered(dice, centres, np.ones(400, dtype=int)))
        new, _ = clustered(dice, centres, np.ones(300, dtype=int))
        found.append(calibration.known.p_values(looked_at(ensemble, calibration, new)))
    for rate in (0.05, 0.1, 0.2):
        alarms = np.mean(np.array(found) <= rate)
        assert rate / 4 < alarms < rate + 0.02


def test_near_duplicates_of_some_examples_cause_fewer_false_alarms_than_if_all_counted_the_same() -> None:
    """Every third example was learned five times. New items come once, as the others did."""
    alarms = []
    for seed in range(4):
        dice = np.random.default_rng(seed)
        centres = 1.2 * dice.normal(size=(len(NAMES), DIMENSION))
        ensemble, calibration = solved(*clustered(dice, centres, np.resize([5, 1, 1], 200)))
        new = looked_at(ensemble, calibration, clustered(dice, centres, np.ones(300, dtype=int))[0])
        equal = Known.of(calibration.known.strangeness, np.ones(len(calibration.known.strangeness)))
        alarms.append([np.mean(known.p_values(new) <= 0.1) for known in (calibration.known, equal)])
    weighted, plain = np.mean(alarms, axis=0)
    assert weighted < 0.75 * plain


def test_novelty_after_forgetting_is_that_of_a_memory_that_never_learned() -> None:
    """Bit for bit, though the forgotten were near-duplicates of what stays, which shared their weight."""
    dice = np.random.default_rng(8)
    centres = dice.normal(size=(len(NAMES), DIMENSION))
    vectors, labels = clustered(dice, centres, np.full(60, 5))
    new, _ = clustered(dice, centres, np.ones(200, dtype=int))
    ids = [f"{row:03}" for row in range(len(vectors))]
    gone = set(ids[::5]) | set(ids[1::7])
    kept = [row for row, id in enumerate(ids) if id not in gone]
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as memory:
        memory.learn(vectors, labels, ids=ids)
        before = [answer.novelty for answer in memory.predict(new)]
        memory.forget(ids=sorted(gone))
        after = [answer.novelty for answer in memory.predict(new)]
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64) as fresh:
        fresh.learn(vectors[kept][::-1], [labels[row] for row in kept][::-1], ids=[ids[row] for row in kept][::-1])
        assert after == [answer.novelty for answer in fresh.predict(new)]
    assert before != after


def test_an_item_of_an_unknown_class_is_stranger_than_one_of_a_known() -> None:
    dice = np.random.default_rng(9)
    centres = 1.2 * dice.normal(size=(len(NAMES) + 1, DIMENSION))
    once = np.ones(300, dtype=int)
    ensemble, calibration = solved(*clustered(dice, centres[:-1], once))
    known = looked_at(ensemble, calibration, clustered(dice, centres[:-1], once)[0])
    unknown = looked_at(ensemble, calibration, clustered(dice, centres[-1:], once)[0])
    assert np.median(unknown) > np.quantile(known, 0.8)
