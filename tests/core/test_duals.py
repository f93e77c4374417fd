"""Scores in float32 are near the formula in float64, and have the same bits in every batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomem.heads.duals import Duals

pytestmark = pytest.mark.usefixtures("one_thread")

ROUNDING = 2.0**-24
"""The largest relative error of one operation in float32."""

sizes = st.tuples(st.integers(0, 40), st.integers(1, 600), st.integers(1, 30))
sharpnesses = st.sampled_from([0.5, 2.0])


def drawn(seed: int, size: tuple[int, int, int], largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Cosines (m, n) and what was solved, (n, labels), up to `largest`."""
    items, examples, labels = size
    dice = np.random.default_rng(seed)
    return dice.uniform(-1, 1, (items, examples)), dice.uniform(-largest, largest, (examples, labels))


@given(seed=st.integers(0, 99), size=sizes, sharpness=sharpnesses, largest=st.sampled_from([1e-3, 1.0, 1e4]))
def test_scores_are_their_formula(seed: int, size: tuple[int, int, int], sharpness: float, largest: float) -> None:
    """Within what that many roundings can come to at worst."""
    cosines, solved = drawn(seed, size, largest)
    kernel = np.exp(sharpness * (cosines - 1))
    worst = (len(solved) + 10) * ROUNDING * (np.abs(kernel) + np.exp(-sharpness)) @ np.abs(solved)
    assert (np.abs(Duals.of(solved).scores(sharpness, cosines) - kernel @ solved) <= worst).all()


@given(seed=st.integers(0, 99), size=sizes, sharpness=sharpnesses)
def test_what_all_items_have_in_common_is_not_rounded(seed: int, size: tuple[int, int, int], sharpness: float) -> None:
    """An item at right angles to every example: its kernels are one number, whose product with the duals cancels."""
    cosines, solved = drawn(seed, size, 1e4)
    flat = float(np.float32(np.exp(-sharpness)))
    expected = np.tile(flat * solved.astype(np.float32).sum(axis=0, dtype=np.float64), (len(cosines), 1))
    assert np.array_equal(Duals.of(solved).scores(sharpness, np.zeros_like(cosines)), expected)


@given(seed=st.integers(0, 99), size=sizes, sharpness=sharpnesses, data=st.data())
def test_an_item_has_the_same_bits_in_every_batch(
    seed: int, size: tuple[int, int, int], sharpness: float, data: st.DataObject
) -> None:
    cosines, solved = drawn(seed, size, 10.0)
    duals = Duals.of(solved)
    rows = data.draw(st.lists(st.integers(0, max(0, len(cosines) - 1)), max_size=20 if len(cosines) else 0))
    picked = np.array(rows, dtype=np.int64)
    assert np.array_equal(duals.scores(sharpness, cosines[picked]), duals.scores(sharpness, cosines)[picked])
