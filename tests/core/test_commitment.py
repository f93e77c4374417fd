"""The commitment names a multiset of examples, whatever their order and history."""

from __future__ import annotations

import hashlib
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.oracle import Oracle, lanes, oracle_space

from protomem.commitment import Commitment, content

CONTENTS = st.lists(st.binary(max_size=8), max_size=8)


def committed(contents: list[bytes]) -> str:
    commitment = Commitment()
    commitment.add(contents)
    return commitment.hex()


def test_the_empty_multiset_is_2048_zero_bytes_hashed() -> None:
    assert Commitment().hex() == hashlib.sha256(bytes(2_048)).hexdigest()


@given(CONTENTS)
def test_the_state_is_the_sum_of_shake_256_lanes(contents: list[bytes]) -> None:
    """The definition of LtHash with 1,024 lanes of 16 bits, by Python integers."""
    state = [0] * 1_024
    for one in contents:
        stream = hashlib.shake_256(one).digest(2_048)
        for lane in range(1_024):
            state[lane] = (state[lane] + int.from_bytes(stream[2 * lane : 2 * lane + 2], "little")) % 2**16
    assert committed(contents) == hashlib.sha256(b"".join(lane.to_bytes(2, "little") for lane in state)).hexdigest()


@given(CONTENTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(contents: list[bytes], dice: random.Random) -> None:
    shuffled = dice.sample(contents, len(contents))
    assert committed(shuffled) == committed(contents)


@given(CONTENTS, CONTENTS)
def test_subtracting_undoes_adding(some: list[bytes], other: list[bytes]) -> None:
    commitment = Commitment()
    commitment.subtract(other)  # also before they are added: the group has negatives
    commitment.add(some)
    commitment.add(other)
    assert commitment.hex() == committed(some)


@given(CONTENTS, CONTENTS)
def test_multisets_differ_exactly_where_their_commitments_do(some: list[bytes], other: list[bytes]) -> None:
    assert (sorted(some) == sorted(other)) == (committed(some) == committed(other))


@given(CONTENTS, CONTENTS)
def test_a_copy_goes_its_own_way(some: list[bytes], other: list[bytes]) -> None:
    commitment = Commitment()
    commitment.add(some)
    copy = commitment.copy()
    commitment.add(other)
    assert copy.hex() == committed(some)
    assert commitment.hex() == committed([*some, *other])


def test_how_often_an_example_is_remembered_counts() -> None:
    assert len({committed([b"x"] * times) for times in range(5)}) == 5


LABELS = st.lists(st.text(max_size=4), max_size=3).map(tuple)


@given(st.binary(max_size=6), LABELS, st.binary(max_size=6), LABELS)
def test_contents_are_equal_exactly_where_codes_and_labels_are(
    codes: bytes, labels: tuple[str, ...], other_codes: bytes, other_labels: tuple[str, ...]
) -> None:
    same = (codes, labels) == (other_codes, other_labels)
    assert (content(codes, labels) == content(other_codes, other_labels)) == same


def test_a_content_cannot_be_read_in_two_ways() -> None:
    split = [(b"ab", ("c",)), (b"a", ("bc",)), (b"a", ("b", "c")), (b"abc", ()), (b"", ("abc",)), (b"", ("ab", "c"))]
    assert len({content(*one) for one in split}) == len(split)


def test_the_commitment_of_examples_equals_the_oracles() -> None:
    examples = {"1": ((5, -7, 0), ("a", "é"), None), "2": ((5, -7, 0), ("a", "é"), "x"), "3": ((1, 1, 1), ("b",), None)}
    contents = [content(np.array(codes, np.int8).tobytes(), labels) for codes, labels, _ in examples.values()]
    assert committed(contents) == Oracle(oracle_space(3, 1), dict(examples)).commitment()
    assert len(lanes((1, 1, 1), ("b",))) == 1_024
