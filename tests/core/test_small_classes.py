"""The subspaces of small classes, scored together: those of each class by itself, with the same bits in any batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.drawing import drawn_codes

from protomem.classwise import class_subspaces
from protomem.codes import code_lengths
from protomem.examples import Examples
from protomem.small_classes import SMALL, SmallClasses

pytestmark = pytest.mark.usefixtures("one_thread")

COUNT = 12
"""Items that are asked about."""

sizes = st.lists(st.integers(1, SMALL + 8), min_size=1, max_size=9)


class Asked:
    """Classes of these sizes, items, and what their subspaces say when asked together."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        labels = [(f"label {label}",) for label, size in enumerate(sizes) for _ in range(size)]
        codes = drawn_codes(seed, len(labels))
        self.examples = Examples(codes.shape[1]).with_rows([f"{row:04}" for row in range(len(codes))], codes, labels)
        self.items = drawn_codes(seed + 1, COUNT)
        subspaces = class_subspaces(self.examples, {})
        names = self.examples.names
        self.small = SmallClasses.of([subspaces[one] for one in names], [self.examples.rows_of(one) for one in names])

    def scores(self, items: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Of these items by the classes at these places; only they are in the batch."""
        left, every = self.items[items].astype(np.float32), self.examples.codes.astype(np.float32)
        return self.small.scores(left @ every.T, code_lengths(left), code_lengths(every), np.arange(len(items)), places)

    def expected(self, item: int, label: str) -> float:
        """-log(1 + γ - kᵀ(K + γI)⁻¹k) with κ = ((1 + cos) / 2)² and γ = 0.1, by numpy's general solver."""
        rows = self.examples.codes[self.examples.rows_of(label)].astype(float)
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        one = self.items[item] / np.linalg.norm(self.items[item].astype(float))
        kernel, across = ((1 + rows @ rows.T) / 2) ** 2, ((1 + rows @ one) / 2) ** 2
        return float(-np.log(1.1 - across @ np.linalg.solve(kernel + 0.1 * np.eye(len(rows)), across)))


@given(sizes=sizes, seed=st.integers(0, 99))
def test_scores_are_their_formula_and_large_classes_are_left_out(sizes: list[int], seed: int) -> None:
    asked = Asked(sizes, seed)
    names = asked.examples.names
    assert [place >= 0 for place in asked.small.place] == [asked.examples.count_of(name) <= SMALL for name in names]
    for name, place in zip(names, asked.small.place.tolist(), strict=True):
        if place >= 0:
            expected = [asked.expected(item, name) for item in range(COUNT)]
            assert np.allclose(asked.scores(np.arange(COUNT), np.full(COUNT, place)), expected, rtol=1e-9, atol=1e-9)


@given(sizes=sizes, seed=st.integers(0, 99), data=st.data())
def test_a_score_has_the_same_bits_in_every_batch(sizes: list[int], seed: int, data: st.DataObject) -> None:
    asked = Asked(sizes, seed)
    count = int((asked.small.place >= 0).sum())
    pairs = st.tuples(st.integers(0, COUNT - 1), st.integers(0, max(0, count - 1)))
    drawn = np.array(data.draw(st.lists(pairs, max_size=20 if count else 0)), dtype=np.int64).reshape(-1, 2)
    alone = [asked.scores(pair[:1], pair[1:])[0] for pair in drawn]
    assert asked.scores(drawn[:, 0], drawn[:, 1]).tolist() == alone
