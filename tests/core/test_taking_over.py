"""What is taken over from an earlier solve saves work, and changes no bit."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.core.taught import QUESTION, Taught, drawn

from protomem.calibration import CALIBRATION_SAMPLE
from protomem.classwise import ClassSubspaces
from protomem.codes import quantize
from protomem.ensemble import SHORTLIST, Ensemble
from protomem.examples import Group
from protomem.items import Items
from protomem.left_out import Needs
from protomem.predicting import Predictor

pytestmark = pytest.mark.usefixtures("one_thread")


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
