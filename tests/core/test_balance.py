"""No label is favoured for having more examples."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.balance import FEW_BALANCE, Balance, balance
from protomem.panels import FEW, UNEVEN, Weights

COUNTS = st.lists(st.integers(1, 10**6), min_size=1, max_size=20)


@given(COUNTS, st.floats(0.01, 2), st.floats(0.01, 20))
def test_the_balance_is_its_formula(counts: list[int], strength: float, most: float) -> None:
    mean = Fraction(sum(counts), len(counts))
    expected = [max(-most, min(most, -strength * math.log(count / mean))) for count in counts]
    assert np.allclose(balance(np.array(counts), Balance(strength, most)), expected, rtol=1e-12, atol=1e-12)


@given(st.integers(1, 10**6), st.integers(1, 20))
def test_equally_many_examples_gain_and_lose_nothing(count: int, labels: int) -> None:
    assert balance(np.full(labels, count), FEW_BALANCE).tolist() == [0.0] * labels


@pytest.mark.parametrize("weights", [FEW, UNEVEN], ids=["few", "many"])
@pytest.mark.parametrize("retain", ["codes", "nothing"])
def test_a_rare_label_is_found_more_often_than_without_balance(
    weights: Weights, retain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clouds that overlap, of 400 examples and of 20, with the weights that such memories have: both are found more
    evenly, and on average more often.
    """
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: weights)
    large, small = recalls(retain)
    for constant in ("ensemble.FEW_BALANCE", "ensemble.MANY_BALANCE", "summed.SUMMED_BALANCE"):
        monkeypatch.setattr(f"protomem.{constant}", Balance(0.0, 1.0))
    large_without, small_without = recalls(retain)
    assert small > small_without + 0.1
    assert large + small > large_without + small_without


def recalls(retain: str) -> tuple[float, float]:
    """How often 500 new items of each cloud are answered rightly."""
    dice = np.random.default_rng(0)
    centres = np.zeros((2, 8))
    centres[:, 0] = 0.6, -0.6
    centres[:, 1:] = dice.normal(size=7)
    draws = [centre + 0.6 * dice.normal(size=(count, 8)) for centre, count in zip(centres, (400, 20), strict=True)]
    asked = [centre + 0.6 * dice.normal(size=(500, 8)) for centre in centres]
    with protomem.open(None, encoder=protomem.Vectors(8), width=128, retain=retain) as memory:  # type: ignore[arg-type]
        memory.learn(np.concatenate(draws), ["large"] * 400 + ["small"] * 20)
        large, small = (
            float(np.mean([one.label == name for one in memory.predict(items, evidence=0)]))
            for name, items in zip(("large", "small"), asked, strict=True)
        )
    return large, small
