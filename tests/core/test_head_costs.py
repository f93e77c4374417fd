"""Bytes are those of the arrays, each once; what a head gives is measured on examples it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import pytest
from tests.core.drawing import SPACE, drawn_codes

from protomem.head_costs import bytes_of, head_costs
from protomem.panels import EVEN, FEW
from protomem.predicting import Predictor
from protomem.state import State
from protomem.store import Row


@dataclass
class Held:
    """Something of ours that holds things."""

    things: Any


Held.__module__ = "protomem.tests"


def test_each_array_is_counted_once_wherever_it_is_held() -> None:
    array = np.zeros((10, 3))
    assert bytes_of([array]) == 240
    assert bytes_of([array, array, {"a": array}, [array], Held((array, None))]) == 240
    assert bytes_of([Held({"a": np.zeros(4), "b": [np.zeros(2, np.int8)]})]) == 34


def test_a_view_holds_the_whole_of_its_array() -> None:
    array = np.zeros(100)
    assert bytes_of([array[:10], array[50:]]) == 800


def test_what_others_hold_is_not_counted() -> None:
    shared, own = np.zeros(100), np.zeros(5)
    other = Held(shared)
    assert bytes_of([Held((shared, own))], but=[shared]) == 40
    assert bytes_of([Held((other, own))], itself=[other]) == 40
    assert bytes_of([other], itself=[]) == 800


def test_an_index_is_its_vectors() -> None:
    flat = faiss.IndexFlatIP(6)
    flat.add(np.zeros((7, 6), np.float32))
    small = faiss.IndexScalarQuantizer(6, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT)
    small.add(np.zeros((7, 6), np.float32))
    assert bytes_of([flat, small]) == 7 * 6 * 4 + 7 * 6


def test_strange_objects_are_not_looked_into() -> None:
    class Strange:
        held = np.zeros(10)

    assert bytes_of([Strange(), "text", 3, None]) == 0


# ----------------------------------------------------------------------------------------------------------- the heads


def rows(count: int) -> list[Row]:
    codes = drawn_codes(3, count)
    return [Row(f"{place:03}", None, ("abc"[place % 3],), codes[place].tobytes()) for place in range(count)]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a large memory."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: EVEN)


@pytest.mark.usefixtures("many")
def test_every_head_is_named_and_those_that_vote_are_missed() -> None:
    found = head_costs(SPACE, rows(60))
    by_name = {head.name: head for head in found.heads}
    assert set(EVEN) <= set(by_name)
    assert found.left_out == 12
    assert found.examples == 60 * (12 + 16)  # codes of 12 bytes and hashes of 16
    assert by_name["neighbours"].bytes == 60 * (12 + 8)  # the codes again in FAISS, and a length each
    assert by_name["analytic"].bytes == 40 * 3 * 8
    assert all(head.alone is not None and 0 <= head.alone <= 1 for head in found.heads)
    assert {head.name for head in found.heads if head.lost is not None} == set(EVEN)


def test_what_is_always_there_is_counted_where_it_does_not_vote() -> None:
    heads = [head.name for head in head_costs(SPACE, rows(60)).heads]
    assert heads == [*FEW, "prototypes", "codebooks", "neighbours"]


@pytest.mark.usefixtures("many")
def test_what_a_head_gives_is_counted_on_the_left_out_by_the_heads_of_the_rest() -> None:
    given = rows(60)
    state = State.of(SPACE, given)
    picked = state.examples.sample(12)
    out = {group.ids[place] for group, place in map(state.examples.locate, picked.tolist())}
    rest = Predictor.of(State.of(SPACE, [row for row in given if row.id not in out]), None).ensemble
    asked = [row for row in given if row.id in out]
    codes = np.frombuffer(b"".join(row.codes for row in asked), np.int8).reshape(-1, 12)
    scores = rest.head_scores(codes)

    def right(parts: list[np.ndarray]) -> float:
        hits = [
            rest.names[np.argmax(sum(part[place] for part in parts))] in row.labels for place, row in enumerate(asked)
        ]
        return sum(hits) / len(hits)

    found = head_costs(SPACE, given)
    weighted = {name: weight * scores[name] for name, weight in EVEN.items()}
    assert found.together == pytest.approx(right(list(weighted.values())))
    for head in found.heads:
        assert head.alone == pytest.approx(right([scores[head.name]]))
        if head.name in weighted:
            without = right([part for name, part in weighted.items() if name != head.name])
            assert head.lost == pytest.approx(found.together - without)


def test_the_costs_are_a_function_of_the_examples() -> None:
    given = rows(40)
    assert head_costs(SPACE, given) == head_costs(SPACE, given[::-1])


@pytest.mark.parametrize("count", [1, 4])
def test_few_examples_are_not_left_out(count: int) -> None:
    found = head_costs(SPACE, rows(count))
    assert (found.left_out, found.together) == (0, None)
    assert all(head.alone is None and head.lost is None for head in found.heads)


def test_an_only_example_of_its_label_is_not_asked_about() -> None:
    single = [Row(row.id, None, (row.id,), row.codes) for row in rows(10)]
    assert head_costs(SPACE, single).left_out == 0
