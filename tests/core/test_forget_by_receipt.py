"""Where examples are kept, a receipt of learning names them well enough to forget them."""

from __future__ import annotations

from dataclasses import replace

import pytest

import protomem

ROWS, LABELS, IDS = [[1.0, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.1, 1.0]], ["a", "b", "b"], ["one", "two", "three"]


@pytest.fixture
def memory() -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(3), width=16)


def test_a_receipt_forgets_what_it_taught(memory: protomem.Memory) -> None:
    first = memory.learn(ROWS[:1], LABELS[:1], ids=IDS[:1])
    before = memory.digest()
    second = memory.learn(ROWS[1:], LABELS[1:])
    assert memory.forget(receipt=second).ids == second.ids
    assert memory.digest() == before
    memory.forget(receipt=first.to_json())
    assert len(memory) == 0


def test_what_was_unchanged_stays(memory: protomem.Memory) -> None:
    memory.learn(ROWS[:1], LABELS[:1], ids=IDS[:1])
    second = memory.learn(ROWS, LABELS, ids=IDS)
    memory.forget(receipt=second)
    assert [one.id for one in memory.examples()] == ["one"]


def test_a_receipt_works_once(memory: protomem.Memory) -> None:
    receipt = memory.learn(ROWS, LABELS, ids=IDS)
    memory.forget(ids=["two"])
    with pytest.raises(protomem.NotRemembered, match="1 of the 3 examples of this receipt are not remembered any more"):
        memory.forget(receipt=receipt)
    assert len(memory) == 2


def test_a_receipt_that_is_not_of_a_learning_here_is_refused(memory: protomem.Memory) -> None:
    receipt = memory.learn(ROWS, LABELS, ids=IDS)
    stranger = protomem.open(None, encoder=protomem.Vectors(3), width=16).learn(ROWS, LABELS, ids=IDS)
    forgotten = memory.forget(ids=["one"])
    for wrong in (
        stranger,
        stranger.to_json(),
        forgotten,
        memory.purge(),
        replace(receipt, id_hashes=receipt.id_hashes[1:], count=2),
        replace(receipt, signature="0" * 128),
    ):
        with pytest.raises(protomem.InvalidReceipt, match="is not one by which this memory learned"):
            memory.forget(receipt=wrong)
    assert len(memory) == 2


def test_a_receipt_of_nothing_new_is_refused(memory: protomem.Memory) -> None:
    memory.learn(ROWS, LABELS, ids=IDS)
    nothing = memory.learn(ROWS, LABELS, ids=IDS)
    with pytest.raises(protomem.InvalidReceipt, match="added nothing: there is nothing to forget"):
        memory.forget(receipt=nothing)


@pytest.mark.parametrize("wrong", [5, None, b"{}", ["receipt"], {"id": "x"}])
def test_what_is_no_receipt_is_refused(memory: protomem.Memory, wrong: object) -> None:
    memory.learn(ROWS, LABELS, ids=IDS)
    with pytest.raises(protomem.InvalidInput, match="receipt"):
        memory.forget(receipt=wrong)  # type: ignore[arg-type]
