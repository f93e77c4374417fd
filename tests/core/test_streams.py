"""The stream played once more is what a stream that never held the forgotten would have given."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.drawing import SPACE, drawn_codes

import protomem
from protomem.codes import quantize
from protomem.space import Space, SpaceSettings
from protomem.store import Row
from protomem.streams import Arrival, Outcome, in_order, replay

DIMENSION = 6
LABELS = ("a", "b", "c")


def rows(seed: int, count: int) -> list[Row]:
    codes = drawn_codes(seed, count)
    return [Row(f"{place:03}", None, (LABELS[place % 3],), codes[place].tobytes()) for place in range(count)]


def opened(path: Path | None = None) -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(DIMENSION), width=24)


def in_stream_order(call: list[int], vectors: np.ndarray) -> list[int]:
    scale = Space(SpaceSettings(DIMENSION, "any")).scale
    return sorted(
        call, key=lambda row: hashlib.blake2b(quantize(vectors[[row]], scale).tobytes(), digest_size=16).digest()
    )


# ------------------------------------------------------------------------------------------------------------ the order


@given(st.integers(0, 1_000), st.lists(st.integers(1, 4), min_size=1, max_size=20))
def test_a_stream_is_ordered_by_call_and_then_by_hash(seed: int, sequences: list[int]) -> None:
    arrivals = [Arrival(row, came) for row, came in zip(rows(seed, len(sequences)), sequences, strict=True)]
    came = {one.row.id: one.sequence for one in arrivals}
    found = in_order(arrivals)
    assert in_order(arrivals[::-1]) == found
    keys = [(came[row.id], hashlib.blake2b(row.codes, digest_size=16).hexdigest()) for row in found]
    assert keys == sorted(keys)


# ----------------------------------------------------------------------------------------------------------- the replay


@pytest.mark.parametrize(("count", "windows"), [(30, 5), (31, 4), (7, 20), (2, 2)])
def test_every_example_after_the_first_part_is_asked_about_once(count: int, windows: int) -> None:
    told: list[tuple[int, int]] = []
    found = replay(SPACE, rows(5, count), windows, lambda done, total: told.append((done, total)))
    positions = [one.position for one in found]
    assert positions == list(range(positions[0], count))
    assert positions[0] == round(count / min(windows, count))
    assert told[-1] == (count, count)


def test_nothing_and_one_example_have_no_test() -> None:
    assert replay(SPACE, [], 5) == []
    assert replay(SPACE, rows(1, 1), 5) == []


def test_a_long_window_is_tested_in_evenly_spaced_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protomem.streams.MOST_TESTED", 4)
    found = replay(SPACE, rows(5, 40), 2)
    assert [one.position for one in found] == [20, 26, 33, 39]


def test_an_answer_is_that_of_a_memory_of_what_came_before() -> None:
    vectors = np.random.default_rng(11).normal(size=(45, DIMENSION))
    labels = [LABELS[row % 3] for row in range(45)]
    with opened() as memory:
        for start in range(0, 45, 9):
            memory.learn(vectors[start : start + 9], labels[start : start + 9])
        stream = memory.report(windows=5, false_alarm=None, costs=False).stream
    assert stream is not None
    for window, start in zip(stream.windows, range(9, 45, 9), strict=True):
        with opened() as before:
            before.learn(vectors[:start], labels[:start])
            answers = before.predict(vectors[start : start + 9])
        right = [answer.label == label for answer, label in zip(answers, labels[start:], strict=False)]
        assert (window.start, window.end, window.tested) == (start, start + 9, 9)
        assert window.accuracy == pytest.approx(np.mean(right))
        assert window.novelty == pytest.approx(np.mean([answer.novelty for answer in answers]))


def test_a_label_that_was_never_seen_is_new_and_wrong() -> None:
    some = rows(2, 20)
    stream = [*some, Row("new", None, ("d",), some[0].codes), Row("mixed", None, ("a", "d"), some[3].codes)]
    by_place = {one.position: one for one in replay(SPACE, stream, 11)}
    new, mixed = by_place[20], by_place[21]
    assert (new.is_known, new.is_right) == (False, False)
    assert mixed.is_known is False
    assert mixed.is_right == (mixed.answer == "a")
    assert all(by_place[place].is_known for place in range(4, 20))


@given(st.integers(0, 1_000), st.integers(2, 24), st.integers(2, 6))
@settings(max_examples=15)
def test_a_replay_is_a_function_of_the_stream(seed: int, count: int, windows: int) -> None:
    first: list[Outcome] = replay(SPACE, rows(seed, count), windows)
    assert replay(SPACE, rows(seed, count), windows) == first


# ------------------------------------------------------------------------------------------------------ laws 1 and 5

CALLS = st.lists(st.lists(st.integers(0, 29), min_size=1, max_size=6, unique=True), min_size=1, max_size=5)


@given(CALLS, st.sets(st.integers(0, 29)))
@settings(max_examples=12)
def test_a_report_after_forgetting_is_that_of_a_memory_that_never_saw_it(
    calls: list[list[int]], gone: set[int]
) -> None:
    vectors = np.random.default_rng(4).normal(size=(30, DIMENSION))
    seen: set[int] = set()
    with opened() as memory, opened() as fresh:
        for call in calls:
            new = [row for row in call if row not in seen]
            seen.update(new)
            teach(memory, vectors, new)
            teach(fresh, vectors, [row for row in new if row not in gone])
        if forgotten := sorted(seen & gone):
            memory.forget(ids=[f"{row}" for row in forgotten])
        assert memory.report(windows=3, false_alarm=None) == fresh.report(windows=3, false_alarm=None)


def teach(memory: protomem.Memory, vectors: np.ndarray, picked: list[int]) -> None:
    if picked:
        memory.learn(vectors[picked], [LABELS[row % 3] for row in picked], ids=[f"{row}" for row in picked])


def test_a_report_survives_reopening_and_a_purge(tmp_path: Path) -> None:
    vectors, path = np.random.default_rng(8).normal(size=(30, DIMENSION)), tmp_path / "m.duckdb"
    with opened(path) as memory:
        for start in range(0, 30, 6):
            teach(memory, vectors, list(range(start, start + 6)))
        memory.forget(ids=["3", "20"])
        before = memory.report(false_alarm=None)
    with protomem.open(path) as memory:
        assert memory.report(false_alarm=None) == before
        memory.purge()
        assert memory.report(false_alarm=None) == before


def test_the_order_of_calls_is_the_order_of_the_stream() -> None:
    vectors = np.random.default_rng(8).normal(size=(12, DIMENSION))
    with opened() as memory:
        teach(memory, vectors, [5, 1])
        teach(memory, vectors, [0, 9, 3])
        with memory._shared.kept() as kept:
            stream = kept.inventory().stream
    assert stream is not None
    assert [row.id for row in stream] == [
        f"{row}" for call in ([5, 1], [0, 9, 3]) for row in in_stream_order(call, vectors)
    ]
