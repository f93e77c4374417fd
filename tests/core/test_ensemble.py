"""An answer is a function of the item and of what is remembered: not of the batch, the order, or an earlier solve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.core.drawing import by_rarity
from tests.core.taught import DIMENSION, WIDTH, Taught, drawn, label_sets

import protomem
from protomem.balance import FEW_BALANCE, MANY_BALANCE
from protomem.codes import quantize
from protomem.ensemble import SHORTLIST, Ensemble
from protomem.examples import Examples
from protomem.heads.analytic import Dual, Primal
from protomem.items import Items
from protomem.panels import EVEN, FEW, WHOLE, Weights
from protomem.predicting import Predictor
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

pytestmark = pytest.mark.usefixtures("one_thread")

ASKED = {"top_k": 20, "evidence": 4, "coverage": 0.8, "false_alarm": 0.1}

KINDS = ["dual", "primal", "one class", "two classes", "large class"]


@pytest.fixture(params=KINDS, scope="module")
def memory(request: pytest.FixtureRequest, voters: Weights) -> protomem.Memory:
    count = {"dual": 100, "large class": 900}.get(request.param, 400)
    memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH)
    ids = [f"{row:04}" for row in range(count)]
    memory.learn(drawn(0, count), label_sets(request.param, count), ids=ids)
    return memory


@pytest.fixture(scope="module")
def items() -> np.ndarray:
    """1,100 items, some of them equal to remembered ones, so that every path meets ties."""
    items = drawn(1, 1_100)
    items[::50] = drawn(0, 100)[:22]
    return items


@pytest.mark.parametrize("size", [1, 7, 300, 1_100])
def test_an_answer_is_the_same_in_every_batch(memory: protomem.Memory, items: np.ndarray, size: int) -> None:
    """Every field with ==; alone for the first 120, which crosses every path for ties."""
    together = memory.predict(items, **ASKED)
    count = 120 if size == 1 else len(items)
    parts = [memory.predict(items[start : start + size], **ASKED) for start in range(0, count, size)]
    assert [answer for part in parts for answer in part] == together[:count]


FURTHER = {
    "sets per class, explained": {"coverage": 0.8, "per_class": True, "explain": True},
    "levels": {"certainty": 0.6, "separator": " ", "explain": True},
    "several labels": {"multi_label": True, "explain": True},
}


@pytest.mark.parametrize("asked", FURTHER.values(), ids=FURTHER)
@pytest.mark.parametrize("size", [1, 40])
def test_further_answers_are_the_same_in_every_batch(
    memory: protomem.Memory, items: np.ndarray, asked: dict[str, Any], size: int
) -> None:
    count = 20 if size == 1 else 200
    together = memory.predict(items[:count], **asked)
    parts = [memory.predict(items[start : min(start + size, count)], **asked) for start in range(0, count, size)]
    assert [answer for part in parts for answer in part] == together


def test_the_order_of_a_batch_does_not_matter(memory: protomem.Memory, items: np.ndarray) -> None:
    order = np.random.default_rng(2).permutation(len(items))
    together = memory.predict(items, **ASKED)
    assert memory.predict(items[order], **ASKED) == [together[row] for row in order]


def test_what_else_is_asked_does_not_change_an_answer(
    memory: protomem.Memory, items: np.ndarray, voters: Weights
) -> None:
    full = memory.predict(items[:100], top_k=20, evidence=60, coverage=0.8)
    brief = memory.predict(items[:100], top_k=1, evidence=0)
    for one, other in zip(full, brief, strict=True):
        assert (one.label, one.probability, one.novelty) == (other.label, other.probability, other.novelty)
        assert other.ranking == one.ranking[:1]
        assert (other.evidence, other.label_set) == ((), None)
        assert other.heads == tuple(voters)


def test_restricting_to_all_labels_changes_nothing(memory: protomem.Memory, items: np.ndarray) -> None:
    names = list(memory.classes())
    assert memory.predict(items[:60], **ASKED, among=names[::-1]) == memory.predict(items[:60], **ASKED)


def test_restricted_answers_name_only_what_is_allowed(memory: protomem.Memory, items: np.ndarray) -> None:
    names = list(memory.classes())[:3]
    for answer in memory.predict(items[:60], **ASKED, among=names):
        assert sorted(label for label, _ in answer.ranking) == names
        assert abs(sum(probability for _, probability in answer.ranking) - 1) < 1e-12
        assert answer.label_set is not None
        assert answer.label_set <= set(names)


def test_rankings_fall_and_begin_with_the_answer(memory: protomem.Memory, items: np.ndarray) -> None:
    for answer in memory.predict(items[:200], top_k=20):
        probabilities = [probability for _, probability in answer.ranking]
        assert probabilities == sorted(probabilities, reverse=True)
        assert (answer.label, answer.probability) == answer.ranking[0]
        assert {label for label, _ in answer.ranking} == set(memory.classes())


def test_no_items_get_no_answers(memory: protomem.Memory) -> None:
    assert memory.predict([]) == []
    assert memory.predict(np.empty((0, DIMENSION))) == []


@pytest.mark.parametrize("weights", [FEW, WHOLE], ids=["few", "whole"])
def test_scores_of_few_are_the_weighted_sum_of_heads_that_all_know_every_label(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    taught = Taught(300, "primal")
    taught.change(taught.rows, [])
    ensemble = Predictor.of(taught.state, None).ensemble
    asked = quantize(drawn(7, 50), taught.space.scale)
    scores, best = ensemble.scores(ensemble.items(asked))
    heads = ensemble.head_scores(asked)
    base = sum(weight * heads[head] for head, weight in weights.items() if head != "subspaces")
    remembered = [group.labels for group in taught.state.examples.groups.values() for _ in group.ids]
    base += by_rarity(remembered, FEW_BALANCE if weights is FEW else MANY_BALANCE)
    for item in range(50):
        shortlist = sorted(range(len(ensemble.names)), key=lambda label: -base[item, label])[:SHORTLIST]
        asked_for = {label: heads["subspaces"][item, label] for label in shortlist}
        subspaces = [asked_for.get(label, min(asked_for.values())) for label in range(len(ensemble.names))]
        expected = base[item] + weights["subspaces"] * np.array(subspaces)
        assert np.allclose(scores[item], expected, rtol=0, atol=1e-12)
        assert best[item] == max(asked_for.values())


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("count", [100, 300])
def test_scores_are_the_weighted_sum_of_the_heads(count: int) -> None:
    """The subspaces count for the ten best by the heads that know all labels, the rivals for the best of these and its
    rivals; further labels count with the lowest of those.
    """
    space = Space(SpaceSettings(DIMENSION, "an encoder", width=WIDTH))
    codes = quantize(drawn(6, count), space.scale)
    labels = [tuple(sorted(some)) for some in label_sets("primal", count)]
    examples = Examples(DIMENSION).with_rows([f"{row:04}" for row in range(count)], codes, labels)
    ensemble, problem = Ensemble.fit(Statistics.of(space, codes, labels), examples)
    assert problem is not None
    assert isinstance(problem(), Primal if count > WIDTH else Dual)
    asked = quantize(drawn(7, 50), space.scale)
    items = Items(space, asked)
    scores, best = ensemble.scores(items)
    heads = ensemble.head_scores(asked)
    base = sum(EVEN[head] * heads[head] for head in EVEN if head not in ("subspaces", "rivals"))
    base += by_rarity(labels, MANY_BALANCE)
    everyone = range(len(examples.names))
    assert len(everyone) > SHORTLIST
    for item in range(50):
        shortlist = sorted(everyone, key=lambda label: -base[item, label])[:SHORTLIST]
        lowest = min(heads["subspaces"][item, label] for label in shortlist)
        subspaces = [heads["subspaces"][item, label] if label in shortlist else lowest for label in everyone]
        total = base[item] + EVEN["subspaces"] * np.array(subspaces)
        classes, group = ensemble.rivals.of(int(total.argmax()))
        among_rivals = dict(
            zip(classes, group.solved.scores(items.codes[[item]], items.lengths[[item]])[0], strict=True)
        )
        rivals = [among_rivals.get(label, min(among_rivals.values())) for label in everyone]
        assert np.allclose(scores[item], total + EVEN["rivals"] * np.array(rivals), rtol=0, atol=1e-12)
        assert best[item] == max(heads["subspaces"][item, label] for label in shortlist)
