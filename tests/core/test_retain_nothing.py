"""A memory that keeps nothing but sums is the same memory, and forgets by receipt, only what was learned, only once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.receipts import Receipt, Taught

DICE = np.random.default_rng(3)
ROWS = DICE.normal(size=(60, 6)) + np.repeat(3 * np.eye(6)[:4], 15, axis=0)
LABELS: list[Any] = [["a", "b"] if number % 10 == 0 else "abcd"[number // 15] for number in range(60)]
IDS = [f"the id {number}" for number in range(60)]


def opened(path: Path | None, retain: Any = "nothing") -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(6), width=24, retain=retain)


@pytest.fixture(params=["ram", "duckdb"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[protomem.Memory]:
    with opened(tmp_path / "m.duckdb" if request.param == "duckdb" else None) as made:
        yield made


def teach(memory: protomem.Memory, first: int, last: int, **more: Any) -> Receipt:
    return memory.learn(ROWS[first:last], LABELS[first:last], ids=IDS[first:last], **more)


def digest_of(rows: list[int]) -> str:
    """That of a memory which keeps codes and was only ever taught these rows."""
    with opened(None, "codes") as fresh:
        fresh.learn(ROWS[rows], [LABELS[row] for row in rows])
        return fresh.digest()


def test_it_learns_what_a_memory_that_keeps_codes_learns(memory: protomem.Memory) -> None:
    teach(memory, 0, 25)
    teach(memory, 25, 60)
    assert memory.digest() == digest_of(list(range(60)))
    assert len(memory) == 60
    assert memory.classes() == Counter(label for some in LABELS for label in some)
    assert memory.verify().ok


def test_a_receipt_forgets_what_it_taught_to_the_bit(memory: protomem.Memory) -> None:
    first, second = teach(memory, 0, 25), teach(memory, 25, 60)
    done = memory.forget(receipt=first)
    assert (done.kind, done.count, done.ids) == ("forget", 25, tuple(IDS[:25]))
    assert memory.digest() == digest_of(list(range(25, 60)))
    memory.forget(receipt=second.to_json())
    with opened(None) as untaught:
        assert memory.digest() == untaught.digest()
    assert memory.classes() == {}


def test_answers_equal_those_of_a_memory_that_never_saw_the_forgotten(memory: protomem.Memory) -> None:
    receipts = [teach(memory, start, start + 10) for start in range(0, 60, 10)]
    memory.forget(receipt=receipts[2])
    with opened(None) as fresh:
        teach(fresh, 30, 60)
        teach(fresh, 0, 20)
        assert memory.predict(ROWS) == fresh.predict(ROWS)


def test_answers_rest_on_sums_and_say_so(memory: protomem.Memory) -> None:
    teach(memory, 0, 60)
    answers = memory.predict(ROWS, top_k=4)
    for answer in answers:
        assert answer.heads == ("analytic", "prototypes", "codebooks")
        assert (answer.evidence, answer.label_set, answer.novelty, answer.abstained) == ((), None, None, False)
        assert sum(share for _, share in answer.ranking) == pytest.approx(1)
    right = [answer.label in np.atleast_1d(label) for answer, label in zip(answers, LABELS, strict=True)]
    assert np.mean(right) > 0.9
    assert {answer.label for answer in memory.predict(ROWS, among=["c", "d"])} <= {"c", "d"}


def test_a_part_of_a_receipt_forgets_that_part(memory: protomem.Memory) -> None:
    receipt = teach(memory, 0, 60)
    memory.forget(receipt=replace(receipt, content=receipt.content[:40]))
    assert memory.digest() == digest_of(list(range(40, 60)))


@pytest.mark.parametrize("asked", [{"coverage": 0.9}, {"false_alarm": 0.1}, {"multi_label": True}])
def test_what_needs_examples_is_refused(memory: protomem.Memory, asked: dict[str, float]) -> None:
    teach(memory, 0, 20)
    with pytest.raises(protomem.InvalidInput, match="compare with kept examples"):
        memory.predict(ROWS[:1], **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        lambda memory: memory.forget(ids=IDS[:1]),
        lambda memory: memory.forget(label="a"),
        lambda memory: memory.forget(subject="ann"),
        lambda memory: list(memory.examples()),
        lambda memory: memory.learn(ROWS[:1], ["a"], subjects=["ann"]),
    ],
)
def test_what_would_need_a_kept_example_is_refused(
    memory: protomem.Memory, call: Callable[[protomem.Memory], object]
) -> None:
    teach(memory, 0, 20)
    digest = memory.digest()
    with pytest.raises(protomem.InvalidInput, match='this memory retains "nothing" of its examples'):
        call(memory)
    assert memory.digest() == digest


# ------------------------------------------------------------------------------------------------ receipts that lie


def changed(receipt: Receipt, **how: Any) -> Receipt:
    return replace(receipt, content=(replace(receipt.content[0], **how), *receipt.content[1:]))


FORGED: dict[str, tuple[Callable[[Receipt], Receipt], type[Exception], str]] = {
    "other codes": (
        lambda one: changed(one, codes="01" + one.content[0].codes[2:]),
        protomem.InvalidReceipt,
        "codes or labels were changed",
    ),
    "another label": (lambda one: changed(one, labels=("d",)), protomem.InvalidReceipt, "codes or labels were changed"),
    "one label fewer": (
        lambda one: changed(one, labels=one.content[0].labels[:1]),
        protomem.InvalidReceipt,
        "codes or labels were changed",
    ),
    "the content of another id": (
        lambda one: changed(one, id=one.content[1].id),
        protomem.InvalidReceipt,
        "names an example twice",
    ),
    "the ids of two swapped": (
        lambda one: replace(
            one,
            content=(
                replace(one.content[0], id=one.content[1].id),
                replace(one.content[1], id=one.content[0].id),
                *one.content[2:],
            ),
        ),
        protomem.InvalidReceipt,
        "codes or labels were changed",
    ),
    "an id never learned": (lambda one: changed(one, id="never"), protomem.NotRemembered, "1 of the 20 examples"),
    "an example twice": (
        lambda one: replace(one, content=2 * one.content),
        protomem.InvalidReceipt,
        "names an example twice",
    ),
    "codes of another length": (
        lambda one: changed(one, codes="0102"),
        protomem.InvalidReceipt,
        "codes of 2 bytes, and this memory of 6",
    ),
    "no content": (
        lambda one: one.without_ids(),
        protomem.InvalidReceipt,
        "holds no codes: pass the receipt as learning",
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_receipt_is_refused_and_changes_nothing(memory: protomem.Memory, how: str) -> None:
    forge, error, said = FORGED[how]
    receipt = teach(memory, 0, 20)
    teach(memory, 20, 40)
    digest, receipts, classes = memory.digest(), memory.receipts(), memory.classes()
    with pytest.raises(error, match=said):
        memory.forget(receipt=forge(receipt))
    assert (memory.digest(), memory.receipts(), memory.classes()) == (digest, receipts, classes)
    memory.forget(receipt=receipt)  # the true one still works


def test_a_receipt_works_once(memory: protomem.Memory) -> None:
    receipt = teach(memory, 0, 20)
    teach(memory, 20, 40)
    memory.forget(receipt=receipt)
    digest = memory.digest()
    with pytest.raises(protomem.NotRemembered, match="20 of the 20 examples of this receipt are not remembered"):
        memory.forget(receipt=receipt)
    assert memory.digest() == digest


def test_a_receipt_of_another_memory_is_refused(memory: protomem.Memory) -> None:
    """Its commitments have another key, and what it learned under other ids was never learned here."""
    teach(memory, 0, 20)
    with opened(None) as other:
        stranger = other.learn(ROWS[:5], LABELS[:5])
        mine = other.learn(ROWS[5:10], LABELS[:5], ids=IDS[:5])
    with pytest.raises(protomem.NotRemembered, match="5 of the 5 examples of this receipt are not remembered"):
        memory.forget(receipt=stranger)
    with pytest.raises(protomem.InvalidReceipt, match="codes or labels were changed"):
        memory.forget(receipt=mine)
    assert len(memory) == 20


@given(st.data())
def test_any_change_of_the_content_is_refused(data: st.DataObject) -> None:
    with opened(None) as memory:
        receipt = teach(memory, 0, 12)
        digest = memory.digest()
        taught = [
            Taught(
                data.draw(st.sampled_from([one.id, *IDS[:14]])),
                data.draw(st.sampled_from([one.labels, ("a",), ("a", "b"), ("z",)])),
                data.draw(st.sampled_from([one.codes, receipt.content[0].codes, "00" * 6])),
            )
            for one in data.draw(st.lists(st.sampled_from(receipt.content), min_size=1, max_size=6))
        ]
        if len({one.id for one in taught}) == len(taught) and set(taught) <= set(receipt.content):
            memory.forget(receipt=replace(receipt, content=tuple(taught)))
            assert len(memory) == 12 - len(taught)
            return
        with pytest.raises((protomem.InvalidReceipt, protomem.NotRemembered), match="receipt"):
            memory.forget(receipt=replace(receipt, content=tuple(taught)))
        assert memory.digest() == digest


# -------------------------------------------------------------------------------------- ids, requests, and the disk


def test_ids_are_known_again(memory: protomem.Memory) -> None:
    receipt = teach(memory, 0, 20)
    again = teach(memory, 10, 25)
    assert (again.unchanged, again.ids) == (tuple(IDS[10:20]), tuple(IDS[20:25]))
    with pytest.raises(protomem.IdConflict, match="id 'the id 3' is remembered with other content"):
        memory.learn(ROWS[:1], ["d"], ids=[IDS[3]])
    memory.forget(receipt=receipt)
    with pytest.raises(protomem.Forgotten, match="forgotten before: 'the id 0'"):
        memory.learn(ROWS[:1], LABELS[:1], ids=IDS[:1])
    teach(memory, 0, 20, relearn=True)
    assert memory.digest() == digest_of(list(range(25)))


def test_a_request_that_comes_again_gets_its_receipt_with_the_codes(memory: protomem.Memory) -> None:
    first = memory.learn(ROWS[:5], LABELS[:5], idempotency_key="k")
    assert memory.learn(ROWS[:5], LABELS[:5], idempotency_key="k") == first
    with pytest.raises(protomem.RequestConflict, match="this idempotency key came before"):
        memory.learn(ROWS[1:6], LABELS[1:6], idempotency_key="k")
    done = memory.forget(receipt=first, idempotency_key="f")
    assert memory.forget(receipt=first, idempotency_key="f") == done
    assert len(memory) == 0


def test_a_receipt_survives_json(memory: protomem.Memory) -> None:
    receipt = memory.learn(ROWS[:3], [["ü", "|"], "b", "名"], ids=['"', "\\", "\n x"])
    back = Receipt.from_json(receipt.to_json())
    assert back.content == receipt.content
    assert all(check.ok for check in protomem.audit(back, memory.public_key))
    memory.forget(receipt=json.dumps(json.loads(receipt.to_json()), indent=2))
    assert len(memory) == 0


def test_reopening_gives_the_same_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        receipt = teach(memory, 0, 40)
        memory.purge()
        digest, answers = memory.digest(), memory.predict(ROWS)
    with protomem.open(path) as memory:
        assert (memory.digest(), memory.predict(ROWS)) == (digest, answers)
        memory.forget(receipt=receipt)
    with protomem.open(path) as memory:
        assert len(memory) == 0
        assert memory.verify().ok


def test_no_file_holds_an_id_and_after_forgetting_none_holds_the_codes(tmp_path: Path) -> None:
    """Before, the sum over a single example is that example: sums are not private by themselves."""
    path = tmp_path / "m.duckdb"
    rows = np.random.default_rng(9).normal(size=(6, 64))
    with protomem.open(path, encoder=protomem.Vectors(64), width=24, retain="nothing") as memory:
        receipt = memory.learn(rows[:3], ["a", "b", "c"], ids=["marker-of-one", "marker-of-two", "marker-of-three"])
        memory.learn(rows[3:], ["a", "b", "d"])
        ids = [one.id.encode() for one in receipt.content]
        codes = [bytes.fromhex(one.codes) for one in receipt.content]

        def hold(marks: list[bytes]) -> list[str]:
            return [file.name for file in tmp_path.iterdir() if any(mark in file.read_bytes() for mark in marks)]

        assert hold(ids) == []
        assert hold(codes) == ["m.duckdb.sums-2"]
        memory.forget(receipt=receipt)
        assert hold(ids + codes) == []
        memory.purge()
        assert hold(ids + codes) == []
    assert hold(ids + codes) == []


def test_sums_of_before_are_gone_once_something_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        receipt = teach(memory, 0, 40)
        before = {file.name for file in tmp_path.glob("*.sums-*")}
        memory.forget(receipt=receipt)
        after = {file.name for file in tmp_path.glob("*.sums-*")}
    assert (len(before), len(after)) == (1, 1)
    assert before.isdisjoint(after)


@pytest.mark.parametrize("damage", ["gone", "empty", "flipped", "of the change before"])
def test_sums_that_are_not_those_of_the_last_receipt_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        teach(memory, 0, 20)
        (old,) = tmp_path.glob("*.sums-*")
        before = old.read_bytes()
        teach(memory, 20, 40)
    (sums,) = tmp_path.glob("*.sums-*")
    picture = sums.read_bytes()
    if damage == "gone":
        sums.unlink()
    else:
        flipped = picture[:200] + bytes([picture[200] ^ 1]) + picture[201:]
        sums.write_bytes({"empty": b"", "flipped": flipped, "of the change before": before}[damage])
    with pytest.raises(protomem.MemoryDamaged, match="the sums of receipt number 2 are missing or damaged"):
        protomem.open(path)
    sums.write_bytes(picture)
    with protomem.open(path) as memory:
        assert memory.digest() == digest_of(list(range(40)))


def test_a_change_that_was_cut_short_before_it_was_committed_is_undone(tmp_path: Path) -> None:
    """The sums of a receipt that never came lie beside those of the last one."""
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        teach(memory, 0, 20)
        digest = memory.digest()
    (sums,) = tmp_path.glob("*.sums-*")
    sums.with_name(sums.name.replace("-1", "-2")).write_bytes(b"sums that nobody acknowledged")
    with protomem.open(path) as memory:
        assert memory.digest() == digest
        teach(memory, 20, 30)
    assert [file.name for file in tmp_path.glob("*.sums-*")] == ["m.duckdb.sums-2"]
