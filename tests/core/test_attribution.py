"""An explanation is what made the answer: its parts add up, its counts are those of the remembered examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.core.drawing import by_rarity

import protomem
from protomem.attribution import KEYS_SHOWN, PROTOTYPES_SHOWN
from protomem.balance import FEW_BALANCE, MANY_BALANCE
from protomem.calibration import Calibration
from protomem.codes import code_scale, quantize
from protomem.ensemble import Ensemble
from protomem.examples import Examples
from protomem.heads.prototypes import MODE_COUNT
from protomem.panels import EVEN, FEW, WHOLE, Weights
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

DIMENSION, WIDTH = 10, 64
FINGERPRINT = protomem.Vectors(DIMENSION).fingerprint
SPACE = Space(SpaceSettings(DIMENSION, FINGERPRINT, width=WIDTH))


def drawn(seed: int, count: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(5, DIMENSION))
    return centres[np.arange(count) % 5] + 0.9 * dice.normal(size=(count, DIMENSION))


VECTORS = drawn(1, 200)
LABELS = [["a", "b", "c", "d", "e"][row % 5 : row % 5 + 1] + (["also"] if row % 11 == 0 else []) for row in range(200)]
IDS = [f"{row:04}" for row in range(200)]
ITEMS = drawn(2, 60)


def taught(rows: list[int], retain: str = "codes") -> protomem.Memory:
    memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH, retain=retain)  # type: ignore[arg-type]
    memory.learn(VECTORS[rows], [LABELS[row] for row in rows], ids=[IDS[row] for row in rows])
    return memory


@pytest.fixture(scope="module", params=["codes", "nothing"])
def memory(request: pytest.FixtureRequest) -> protomem.Memory:
    return taught(list(range(200)), request.param)


def explained(memory: protomem.Memory, **asked: object) -> list[protomem.Explanation]:
    answers = memory.predict(ITEMS, explain=True, **asked)  # type: ignore[arg-type]
    return [one.explanation for one in answers if one.explanation is not None]


def test_the_parts_add_up_to_the_odds_of_first_and_second(memory: protomem.Memory) -> None:
    for asked in ({}, {"among": ["a", "c", "d"]}, {"certainty": 0.7}):
        answers = memory.predict(ITEMS, explain=True, **asked)  # type: ignore[arg-type]
        for one in answers:
            told = one.explanation
            assert told is not None
            (first, p), (second, q), *_ = one.ranking
            assert (told.label, told.against) == (first, second)
            assert sorted(name for name, _ in told.parts) == sorted((*one.heads, "balance"))
            assert told.log_odds is not None
            assert math.isclose(math.fsum(part for _, part in told.parts), told.log_odds, rel_tol=1e-12, abs_tol=1e-12)
            assert math.isclose(told.log_odds, math.log(p / q), rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("weights", [FEW, WHOLE, EVEN], ids=["few", "whole", "many"])
def test_each_part_is_that_of_its_head(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the heads that know every label, from the head itself; the others' parts are what is left."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    codes = quantize(VECTORS, SPACE.scale)
    labels = [tuple(sorted(some)) for some in LABELS]
    statistics = Statistics.of(SPACE, codes, labels)
    ensemble, problem = Ensemble.fit(statistics, Examples(DIMENSION).with_rows(IDS, codes, labels))
    temperature = Calibration.fit(statistics, ensemble, problem).temperature
    heads = ensemble.head_scores(quantize(ITEMS, SPACE.scale))
    for row, told in enumerate(explained(taught(list(range(200))))):
        assert {name for name, _ in told.parts} == {*weights, "balance"}
        assert told.against is not None
        first, second = ensemble.names.index(told.label), ensemble.names.index(told.against)
        for head in weights.keys() - {"rivals", "subspaces"}:
            alone = weights[head] * (heads[head][row, first] - heads[head][row, second]) / temperature
            assert math.isclose(dict(told.parts)[head], alone, rel_tol=1e-9, abs_tol=1e-9)
        rarity = by_rarity(LABELS, FEW_BALANCE if weights is FEW else MANY_BALANCE)
        assert math.isclose(dict(told.parts)["balance"], (rarity[first] - rarity[second]) / temperature, abs_tol=1e-9)


def test_prototypes_and_keys_are_those_of_the_remembered_examples(memory: protomem.Memory) -> None:
    """Means, cosines and counts from the examples themselves, one by one."""
    scale = code_scale(DIMENSION)
    codes, asked = quantize(VECTORS, scale), quantize(ITEMS, scale)
    modes, keys = SPACE.modes.lookup(codes)[:, 0], SPACE.keys.lookup(codes)
    item_keys = SPACE.keys.lookup(asked)
    for row, told in enumerate(explained(memory)):
        own = [number for number, labels in enumerate(LABELS) if told.label in labels]
        by_mode = {mode: [one for one in own if modes[one] == mode] for mode in set(modes.tolist())}
        groups = {None: own, **{mode: some for mode, some in by_mode.items() if len(some) >= MODE_COUNT}}
        item = asked[row].astype(float)
        expected = []
        for mode, some in groups.items():
            mean = codes[some].astype(float).sum(axis=0)
            cosine = float(mean @ item / np.linalg.norm(mean) / np.linalg.norm(item))
            expected.append((mode, cosine, len(some)))
        expected.sort(key=lambda one: -one[1])
        assert [one.similarity for one in told.prototypes] == sorted(
            (p.similarity for p in told.prototypes), reverse=True
        )
        assert len(told.prototypes) == min(len(groups), PROTOTYPES_SHOWN)
        known = {mode: (cosine, count) for mode, cosine, count in expected}
        for one in told.prototypes:
            assert one.count == known[one.mode][1]
            assert math.isclose(one.similarity, known[one.mode][0], abs_tol=0.01)  # prototypes are on the codes' grid
        assert len(told.keys) <= KEYS_SHOWN
        assert len({one.book for one in told.keys}) == len(told.keys)
        for key in told.keys:
            assert key.key == item_keys[row, key.book]
            assert key.count == sum(keys[one, key.book] == key.key for one in own) > 0
            assert key.total == len(own)
            rivals = [number for number, labels in enumerate(LABELS) if told.against in labels]
            share = sum(keys[one, key.book] == key.key for one in rivals) / len(rivals)
            assert key.count / key.total > share - 0.1  # smoothed shares decide


def test_what_is_forgotten_explains_nothing_any_more() -> None:
    """After each forgetting, every explanation equals that of a memory that was only taught the rest."""
    memory, left = taught(list(range(200))), list(range(200))
    for gone in ([*range(0, 200, 5)], [7, 8], [*range(1, 100, 2)]):
        memory.predict(ITEMS[:3], explain=True)
        away = [row for row in gone if row in left]
        memory.forget(ids=[IDS[row] for row in away])
        left = [row for row in left if row not in away]
        for asked in ({}, {"multi_label": True}):
            assert explained(memory, **asked) == explained(taught(left[::-1]), **asked)


@pytest.mark.parametrize(("weights", "head"), [(FEW, "kernel"), (EVEN, "analytic")], ids=["few", "many"])
def test_a_label_by_itself_stands_against_its_absence(
    weights: Weights, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    memory = taught(list(range(200)))
    for one in memory.predict(ITEMS, explain=True, multi_label=True):
        told = one.explanation
        assert told is not None
        assert (told.label, told.against) == (one.ranking[0][0], None)
        assert [name for name, _ in told.parts] == [head, "shift"]
        assert told.log_odds is not None
        p = one.ranking[0][1]
        assert math.isclose(told.log_odds, math.log(p / (1 - p)), rel_tol=1e-9, abs_tol=1e-9)
        assert told.keys


def test_the_only_label_stands_against_nothing(memory: protomem.Memory) -> None:
    found = explained(memory, among=["b"])
    for told in found:
        assert (told.label, told.against, told.log_odds, told.parts) == ("b", None, None, ())
        assert told.prototypes
    assert any(told.keys for told in found)


def test_opposites_have_no_prototype() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as memory:
        memory.learn([[1.0, 0.0], [-1.0, 0.0]], ["x", "x"])
        (told,) = [one.explanation for one in memory.predict([[1.0, 0.5]], explain=True)]
        assert told is not None
        assert told.prototypes == ()


def test_explaining_does_not_change_an_answer(memory: protomem.Memory) -> None:
    plain = memory.predict(ITEMS)
    for one, other in zip(plain, memory.predict(ITEMS, explain=True), strict=True):
        assert one.explanation is None
        assert (one.ranking, one.label, one.evidence, one.heads) == (
            other.ranking,
            other.label,
            other.evidence,
            other.heads,
        )
