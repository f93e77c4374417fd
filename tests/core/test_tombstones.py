"""A forgotten id does not come back unasked, and a request that comes again is the same request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import protomem

ROWS = [[1.0, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.1, 1.0]]
IDS, LABELS = ["one", "two", "three"], ["a", "b", "b"]

Reopened = Callable[[protomem.Memory], protomem.Memory]


@pytest.fixture(params=["ram", "duckdb"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[protomem.Memory]:
    path = tmp_path / "m.duckdb" if request.param == "duckdb" else None
    with protomem.open(path, encoder=protomem.Vectors(3), width=16) as opened:
        opened.learn(ROWS, LABELS, ids=IDS)
        yield opened


def ids(memory: protomem.Memory) -> list[str]:
    return [one.id for one in memory.examples()]


# ----------------------------------------------------------------------------------------------------------- tombstones


def test_a_forgotten_id_is_refused_and_nothing_is_learned(memory: protomem.Memory) -> None:
    memory.forget(ids=["two"])
    digest, receipts = memory.digest(), memory.receipts()
    with pytest.raises(protomem.Forgotten, match=r"forgotten before: 'two'; nothing was learned: .* relearn=True"):
        memory.learn([[1.0, 1.0, 1.0], ROWS[1]], ["c", "b"], ids=["new", "two"])
    assert (memory.digest(), memory.receipts(), ids(memory)) == (digest, receipts, ["one", "three"])


def test_a_forgotten_id_may_be_taught_anew_on_purpose(memory: protomem.Memory) -> None:
    before = memory.digest()
    memory.forget(ids=["two"])
    receipt = memory.learn(ROWS[1:2], ["b"], ids=["two"], relearn=True)
    assert (receipt.count, receipt.ids) == (1, ("two",))
    assert memory.digest() == before
    memory.learn(ROWS[1:2], ["b"], ids=["two"])  # remembered: no tombstone is in the way


def test_an_id_taught_anew_and_forgotten_again_is_refused_again(memory: protomem.Memory) -> None:
    for _ in range(3):
        memory.forget(ids=["two"])
        with pytest.raises(protomem.Forgotten, match="forgotten before: 'two'"):
            memory.learn(ROWS[1:2], ["b"], ids=["two"])
        memory.learn(ROWS[1:2], ["b"], ids=["two"], relearn=True)


@pytest.mark.parametrize("how", [{"subject": "ann"}, {"label": "c"}, {"ids": ["four", "five"]}])
def test_every_way_of_forgetting_buries(memory: protomem.Memory, how: dict[str, object]) -> None:
    memory.learn(ROWS[:2], ["c", "c"], ids=["four", "five"], subjects=["ann", "ann"])
    memory.forget(**how)  # type: ignore[arg-type]
    for id in ("four", "five"):
        with pytest.raises(protomem.Forgotten, match=f"forgotten before: '{id}'"):
            memory.learn(ROWS[:1], ["c"], ids=[id])


def test_tombstones_survive_reopening_and_purging(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with protomem.open(path, encoder=protomem.Vectors(3), width=16) as memory:
        memory.learn(ROWS, LABELS, ids=IDS)
        memory.forget(ids=["two"], purge=True)
    with protomem.open(path) as memory, pytest.raises(protomem.Forgotten, match="forgotten before: 'two'"):
        memory.learn(ROWS[1:2], ["b"], ids=["two"])


def test_an_example_without_an_id_of_its_own_is_never_refused(memory: protomem.Memory) -> None:
    receipt = memory.learn(ROWS, LABELS)
    memory.forget(ids=receipt.ids)
    assert memory.learn(ROWS, LABELS).count == 3


# ---------------------------------------------------------------------------------------------------------- idempotency


def test_a_request_that_comes_again_changes_nothing_and_gets_the_first_receipt(memory: protomem.Memory) -> None:
    first = memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k")
    digest, receipts = memory.digest(), memory.receipts()
    assert memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k") == first
    assert (memory.digest(), memory.receipts()) == (digest, receipts)


def test_a_request_without_ids_gets_the_same_ids_again(memory: protomem.Memory) -> None:
    first = memory.learn(ROWS, LABELS, idempotency_key="k")
    assert memory.learn(ROWS, LABELS, idempotency_key="k") == first
    assert len(set(first.ids)) == 3
    assert len(memory) == 6
    assert set(memory.learn(ROWS, LABELS, idempotency_key="another").ids).isdisjoint(first.ids)


def test_what_was_unchanged_the_first_time_is_so_again(memory: protomem.Memory) -> None:
    wanted = [*ROWS, [1.0, 1.0, 1.0]]
    first = memory.learn(wanted, [*LABELS, "c"], ids=[*IDS, "four"], idempotency_key="k")
    assert (first.ids, first.unchanged) == (("four",), ("one", "two", "three"))
    assert memory.learn(wanted, [*LABELS, "c"], ids=[*IDS, "four"], idempotency_key="k") == first


def test_forgetting_may_be_asked_again_too(memory: protomem.Memory) -> None:
    first = memory.forget(ids=["two"], idempotency_key="k")
    again = memory.forget(ids=["two"], idempotency_key="k")
    assert again == first
    by_label = memory.forget(label="b", idempotency_key="l")
    assert memory.forget(label="b", idempotency_key="l").without_ids() == by_label.without_ids()
    assert ids(memory) == ["one"]


def test_a_learning_asked_again_after_it_was_forgotten_brings_nothing_back(memory: protomem.Memory) -> None:
    first = memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k")
    memory.forget(ids=["four"])
    assert memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k") == first
    assert ids(memory) == sorted(IDS)


def test_a_key_that_came_with_another_request_is_refused(memory: protomem.Memory) -> None:
    memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k")
    for other in (
        lambda: memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["five"], idempotency_key="k"),
        lambda: memory.learn([[1.0, 1.0, 1.0]], ["c"], idempotency_key="k"),
        lambda: memory.forget(ids=["four"], idempotency_key="k"),
        lambda: memory.forget(label="c", idempotency_key="k"),
    ):
        with pytest.raises(protomem.RequestConflict, match=r"this idempotency key came before, at .* use a new key"):
            other()
    assert ids(memory) == sorted([*IDS, "four"])


def test_the_same_key_with_other_content_for_the_same_id_is_refused(memory: protomem.Memory) -> None:
    memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k")
    with pytest.raises(protomem.RequestConflict, match="this idempotency key came before"):
        memory.learn([[1.0, 1.0, 1.0]], ["d"], ids=["four"], idempotency_key="k")
    with pytest.raises(protomem.RequestConflict, match="this idempotency key came before"):
        memory.learn([[-1.0, 1.0, 1.0]], ["c"], ids=["four"], idempotency_key="k")


def test_a_request_is_known_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with protomem.open(path, encoder=protomem.Vectors(3), width=16) as memory:
        first = memory.learn(ROWS, LABELS, idempotency_key="k")
    with protomem.open(path) as memory:
        assert memory.learn(ROWS, LABELS, idempotency_key="k") == first
        assert len(memory) == 3


@pytest.mark.parametrize("key", ["", " ", 5, "a" * 2_000])
def test_what_is_no_idempotency_key_is_refused(memory: protomem.Memory, key: object) -> None:
    for call in (
        lambda: memory.learn(ROWS, LABELS, idempotency_key=key),  # type: ignore[arg-type]
        lambda: memory.forget(ids=["one"], idempotency_key=key),  # type: ignore[arg-type]
    ):
        with pytest.raises(protomem.InvalidId, match="idempotency_key"):
            call()
    assert ids(memory) == sorted(IDS)


# ---------------------------------------------------------------------------------------------------------------- purge


def test_a_purge_names_all_that_was_forgotten_since_the_one_before(memory: protomem.Memory) -> None:
    memory.forget(ids=["one"])
    first = memory.purge()
    memory.forget(ids=["two", "three"])
    second = memory.purge()
    assert first.id_hashes == (memory.id_hash("one"),)
    assert set(second.id_hashes) == {memory.id_hash("two"), memory.id_hash("three")}
    assert memory.purge().count == 0


def test_a_purge_changes_nothing_that_is_remembered(memory: protomem.Memory) -> None:
    memory.forget(ids=["two"])
    digest, answers = memory.digest(), memory.predict(ROWS)
    seen: list[tuple[int, int]] = []
    receipt = memory.purge(lambda done, total: seen.append((done, total)))
    assert receipt.before == receipt.after
    assert (memory.digest(), memory.predict(ROWS), ids(memory)) == (digest, answers, ["one", "three"])
    assert seen[-1] == (2, 2)
    assert memory.verify().ok
    assert memory.learn([[1.0, 1.0, 1.0]], ["c"], ids=["four"]).count == 1
