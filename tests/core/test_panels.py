"""Which heads vote, and with what weights, follows from how many examples each label has, and from nothing else."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protomem.panels import EVEN, FEW, FEW_ROWS, FEW_WORK, UNEVEN, WHOLE, evenness, panel

SIZES = [(1, 1), (40, 7), (1_000, 500), (1_500, 150), (2_048, 128), (2_048, 129), (2_049, 2), (10_000, 77)]


def equal(examples: int, labels: int) -> np.ndarray:
    return np.full(labels, examples // labels)


@pytest.mark.parametrize(("examples", "labels"), SIZES)
def test_the_voters_follow_from_the_number_of_examples_and_labels(examples: int, labels: int) -> None:
    few = examples <= 2_048 and examples * examples * labels <= 2**29
    assert (FEW_ROWS, FEW_WORK) == (2_048, 2**29)
    counts = equal(examples, labels)
    assert panel(examples, counts, 0).keys() == (FEW if few else EVEN).keys()
    assert panel(examples, counts, examples - 1).keys() == (FEW if few else EVEN).keys()
    assert panel(examples, counts, examples).keys() == (FEW if few else WHOLE).keys()


@given(st.integers(1, FEW_ROWS), st.integers(1, 200))
def test_with_fewer_examples_a_label_the_logistic_head_counts_for_more(examples: int, labels: int) -> None:
    assume(examples >= labels and examples**2 * labels <= FEW_WORK)
    weights = panel(examples, equal(examples, labels), 0)
    assert math.isclose(sum(weights.values()), sum(FEW.values()))
    share = min(1.0, examples / labels / 10)
    assert math.isclose(weights["kernel"] / weights["logistic"], 3 * share)
    assert math.isclose(weights["kernel"] / weights["subspaces"], 3)


COUNTS = st.lists(st.integers(1, 100_000), min_size=1, max_size=300).map(np.array)


@given(COUNTS, st.integers(1, 1_000))
def test_evenness_is_one_of_equals_and_of_shares_alone(counts: np.ndarray, times: int) -> None:
    assert 1 / len(counts) * (1 - 1e-12) <= evenness(counts) <= 1 + 1e-12
    assert math.isclose(evenness(counts * times), evenness(counts), rel_tol=1e-12)
    assert math.isclose(evenness(np.full_like(counts, times)), 1, rel_tol=1e-12)


def test_evenness_is_that_of_a_calculation_by_hand() -> None:
    """Shares ½, ¼, ¼ have an entropy of 1.5 bits: as diverse as 2^1.5 equal labels."""
    assert math.isclose(evenness(np.array([20, 10, 10])), 2**1.5 / 3)
    shares = [Fraction(count, 16) for count in (8, 4, 2, 1, 1)]
    bits = sum(share * round(math.log2(1 / share)) for share in shares)
    assert math.isclose(evenness(np.array([8, 4, 2, 1, 1])), 2 ** float(bits) / 5)


def test_many_examples_of_equally_frequent_labels_have_the_weights_for_these() -> None:
    assert panel(10_000, np.full(77, 130), 0) == EVEN


def test_many_examples_of_which_almost_all_are_of_one_label_have_the_weights_for_those() -> None:
    assert panel(10_000, np.array([9_900, 50, 30, 20]), 0) == UNEVEN


@given(COUNTS)
def test_weights_between_lie_on_the_way_from_one_panel_to_the_other(counts: np.ndarray) -> None:
    weights = panel(FEW_ROWS + 1, counts, 0)
    share = min(1.0, max(0.0, (evenness(counts) - 0.8) / 0.2))
    assert weights.keys() == EVEN.keys() == UNEVEN.keys()
    for head, weight in weights.items():
        assert math.isclose(weight, UNEVEN[head] + share * (EVEN[head] - UNEVEN[head]), abs_tol=1e-9)
