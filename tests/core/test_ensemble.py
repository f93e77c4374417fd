"""An answer is a function of the item and of what is remembered: not of the batch, the order, or an earlier solve."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.core.drawing import by_rarity

import protomem
from protomem.calibration import CALIBRATION_SAMPLE
from protomem.classwise import ClassSubspaces
from protomem.codes import quantize
from protomem.ensemble import FEW, FEW_ROWS, FEW_WORK, MANY, SHORTLIST, WHOLE, Ensemble, Weights, panel
from protomem.examples import Examples, Group
from protomem.heads.analytic import Dual, Primal
from protomem.items import Items
from protomem.left_out import Needs
from protomem.predicting import Predictor
from protomem.questions import Question
from protomem.space import Space, SpaceSettings
from protomem.state import State
from protomem.statistics import Statistics
from protomem.store import Row

pytestmark = pytest.mark.usefixtures("one_thread")

DIMENSION = 32
WIDTH = 128
ASKED = {"top_k": 20, "evidence": 4, "coverage": 0.8, "false_alarm": 0.1}
QUESTION = Question(top_k=20, evidence=25, coverage=0.8, false_alarm=0.1, among=None)

KINDS = ["dual", "primal", "one class", "two classes", "large class"]


def drawn(seed: int, count: int) -> np.ndarray:
    """Vectors around fourteen centres, the first three of them equal."""
    dice = np.random.default_rng(seed)
    vectors = np.random.default_rng(99).normal(size=(14, DIMENSION))[np.arange(count) % 14]
    vectors = vectors + 0.8 * dice.normal(size=(count, DIMENSION))
    vectors[:3] = vectors[0]
    return vectors


def label_sets(kind: str, count: int) -> list[list[str]]:
    if kind == "large class":
        return [["most"] if row % 4 else [f"class {row % 14:02}"] for row in range(count)]
    classes = {"one class": 1, "two classes": 2}.get(kind, 14)
    labels = [[f"class {row % 14 % classes:02}"] for row in range(count)]
    for row in range(0, count if classes == 14 else 0, 9):
        labels[row].append("extra")
    return labels


@pytest.fixture(params=[FEW, WHOLE, MANY], ids=["few", "whole", "many"], scope="module")
def voters(request: pytest.FixtureRequest) -> Iterator[Weights]:
    """Each panel of heads in turn, whatever the memory's size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protomem.ensemble.panel", lambda *_: request.param)
        yield request.param


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a large memory."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: MANY)


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


# ----------------------------------------------------------------------------------------------- work that is skipped


class Taught:
    """A state and the rows in it, for the same changes as a memory makes."""

    def __init__(self, count: int, kind: str) -> None:
        self.space = Space(SpaceSettings(DIMENSION, "an encoder", width=WIDTH))
        codes = quantize(drawn(3, count), self.space.scale)
        labels = [tuple(sorted(some)) for some in label_sets(kind, count)]
        self.rows = [Row(f"{row:04}", None, labels[row], codes[row].tobytes()) for row in range(count)]
        self.here: dict[str, Row] = {}
        self.state = State.of(self.space, [])

    def change(self, added: list[Row], removed: list[str]) -> None:
        self.state.apply(self.state.change(added, removed))
        self.here = {id: row for id, row in self.here.items() if id not in removed} | {row.id: row for row in added}

    def afresh(self) -> Predictor:
        """Solved from nothing, from the rows in another order."""
        return self.solved(State.of(self.space, list(self.here.values())[::-1]), None)

    @staticmethod
    def solved(state: State, previous: Predictor | None) -> Predictor:
        return Predictor.of(state, previous).prepared(Needs.of(QUESTION), state)


def assert_same_bits(one: Predictor, other: Predictor, codes: np.ndarray) -> None:
    if one.ensemble.analytic is not None and other.ensemble.analytic is not None:
        assert np.array_equal(one.ensemble.analytic.weights, other.ensemble.analytic.weights)
        assert one.ensemble.analytic.exponent == other.ensemble.analytic.exponent
        assert one.ensemble.analytic.strength == other.ensemble.analytic.strength
    assert one.calibration.temperature == other.calibration.temperature
    assert np.array_equal(one.calibration.known.strangeness, other.calibration.known.strangeness)
    assert np.array_equal(one.calibration.known.shares, other.calibration.known.shares)
    heads = zip(one.ensemble.head_scores(codes).items(), other.ensemble.head_scores(codes).items(), strict=True)
    for (head, mine), (name, theirs) in heads:
        assert head == name
        assert np.array_equal(mine, theirs), head
    assert one.answers(codes, QUESTION) == other.answers(codes, QUESTION)


