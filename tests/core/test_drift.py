"""A steady rate raises no alarm more often than asked, a rise is found and placed, and a fall is none."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomem.drift import rises
from protomem.errors import MissingExtra

pytest.importorskip("river", reason="drift is found by river: protomem[streams]")


def coins(seed: int, *parts: tuple[int, float]) -> list[float]:
    """Zeros and ones, so many of each rate after each other."""
    dice = np.random.default_rng(seed)
    return [float(dice.random() < rate) for count, rate in parts for _ in range(count)]


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_steady_streams_raise_alarms_no_more_often_than_asked(rate: float) -> None:
    raised = sum(bool(rises(coins(seed, (2_000, rate)), 0.05)) for seed in range(60))
    assert raised <= 6  # three expected at most; seven or more of 60 would have probability 0.03 at exactly 5 %


def test_a_rise_is_found_and_placed() -> None:
    values = coins(1, (800, 0.05), (400, 0.6))
    (rise,) = rises(values, 0.01)
    assert abs(rise.began - 800) < 15
    assert 800 <= rise.found < 900
    assert rise.before == pytest.approx(np.mean(values[: rise.began]))
    assert rise.after == pytest.approx(np.mean(values[rise.began : rise.found + 1]))


def test_a_fall_is_no_alarm() -> None:
    assert rises(coins(2, (800, 0.6), (400, 0.05)), 0.01) == []


def test_a_second_rise_is_found_after_the_first() -> None:
    first, second = rises(coins(3, (800, 0.02), (800, 0.3), (800, 0.9)), 0.01)
    assert 800 <= first.found < 1_600 <= second.found


@given(st.lists(st.floats(0, 1), max_size=200), st.floats(0.001, 0.5))
def test_rises_are_in_order_and_rise(values: list[float], false_alarm: float) -> None:
    found = rises(values, false_alarm)
    assert all(one.before < one.after and one.began <= one.found for one in found)
    assert all(one.found < other.began for one, other in pairwise(found))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_values_are_no_drift(count: int) -> None:
    assert rises([1.0] * count, 0.5) == []


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river", None)
    with pytest.raises(MissingExtra, match=r"false_alarm=None.* pip install 'protomem\[streams\]'"):
        rises([0.0], 0.01)
