"""An answer stops at the level that is certain: against a search through all levels in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.hierarchy import Hierarchy, labels_under, levels

LABELS = st.lists(st.sampled_from(["a", "b", "cc"]), min_size=1, max_size=4).map("/".join)
SETS = st.sets(LABELS, min_size=1, max_size=12).map(sorted)


def below(node: str, label: str) -> bool:
    return label == node or label.startswith(node + "/")


def every_level(names: list[str]) -> set[str]:
    return {"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 2)}


SMALLEST = 1 / 128
"""Probabilities are whole multiples of it, so that their sums are exact and ties happen."""

WEIGHTS = SETS.flatmap(lambda names: st.fixed_dictionaries(dict.fromkeys(names, st.integers(0, 8)))).filter(
    lambda weights: any(weights.values())
)


def hierarchy_of(weights: dict[str, int]) -> tuple[Hierarchy, np.ndarray]:
    return Hierarchy.of(sorted(weights), "/"), np.array([weights[name] for name in sorted(weights)]) * SMALLEST


@given(WEIGHTS, st.data())
def test_a_certain_answer_is_the_deepest_level_that_reaches_it(weights: dict[str, int], data: st.DataObject) -> None:
    """Above one half of the whole, the levels that reach a certainty lie on one path, and the longest is the answer."""
    total = sum(weights.values())
    certainty = data.draw(st.integers(total // 2 + 1, total + 1))
    sums = {node: sum(w for label, w in weights.items() if below(node, label)) for node in every_level(list(weights))}
    reached = [node for node, weight in sums.items() if weight >= certainty]
    hierarchy, probabilities = hierarchy_of(weights)
    expected = max(reached, key=len, default=None)
    found = hierarchy.deepest(probabilities, {}, certainty * SMALLEST)
    assert found == (None if expected is None else (expected, sums[expected] * SMALLEST))


@given(WEIGHTS)
def test_the_path_goes_to_the_most_probable_at_every_level(weights: dict[str, int]) -> None:
    inside, expected = dict(weights), []
    while True:
        steps: dict[str, int] = {}
        for label, weight in inside.items():
            step = "/".join(label.split("/")[: len(expected) + 1])
            steps[step] = steps.get(step, 0) + weight
        best = min(steps, key=lambda step: (-steps[step], step))
        if expected and best == expected[-1][0]:
            break
        expected.append((best, steps[best] * SMALLEST))
        inside = {label: weight for label, weight in inside.items() if below(best, label)}
    hierarchy, probabilities = hierarchy_of(weights)
    assert hierarchy.path(probabilities) == expected


def test_a_threshold_goes_before_the_certainty() -> None:
    hierarchy = Hierarchy.of(["card/lost", "card/stolen", "refund"], "/")
    probabilities = np.array([0.5, 0.3, 0.2])
    assert hierarchy.deepest(probabilities, {}, 0.7) == ("card", 0.8)
    assert hierarchy.deepest(probabilities, {"card/lost": 0.4}, 0.7) == ("card/lost", 0.5)
    assert hierarchy.deepest(probabilities, {"card": 0.9}, 0.7) is None
    assert hierarchy.deepest(probabilities, {"card": 0.9}, 0.4) == ("card/lost", 0.5)


def test_a_label_that_has_others_below_it_is_an_answer_of_its_own() -> None:
    hierarchy = Hierarchy.of(["card", "card/lost", "refund"], "/")
    assert hierarchy.path(np.array([0.5, 0.3, 0.2])) == [("card", 0.8)]
    assert hierarchy.path(np.array([0.3, 0.5, 0.2])) == [("card", 0.8), ("card/lost", 0.5)]


@pytest.mark.parametrize(
    ("label", "separator", "expected"),
    [
        ("a", "/", ("a",)),
        ("a/b/c", "/", ("a", "a/b", "a/b/c")),
        ("a::b", "::", ("a", "a::b")),
        ("/a", "/", ("/a",)),
        ("a/", "/", ("a", "a/")),
        ("a//b", "/", ("a", "a/", "a//b")),
        ("/", "/", ("/",)),
    ],
)
def test_levels_are_what_stands_before_a_separator(label: str, separator: str, expected: tuple[str, ...]) -> None:
    assert levels(label, separator) == expected


NAMES = ("bank/card", "bank/card/lost", "banking", "travel/bank", "travel/visa")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("bank", ("bank/card", "bank/card/lost")),
        ("bank/", ("bank/card", "bank/card/lost")),
        ("bank/card", ("bank/card", "bank/card/lost")),
        ("bank/card/", ("bank/card/lost",)),
        ("banking", ("banking",)),
        ("travel", ("travel/bank", "travel/visa")),
    ],
)
def test_a_task_is_the_label_of_that_name_and_all_below_it(task: str, expected: tuple[str, ...]) -> None:
    assert labels_under(task, NAMES, "/") == expected


@pytest.mark.parametrize("task", ["car", "banking/", "visa", "bank/card/lost/"])
def test_a_task_without_labels_is_said_to_be_unknown(task: str) -> None:
    with pytest.raises(protomem.NotRemembered, match=f"{task!r}.*there are 'bank', 'banking', 'travel'"):
        labels_under(task, NAMES, "/")


@pytest.fixture(scope="module")
def memory() -> protomem.Memory:
    """Two topics far apart, the first with two labels that can hardly be told apart."""
    dice = np.random.default_rng(0)
    centres = {"card/lost": [4, 0, 0, 0.3], "card/stolen": [4, 0, 0, -0.3], "refund": [0, 4, 0, 0]}
    memory = protomem.open(None, encoder=protomem.Vectors(4), width=32)
    for label, centre in centres.items():
        memory.learn(np.array(centre) + 0.5 * dice.normal(size=(30, 4)), [label] * 30)
    return memory


ITEMS = [[4, 0, 0, 0], [0, 4, 0, 0], [4, 0, 0, 3], [2.0, 2.1, 0, 0], [0, 0, -1, 0]]


def test_answers_stop_at_the_certain_level(memory: protomem.Memory) -> None:
    plain = memory.predict(ITEMS)
    for certainty in (0.05, 0.6, 0.9, 0.999):
        for one, leaf in zip(memory.predict(ITEMS, certainty=certainty), plain, strict=True):
            sums = {"card": sum(p for label, p in leaf.ranking if label.startswith("card/")), **dict(leaf.ranking)}
            assert (one.ranking, one.abstained) == (leaf.ranking, one.label is None)
            if one.label is None:
                assert max(sums.values()) < certainty
                assert one.probability == leaf.probability
            else:
                assert math.isclose(one.probability, sums[one.label], rel_tol=1e-12)
                assert one.probability >= certainty
    first = memory.predict(ITEMS[:1], certainty=0.9)[0]
    assert (plain[0].label, first.label) == (plain[0].ranking[0][0], "card")


def test_a_task_restricts_as_its_labels_do(memory: protomem.Memory) -> None:
    listed = memory.predict(ITEMS, among=["card/lost", "card/stolen"], coverage=0.9)
    assert memory.predict(ITEMS, among="card", coverage=0.9) == listed
    assert memory.predict(ITEMS, among="card/", coverage=0.9) == listed
    assert memory.predict(ITEMS, among="refund") == memory.predict(ITEMS, among=["refund"])
    with pytest.raises(protomem.NotRemembered, match=r"'card', which is no remembered label, .* separator ':'"):
        memory.predict(ITEMS, among="card", separator=":")