@pytest.mark.usefixtures("voters")
@pytest.mark.parametrize(("kind", "count"), [("dual", 110), ("primal", 420), ("large class", 700), ("one class", 60)])
def test_heads_taken_over_from_before_have_the_same_bits_as_new_ones(kind: str, count: int) -> None:
    """Through a dozen changes, large and small, each solved with what the one before left."""
    dice, taught = random.Random(count), Taught(count, kind)
    items = quantize(drawn(4, 40), taught.space.scale)
    previous = None
    taught.change(taught.rows[: count // 2], [])
    for _ in range(12):
        away = [row for row in taught.rows if row.id not in taught.here]
        added = dice.sample(away, min(len(away), dice.choice([0, 1, 1, 2, 40])))
        removed = dice.sample(sorted(taught.here), min(len(taught.here) - 1, dice.choice([0, 1, 1, 2, 40])))
        taught.change(added, removed)
        previous = Taught.solved(taught.state, previous)
        assert_same_bits(previous, taught.afresh(), items)


@pytest.mark.usefixtures("many")
def test_taking_over_bears_a_thread_that_is_still_solving() -> None:
    """While a new state looks through what was solved for the old one, a prediction on the old one solves some more."""
    taught = Taught(200, "primal")
    taught.change(taught.rows, [])
    before = Predictor.of(taught.state, None).ensemble
    _, group = before.rivals.of(0)

    class Meanwhile(tuple):
        def __iter__(self) -> Iterator[Group]:
            before.rivals.of(len(before.names) - 1)
            return super().__iter__()

    group.groups = Meanwhile(group.groups)
    after, _ = Ensemble.fit(taught.state.statistics(), taught.state.examples, before)
    assert after.rivals.of(0)[0] == before.rivals.of(0)[0]


@pytest.mark.usefixtures("many")
def test_what_was_solved_for_untouched_classes_is_taken_over_and_nothing_else() -> None:
    taught = Taught(200, "primal")
    taught.change(taught.rows[:-1], [])
    before = Predictor.of(taught.state, None).ensemble
    before.head_scores(quantize(drawn(5, 3), taught.space.scale))
    taught.change([taught.rows[-1]], ["0000"])
    after, _ = Ensemble.fit(taught.state.statistics(), taught.state.examples, before)
    touched = {label for row in (taught.rows[-1], taught.rows[0]) for label in row.labels}
    assert before.names == after.names
    for label, name in enumerate(before.names):
        assert (before.subspaces[name] is after.subspaces[name]) == (name not in touched)
        (old_classes, old), (new_classes, new) = before.rivals.of(label), after.rivals.of(label)
        same_classes = old_classes == new_classes
        assert (old is new) == (same_classes and not touched & {before.names[number] for number in old_classes})


@pytest.mark.usefixtures("many")
def test_equal_examples_of_several_classes_do_not_pass_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of equal examples goes, another may take its place in the sample that calibrates."""
    monkeypatch.setattr("protomem.calibration.CALIBRATION_SAMPLE", 6)
    dice, taught = random.Random(1), Taught(60, "primal")
    equals = [replace(row, codes=taught.rows[number % 3].codes) for number, row in enumerate(taught.rows)]
    items, previous = quantize(drawn(4, 5), taught.space.scale), None
    taught.change(equals, [])
    for _ in range(30):
        previous = Taught.solved(taught.state, previous)
        assert_same_bits(previous, taught.afresh(), items)
        taught.change([], [dice.choice(sorted(taught.here))])


@pytest.mark.usefixtures("many")
def test_calibration_takes_scores_of_untouched_classes_over_and_keeps_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taught = Taught(420, "primal")
    taught.change(taught.rows, [])
    before = Predictor.of(taught.state, None)
    sampled = set(taught.state.examples.sample(CALIBRATION_SAMPLE).tolist())
    row = next(row for row in range(420) if row not in sampled)
    group, place = taught.state.examples.locate(row)
    taught.change([], [group.ids[place]])
    asked: Counter[ClassSubspaces] = Counter()
    scores = ClassSubspaces.scores

    def counted(self: ClassSubspaces, items: Items, rows: np.ndarray) -> np.ndarray:
        asked[self] += len(rows)
        return scores(self, items, rows)

    monkeypatch.setattr(ClassSubspaces, "scores", counted)
    after = Predictor.of(taught.state, before)
    touched = [after.ensemble.subspaces[name] for name in group.labels]
    assert all(asked[one] for one in touched)
    assert asked.total() - sum(asked[one] for one in touched) < 0.1 * CALIBRATION_SAMPLE * SHORTLIST
    assert_same_bits(
        after.prepared(Needs.of(QUESTION), taught.state), taught.afresh(), quantize(drawn(4, 9), taught.space.scale)
    )
    assert after.calibration.sample is not None
    assert {one for _, one, _ in after.calibration.sample.found} <= set(after.ensemble.subspaces.values())


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("most", [0, 1, 256])
def test_rivals_solved_ahead_are_those_asked_before_up_to_a_number(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they were solved ahead changes no score."""
    monkeypatch.setattr("protomem.classwise.AHEAD", most)
    taught = Taught(200, "primal")
    taught.change(taught.rows[:-1], [])
    asked = quantize(drawn(5, 9), taught.space.scale)
    before = Predictor.of(taught.state, None).ensemble
    first = {label for label in range(len(before.names)) if before.rivals.of(label)[1].is_solved}
    taught.change([taught.rows[-1]], ["0000"])
    after, _ = Ensemble.fit(taught.state.statistics(), taught.state.examples, before)
    assert first
    assert len(after.rivals._of_class) == min(most, len(first))
    alone, _ = Ensemble.fit(taught.state.statistics(), taught.state.examples)
    assert np.array_equal(after.scores(after.items(asked))[0], alone.scores(alone.items(asked))[0])


# ------------------------------------------------------------------------------------------------------- composition


SIZES = [(1, 1), (40, 7), (1_000, 500), (1_500, 150), (2_048, 128), (2_048, 129), (2_049, 2), (10_000, 77)]


@pytest.mark.parametrize(("examples", "labels"), SIZES)
def test_the_voters_follow_from_the_number_of_examples_and_labels(examples: int, labels: int) -> None:
    few = examples <= 2_048 and examples * examples * labels <= 2**29
    assert (FEW_ROWS, FEW_WORK) == (2_048, 2**29)
    assert panel(examples, labels, 0).keys() == (FEW if few else MANY).keys()
    assert panel(examples, labels, examples - 1).keys() == (FEW if few else MANY).keys()
    assert panel(examples, labels, examples).keys() == (FEW if few else WHOLE).keys()


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
    base += by_rarity(group.labels for group in taught.state.examples.groups.values() for _ in group.ids)
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
    base = sum(MANY[head] * heads[head] for head in MANY if head not in ("subspaces", "rivals")) + by_rarity(labels)
    everyone = range(len(examples.names))
    assert len(everyone) > SHORTLIST
    for item in range(50):
        shortlist = sorted(everyone, key=lambda label: -base[item, label])[:SHORTLIST]
        lowest = min(heads["subspaces"][item, label] for label in shortlist)
        subspaces = [heads["subspaces"][item, label] if label in shortlist else lowest for label in everyone]
        total = base[item] + MANY["subspaces"] * np.array(subspaces)
        classes, group = ensemble.rivals.of(int(total.argmax()))
        among_rivals = dict(
            zip(classes, group.solved.scores(items.codes[[item]], items.lengths[[item]])[0], strict=True)
        )
        rivals = [among_rivals.get(label, min(among_rivals.values())) for label in everyone]
        assert np.allclose(scores[item], total + MANY["rivals"] * np.array(rivals), rtol=0, atol=1e-12)
        assert best[item] == max(heads["subspaces"][item, label] for label in shortlist)


@given(st.integers(1, FEW_ROWS), st.integers(1, 200))
def test_with_fewer_examples_a_label_the_logistic_head_counts_for_more(examples: int, labels: int) -> None:
    assume(examples >= labels and examples**2 * labels <= FEW_WORK)
    weights = panel(examples, labels, 0)
    assert math.isclose(sum(weights.values()), sum(FEW.values()))
    share = min(1.0, examples / labels / 10)
    assert math.isclose(weights["kernel"] / weights["logistic"], 3 * share)
    assert math.isclose(weights["kernel"] / weights["subspaces"], 3)
