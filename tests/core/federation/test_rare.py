"""What is held back before it is shared: whatever is left, no label of it has fewer examples than asked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.codes import quantize
from protomem.commitment import Commitment
from protomem.federation.levels import Level
from protomem.federation.rare import common_rows, without_rare
from protomem.federation.sums import Sums
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

SPACE = Space(SpaceSettings(5, "an encoder", width=7, books=3, keys=8, modes=4))

label_sets = st.lists(st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3).map(lambda some: tuple(sorted(some))))


@given(label_sets, st.integers(1, 5))
def test_no_label_that_is_left_is_rare_and_nothing_else_is_held_back(labels: list[tuple[str, ...]], least: int) -> None:
    """The largest such set: found here by taking one example away at a time, until none has to go."""
    left = list(range(len(labels)))
    while rare := [
        row for row in left if any(sum(one in labels[other] for other in left) < least for one in labels[row])
    ]:
        left.remove(rare[0])
    assert common_rows(labels, least) == left


def test_an_example_of_a_rare_label_takes_its_other_labels_along() -> None:
    labels = [("a",), ("a",), ("a", "b"), ("b",), ("b", "c")]
    assert common_rows(labels, 2) == [0, 1, 2, 3]
    assert common_rows(labels, 3) == []


def sums(labels: list[tuple[str, ...]], level: Level) -> Sums:
    codes = quantize(np.random.default_rng(len(labels)).normal(size=(len(labels), 5)), SPACE.scale)
    return Sums.of(Statistics.of(SPACE, codes, labels), Commitment(), level)


@pytest.mark.parametrize("level", ["prototypes", "codebooks"])
def test_sums_alone_lose_their_rare_labels_where_each_example_has_one(level: Level) -> None:
    labels = [("a",), ("b",), ("a",), ("c",), ("a",), ("b",)]
    left = without_rare(sums(labels, level), 2)
    assert dict(zip(left.names, left.counts.tolist(), strict=True)) == {"a": 3, "b": 2}
    assert left.count == 5
    assert (sums(labels, level) - left).names == ("c",)
    assert Counter(left.names) == Counter(set(left.names))


@pytest.mark.parametrize(("labels", "level"), [([("a",), ("b",)], "full"), ([("a", "b"), ("a",)], "prototypes")])
def test_sums_that_cannot_tell_are_not_shared(labels: list[tuple[str, ...]], level: Level) -> None:
    with pytest.raises(protomem.InvalidInput, match="fewer than min_count=2 examples, and without kept examples"):
        without_rare(sums(labels, level), 2)
    assert without_rare(sums(labels, level), 1).count == 2
