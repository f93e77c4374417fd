"""A vector of a layout adds up as the statistics do, at every level, and gives them back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.federation_secure.session import SPACE, Session, agreed, names

from protomem.codes import quantize
from protomem.commitment import Commitment, content
from protomem.errors import InvalidInput, InvalidLabel
from protomem.federation.levels import LEVELS, Level
from protomem.federation.secure_layout import Layout
from protomem.federation.sums import Sums
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

PLACE = Space(SPACE)
LABELS = ("a", "b", "ç", "名")


def drawn(seed: int, count: int, labels: tuple[str, ...] = LABELS) -> tuple[Statistics, Commitment]:
    """The sums of random examples, some with two labels, and the commitment to them."""
    dice = np.random.default_rng(seed)
    codes = quantize(dice.normal(size=(count, SPACE.dimension)), PLACE.scale)
    chosen = [tuple(sorted(set(dice.choice(labels, size=1 + row % 2).tolist()))) for row in range(count)]
    commitment = Commitment()
    commitment.add(content(row.tobytes(), some) for row, some in zip(codes, chosen, strict=True))
    return Statistics.of(PLACE, codes, chosen), commitment


def lanes_sum(commitments: list[Commitment]) -> list[int]:
    return [sum(map(int, lanes)) % 2**16 for lanes in zip(*(one.lanes() for one in commitments), strict=True)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, 2**32))
def test_full_vectors_add_up_to_the_sums_of_all(counts: list[int], seed: int) -> None:
    layout = Layout(SPACE, "full", LABELS)
    parts = [drawn(seed + number, count) for number, count in enumerate(counts)]
    vectors = [layout.words(Sums.of(*part, "full")) for part in parts]
    total = layout.sums(sum(vectors, np.zeros(layout.length, dtype=np.uint64)))
    plain = Statistics(PLACE)
    for part, _ in parts:
        plain += part
    assert total.statistics().digest() == plain.digest()
    assert total.commitment().lanes().tolist() == lanes_sum([one for _, one in parts])


def test_a_difference_with_negative_sums_survives_the_secure_sum() -> None:
    """One client forgot more than it learned since its last contribution."""
    layout = Layout(SPACE, "full", LABELS)
    (more, all_of_it), (less, none) = drawn(0, 8), (-drawn(1, 5)[0], Commitment())
    parts = [Sums.of(more, all_of_it, "full"), Sums.of(less, none, "full")]
    vectors = dict(zip(names(2), [layout.words(part) for part in parts], strict=True))
    total = layout.sums(Session(agreed(2, 2, layout), layout).play(vectors, {}))
    assert total.statistics() == more + less
    assert total.commitment().hex() == all_of_it.hex()


@pytest.mark.parametrize("level", LEVELS)
def test_a_vector_gives_back_its_sums_without_the_labels_that_nobody_had(level: Level) -> None:
    layout = Layout(SPACE, level, LABELS)
    given = Sums.of(*drawn(3, 9, LABELS[1:]), level)
    got = layout.sums(layout.words(given))
    assert (got.level, got.count, got.names) == (level, 9, LABELS[1:])
    assert got.digest() == given.digest()


@pytest.mark.parametrize(
    ("level", "length"),
    [
        ("prototypes", 1 + 2 * (1 + 6)),
        ("codebooks", 1 + 2 * (1 + 6 + 2 * 3)),
        ("full", 1 + 2 * (1 + 6 + 5 + 2 * 3 + 2 + 2 * 6) + 5 * 6 // 2 + 1_024),
    ],
)
def test_the_length_counted_by_hand(level: Level, length: int) -> None:
    """d = 6, D = 5, 2 books of 3 keys, 2 modes, two labels."""
    layout = Layout(SPACE, level, ("a", "b"))
    assert layout.length == length
    assert layout.words(Sums.of(*drawn(0, 3, ("a", "b")), level)).shape == (length,)


def test_a_total_tells_no_more_of_the_lanes_than_their_sum_modulo_65536() -> None:
    layout = Layout(SPACE, "full", LABELS)
    words = layout.words(Sums.of(*drawn(0, 2), "full"))[-1_024:]
    assert not (words & np.uint64(2**48 - 1)).any()


def test_layouts_that_differ_have_different_digests() -> None:
    layouts = [Layout(SPACE, level, LABELS) for level in LEVELS]
    layouts += [Layout(SPACE, "full", LABELS[:2]), Layout(SpaceSettings(6, "another encoder"), "full", LABELS)]
    assert len({layout.digest() for layout in layouts}) == len(layouts)


@pytest.mark.parametrize("labels", [(), ("b", "a"), ("a", "a")], ids=["none", "unsorted", "twice"])
def test_labels_are_sorted_and_distinct(labels: tuple[str, ...]) -> None:
    with pytest.raises(InvalidLabel, match="an agreed list of labels is needed, sorted and distinct"):
        Layout(SPACE, "full", labels)


@pytest.mark.parametrize("label", ["", " ", "a\0b", "a" * 2_000, 3], ids=["empty", "blank", "NUL", "a text", "number"])
def test_what_no_memory_takes_for_a_label_cannot_be_agreed_on(label: str) -> None:
    """The total would not be merged."""
    with pytest.raises(InvalidLabel, match=r"an agreed label (is|has|holds)"):
        Layout(SPACE, "full", (label,))


def test_what_does_not_fit_the_layout_is_refused() -> None:
    layout = Layout(SPACE, "full", ("a", "b"))
    with pytest.raises(InvalidLabel, match=r"not among the agreed labels: 'ç', 2 in all"):
        layout.words(Sums.of(*drawn(0, 30), "full"))
    elsewhere = Statistics(Space(SpaceSettings(6, "another encoder", width=5)))
    for wrong in (Sums.of(elsewhere, Commitment(), "full"), Sums.of(*drawn(0, 3), "prototypes")):
        with pytest.raises(InvalidInput, match="of another space or level than agreed on"):
            layout.words(wrong)
    with pytest.raises(InvalidInput, match=f"this layout has {layout.length} words"):
        layout.sums(np.zeros(3, dtype=np.uint64))
    with pytest.raises(InvalidInput, match="level is 'features': it must be one of"):
        Layout(SPACE, "features", ("a",))  # type: ignore[arg-type]
