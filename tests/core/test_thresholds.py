"""A label with a threshold is answered only when it is likely enough; otherwise the memory abstains."""

from __future__ import annotations

import numpy as np
import pytest

import protomem

DIMENSION = 8


@pytest.fixture(scope="module")
def memory() -> protomem.Memory:
    dice = np.random.default_rng(0)
    centres = dice.normal(size=(3, DIMENSION))
    memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=64)
    owners = np.arange(60) % 3
    labels = np.array(["fee", "loan", "refund"])[owners]
    memory.learn(centres[owners] + 0.8 * dice.normal(size=(60, DIMENSION)), labels.tolist())
    return memory


ITEMS = np.random.default_rng(1).normal(size=(300, DIMENSION))


@pytest.mark.parametrize("least", [{}, {"refund": 0.8}, {"refund": 0.8, "fee": 0.6, "loan": 0.0}, {"loan": 1.0}])
def test_the_best_label_must_reach_its_threshold_and_no_other_takes_its_place(
    memory: protomem.Memory, least: dict[str, float]
) -> None:
    plain, answers = memory.predict(ITEMS), memory.predict(ITEMS, thresholds=least)
    for one, other in zip(plain, answers, strict=True):
        reached = one.probability >= least.get(one.ranking[0][0], 0.0)
        assert (other.label, other.abstained) == ((one.label, False) if reached else (None, True))
        assert (other.probability, other.ranking, other.novelty) == (one.probability, one.ranking, one.novelty)
    assert not least or any(one.abstained for one in answers)


def test_novelty_and_thresholds_abstain_side_by_side(memory: protomem.Memory) -> None:
    for one in memory.predict(ITEMS, thresholds={"refund": 0.7}, false_alarm=0.3):
        unlikely = one.ranking[0][0] == "refund" and one.probability < 0.7
        assert one.novelty is not None
        assert one.abstained == (unlikely or one.novelty < 0.3)
        assert (one.label is None) == one.abstained


def test_a_threshold_of_a_forgotten_label_is_refused() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as memory:
        memory.learn([[1.0, 0.0], [0.0, 1.0]], ["east", "north"])
        memory.predict([[1.0, 0.0]], thresholds={"north": 0.5})
        memory.forget(label="north")
        with pytest.raises(protomem.NotRemembered, match="thresholds names labels that are not remembered: 'north'"):
            memory.predict([[1.0, 0.0]], thresholds={"north": 0.5})


def test_levels_may_have_thresholds_only_where_levels_are_answered() -> None:
    with protomem.open(None, encoder=protomem.Vectors(2), width=16) as memory:
        memory.learn([[1.0, 0.0], [0.0, 1.0]], ["card/lost", "card/stolen"])
        assert memory.predict([[1.0, 1.0]], thresholds={"card": 0.9}, certainty=0.999)[0].label == "card"
        with pytest.raises(protomem.NotRemembered, match=r"labels that are not remembered: 'card'; memory\.classes"):
            memory.predict([[1.0, 0.0]], thresholds={"card": 0.9})
