"""Remembered examples stand in an order that only depends on what they are."""

from __future__ import annotations

import hashlib
import random
import string
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protomem.examples import Examples, hash_codes

DIMENSION = 3

Row = tuple[str, tuple[int, ...], tuple[str, ...]]

CODES = st.tuples(*[st.integers(-2, 2)] * DIMENSION)
LABEL_SETS = st.sampled_from([("a",), ("b",), ("a", "b"), ("a", "c"), ("ç",), ("ab",)])
ROWS = st.lists(
    st.tuples(st.text(string.ascii_letters + "é9", min_size=1, max_size=3), CODES, LABEL_SETS),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row[0],
)


def codes_of(rows: list[Row]) -> np.ndarray:
    return np.array([codes for _, codes, _ in rows], dtype=np.int8).reshape(-1, DIMENSION)


def add(examples: Examples, rows: list[Row]) -> Examples:
    return examples.with_rows([id for id, *_ in rows], codes_of(rows), [labels for *_, labels in rows])


def remove(examples: Examples, rows: list[Row]) -> Examples:
    return examples.without([id for id, *_ in rows], [labels for *_, labels in rows])


def place(row: Row) -> tuple[tuple[str, ...], int, int, str]:
    """Labels, BLAKE2b of the codes read as two little-endian numbers, id."""
    id, codes, labels = row
    digest = hashlib.blake2b(np.array(codes, np.int8).tobytes(), digest_size=16).digest()
    return labels, int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"), id


def canonical(rows: list[Row]) -> list[Row]:
    """By Python's own sorting."""
    return sorted(rows, key=place)


def listed(examples: Examples) -> list[Row]:
    found = []
    for row in range(len(examples)):
        group, place = examples.locate(row)
        assert np.array_equal(group.codes[place], examples.codes[row])
        found.append((group.ids[place], tuple(examples.codes[row].tolist()), group.labels))
    return found


def ids_at(examples: Examples, rows: np.ndarray) -> set[str]:
    return {group.ids[place] for group, place in map(examples.locate, rows.tolist())}


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_history(rows: list[Row], dice: random.Random) -> None:
    """Rows come in random batches and some go and come again; at the end the order is that of a plain sort."""
    examples, here = Examples(DIMENSION), []
    for _ in range(dice.randint(0, 6)):
        away = [row for row in rows if row not in here]
        come = dice.sample(away, dice.randint(0, len(away)))
        examples, here = add(examples, come), [*here, *come]
        gone = dice.sample(here, dice.randint(0, len(here)))
        examples, here = remove(examples, gone), [row for row in here if row not in gone]
        assert listed(examples) == canonical(here)
    examples = add(examples, [row for row in rows if row not in here])
    assert listed(examples) == canonical(rows)


@given(ROWS)
def test_everything_else_follows_that_order(rows: list[Row]) -> None:
    examples, order = add(Examples(DIMENSION), rows), canonical(rows)
    names = sorted({label for *_, labels in rows for label in labels})
    positions = np.arange(len(order))
    assert examples.names == tuple(names)
    assert examples.codes.tolist() == [list(codes) for _, codes, _ in order]
    assert examples.label_matrix(positions).tolist() == [[name in labels for name in names] for *_, labels in order]
    for name in names:
        assert examples.rows_of(name).tolist() == [row for row in positions if name in order[row][2]]
        grouped = [id for group in examples.groups_of(name) for id in group.ids]
        assert grouped == [id for id, _, labels in order if name in labels]
        assert examples.count_of(name) == len(grouped)
    carried = [
        (label, row) for row, (*_, labels) in enumerate(order) for label, name in enumerate(names) if name in labels
    ]
    labels, held = np.array(carried, dtype=np.int64).reshape(-1, 2).T
    expected = [sum(names[label] in order[before][2] for before in range(row)) for label, row in carried]
    assert examples.places(labels, held).tolist() == expected
    for one, other in pairwise(names):
        grouped = [id for group in examples.groups_of(other, one) for id in group.ids]
        assert grouped == [id for id, _, labels in order if {one, other} & set(labels)]
    assert (
        examples.codes_of([id for id, *_ in rows], [labels for *_, labels in rows]).tolist() == codes_of(rows).tolist()
    )


@given(ROWS, st.data())
def test_a_change_leaves_the_old_picture_and_untouched_groups_alone(rows: list[Row], data: st.DataObject) -> None:
    before = add(Examples(DIMENSION), rows)
    gone = data.draw(st.lists(st.sampled_from(rows), unique=True))
    after = remove(before, gone)
    assert listed(before) == canonical(rows)
    touched = {labels for *_, labels in gone}
    for labels, group in after.groups.items():
        assert (group is before.groups[labels]) == (labels not in touched)
        assert not group.codes.flags.writeable


@given(ROWS, st.integers(1, 30))
def test_the_sample_is_that_of_the_smallest_hashes(rows: list[Row], size: int) -> None:
    """Compared as numbers: the first eight bytes, then the last eight."""
    examples, order = add(Examples(DIMENSION), rows), canonical(rows)
    sample = examples.sample(size)
    assert sample.tolist() == sorted(sample.tolist())
    assert len(sample) == min(size, len(rows))
    hashes = [place(row)[1:3] for row in order]
    inside = [hashes[row] for row in sample]
    outside = [hashes[row] for row in range(len(order)) if row not in sample]
    assert not outside or max(inside) <= min(outside)


@given(ROWS, st.data())
def test_the_sample_does_not_change_when_others_are_forgotten(rows: list[Row], data: st.DataObject) -> None:
    examples = add(Examples(DIMENSION), rows)
    size = data.draw(st.integers(1, len(rows)))
    kept = ids_at(examples, examples.sample(size))
    outside = [row for row in rows if row[0] not in kept]
    left = remove(examples, outside[::2])
    assert ids_at(left, left.sample(size)) == kept


def test_nothing_remembered_is_an_empty_picture() -> None:
    examples = Examples(DIMENSION)
    assert (len(examples), examples.names, examples.codes.shape) == (0, (), (0, DIMENSION))
    row = ("id", (1, 2, 3), ("a",))
    assert remove(add(examples, [row]), [row]).groups == {}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_hashes_are_blake2b_of_the_codes(count: int) -> None:
    codes = np.random.default_rng(0).integers(-127, 128, size=(count, 7)).astype(np.int8)
    expected = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in codes]
    assert hash_codes(codes).astype("<u8").tobytes() == b"".join(expected)
