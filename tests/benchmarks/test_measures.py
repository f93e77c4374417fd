"""What the benchmarks count, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the benchmarks compare with scikit-learn: protomem[bench]")

from bars import Bar, Option
from calibration import Sure
from common import Split
from coverage import Sets
from fedavg import averaged_means, federated_head, nearest
from held_out import grid, title
from imbalance import geometric
from increments import forgetting, in_order
from learners import best
from novelty import judged


def test_calibration_error_weighs_each_bin_by_its_answers() -> None:
    """Three answers said 0.9 of which two are right, one said 0.1 and is wrong: 3/4 · |0.9 − 2/3| + 1/4 · 0.1."""
    sure = Sure(np.array([0.9, 0.9, 0.9, 0.1]), np.array([True, True, False, False]))
    assert sure.error() == pytest.approx(100 * (0.75 * (0.9 - 2 / 3) + 0.25 * 0.1))


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    assert Sure(np.array([1.0, 0.99]), np.array([True, True])).bins() == [(2, pytest.approx(0.995), 1.0)]


def test_coverage_counts_items_and_the_worst_tenth_counts_classes() -> None:
    """Class a is held once in two, b always: 3 of 4 items; a tenth of the way from 50 % to 100 % lies 55 %."""
    sets = Sets(np.array([True, False, True, True]), np.array([1, 0, 2, 3]), np.array(["a", "a", "b", "b"]))
    found = sets.covered()
    assert (found.percent, found.size, found.worst) == (pytest.approx(75), pytest.approx(1.5), pytest.approx(55))
    assert sets.rows(np.array([0, 2])).covered().percent == pytest.approx(100)


def test_forgetting_is_the_fall_from_the_best_accuracy_of_each_step_but_the_last() -> None:
    """Step 1 fell from 90 to 60, step 2 from 80 to 70; step 3 is the last."""
    assert forgetting([[90.0], [85.0, 80.0], [60.0, 70.0, 95.0]]) == pytest.approx(20.0)


def test_class_sizes_fall_geometrically_to_two_percent() -> None:
    labels = np.repeat([f"class {number:02}" for number in range(11)], 500)
    _, counts = np.unique(labels[geometric(labels, 3)], return_counts=True)
    assert sorted(counts.tolist(), reverse=True) == [round(500 * 0.02 ** (rank / 10)) for rank in range(11)]


def test_rows_are_taken_class_after_class() -> None:
    split = Split(np.arange(4, dtype=np.float32)[:, None], np.array(["a", "b", "a", "c"]))
    taken = in_order(split, ["c", "a"])
    assert taken.labels.tolist() == ["c", "a", "a"]
    assert taken.vectors[:, 0].tolist() == [3.0, 0.0, 2.0]


def test_an_answer_is_chosen_among_those_allowed() -> None:
    scores = np.array([[3.0, 2.0, 1.0]])
    assert best(scores, ["a", "b", "c"], None).tolist() == ["a"]
    assert best(scores, ["a", "b", "c"], ["b", "c"]).tolist() == ["b"]


def test_recall_is_taken_where_no_more_than_five_percent_are_false_alarms() -> None:
    """Of 20 in scope one may be called strange: the threshold lies above the strangest, 1, and under the next, 3."""
    inside = np.array([1.0, *range(3, 22)])
    outside = np.array([0.0, 2.0, 2.5, 3.5])
    found = judged(inside, outside, inside < 2, outside < 2)
    assert found.recall == pytest.approx(75.0)
    assert (found.user_recall, found.user_alarms) == (pytest.approx(25.0), pytest.approx(5.0))
    pairs = [low < high for low in outside for high in inside]
    assert found.auroc == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(("measured", "least", "met"), [(2.0, True, True), (1.9, True, False), (1.9, False, True)])
def test_a_bar_is_met_on_its_bound(measured: float, least: bool, met: bool) -> None:
    assert Bar("", measured, 2.0, least=least).met is met


def test_what_an_option_reaches_does_not_count_for_the_bar() -> None:
    bar = Bar("accuracy", 95.0, 96.0, option=Option("more rows", 96.5))
    assert not bar.met
    assert bar.verdict == "missed; met with more rows: 96.5"
    assert bar.plain()["option"] == {"what": "more rows", "measured": 96.5, "met": True}


@pytest.mark.parametrize(("in_use", "first", "rows"), [({"a": 1.0}, "0 0", 4), ({"a": 3.0, "b": 1.0}, "3 1", 5)])
def test_weights_in_use_are_tried_once(in_use: dict[str, float], first: str, rows: int) -> None:
    tried = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    titles = [title(tried, weights) for weights in grid(tried, in_use)]
    assert titles[0] == first
    assert titles.count(title(tried, in_use)) == 1
    assert len(titles) == rows


def test_class_means_are_averaged_by_client_and_not_by_example() -> None:
    """Of label a one client has (1, 0) three times, the other (0, 1) once; b is with one client alone."""
    right, up = [1.0, 0.0], [0.0, 1.0]
    first = Split(np.array([right, right, right, up], dtype=np.float32), np.array(["a", "a", "a", "b"]))
    second = Split(np.array([up], dtype=np.float32), np.array(["a"]))
    means = averaged_means([first, second])
    assert {name: mean.tolist() for name, mean in means.items()} == {"a": [0.5, 0.5], "b": up}
    assert nearest(means, np.array([right, up], dtype=np.float32)).tolist() == ["a", "b"]


def test_federated_averaging_weighs_clients_by_their_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round, one step each from zero weights: probabilities are 1/2, so a step is rate · (1/2 − target) per row."""
    monkeypatch.setattr("fedavg.ROUNDS", 1)
    first = Split(np.array([[1.0], [1.0], [1.0]], dtype=np.float32), np.array(["a", "a", "a"]))
    second = Split(np.array([[-1.0]], dtype=np.float32), np.array(["b"]))
    head = federated_head([first, second], rate=2.0, epochs=1)
    # Weight and bias of a, then of b: the first client's step is (1, 1, -1, -1), the second's (1, -1, -1, 1).
    assert head.weights.T.ravel() == pytest.approx(0.75 * np.array([1, 1, -1, -1]) + 0.25 * np.array([1, -1, -1, 1]))
