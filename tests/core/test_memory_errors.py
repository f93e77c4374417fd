"""Law 6: bad input is a named error that says what, where and what to try, and the memory stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

import protomem
from protomem.lift import Lift
from protomem.settings import MemorySettings
from protomem.signing import Secrets
from protomem.space import SpaceSettings
from protomem.store import RamStore, Write

if TYPE_CHECKING:
    from tests.conftest import LetterEncoder

KNOWN = [[1.0, 0.0, 0.2], [0.0, 1.0, -0.4], [0.3, 0.3, 0.3]]
LABELS: list[Any] = ["a", ["b", "c"], "a"]
IDS = ["one", "two", "three"]
SUBJECTS = ["ann", "5", None]

NAN, INF = float("nan"), float("inf")


@pytest.fixture(params=["ram", "duckdb"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[protomem.Memory]:
    path = None if request.param == "ram" else tmp_path / "memory.duckdb"
    with protomem.open(path, encoder=protomem.Vectors(3), width=16) as memory:
        memory.learn(KNOWN, LABELS, ids=IDS, subjects=SUBJECTS)
        yield memory


def everything(memory: protomem.Memory) -> tuple[Any, ...]:
    """All that a caller can see of a memory."""
    return (
        memory.digest(),
        len(memory),
        memory.classes(),
        list(memory.examples()),
        memory.receipts(),
        memory.predict(KNOWN, evidence=3, coverage=0.5),
        memory.verify(),
    )


def check_refused(
    memory: protomem.Memory, call: Callable[[protomem.Memory], Any], error: type[Exception], message: str
) -> None:
    before = everything(memory)
    with pytest.raises(error, match=message) as raised:
        call(memory)
    assert type(raised.value) is error
    assert isinstance(raised.value, protomem.ProtomemError)
    assert everything(memory) == before


Case = tuple[Callable[[protomem.Memory], Any], type[Exception], str]


def learn(items: Any, labels: Any, **more: Any) -> Callable[[protomem.Memory], Any]:
    return lambda memory: memory.learn(items, labels, **more)


def forget(**what: Any) -> Callable[[protomem.Memory], Any]:
    return lambda memory: memory.forget(**what)


def predict(items: Any, **more: Any) -> Callable[[protomem.Memory], Any]:
    return lambda memory: memory.predict(items, **more)


ONE = [[1.0, 2.0, 3.0]]
TWO = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]

VECTORS: dict[str, Case] = {
    "wrong dimension": (learn([[1.0, 2.0]], ["a"]), protomem.InvalidVectors, r"\(1, 2\), expected \(n, 3\): encode"),
    "one vector": (
        learn([1.0, 2.0, 3.0], ["a"] * 3),
        protomem.InvalidVectors,
        r"a single vector is passed as \(1, 3\)",
    ),
    "ragged": (learn([[1.0, 2.0, 3.0], [1.0]], ["a", "b"]), protomem.InvalidVectors, "cannot read the vectors as one"),
    "NaN": (learn([*ONE, [1.0, NAN, 1.0]], ["a", "b"]), protomem.InvalidVectors, "vector 1 has a NaN: leave it out"),
    "infinite": (learn([[1.0, 1.0, -INF]], ["a"]), protomem.InvalidVectors, "vector 0 has an infinite value: leave"),
    "zero": (
        learn([*ONE, [0, 0, 0]], ["a", "b"]),
        protomem.InvalidVectors,
        "vector 1 is all zeros and has no direction",
    ),
    "text": (learn(["a text"], ["a"]), protomem.InvalidVectors, "got text where vectors are expected: pass an array"),
    "complex": (
        learn(np.ones((1, 3), complex), ["a"]),
        protomem.InvalidVectors,
        "complex128 are not real numbers: pass",
    ),
    "bare string": (learn("a text", ["a"]), protomem.InvalidInput, "items is a single string: pass a list of items"),
    "no length": (learn(iter(ONE), ["a"]), protomem.InvalidInput, "items is a list_iterator without a length: pass a"),
    "asked: wrong dimension": (predict([[1.0]]), protomem.InvalidVectors, r"\(1, 1\), expected \(n, 3\)"),
    "asked: NaN": (predict([[NAN, 1.0, 1.0]]), protomem.InvalidVectors, "vector 0 has a NaN: leave it out"),
    "asked: zero": (predict([[0.0, 0.0, 0.0]]), protomem.InvalidVectors, "vector 0 is all zeros"),
    "asked: bare string": (predict("a text"), protomem.InvalidInput, "items is a single string: pass a list of items"),
}

LABEL_CASES: dict[str, Case] = {
    "missing": (learn(ONE, [None]), protomem.InvalidLabel, r"labels\[0\] is None: a label is a string, or a list"),
    "a number": (learn(TWO, ["a", 3]), protomem.InvalidLabel, r"labels\[1\] is a int: a label is a string"),
    "bytes": (learn(ONE, [b"a"]), protomem.InvalidLabel, r"labels\[0\] is a bytes: a label is a string"),
    "a number among several": (
        learn(ONE, [["a", 3]]),
        protomem.InvalidLabel,
        r"labels\[0\] is a int: it must be a str",
    ),
    "none among several": (learn(ONE, [[]]), protomem.InvalidLabel, r"labels\[0\] is empty: every item needs at least"),
    "empty": (learn(ONE, [""]), protomem.InvalidLabel, r"labels\[0\] is empty: it must be a string with something"),
    "blank": (learn(ONE, [" \t"]), protomem.InvalidLabel, r"labels\[0\] is empty: it must be a string with something"),
    "a text by mistake": (learn(ONE, ["x" * 1_025]), protomem.InvalidLabel, "has 1025 characters: at most 1024"),
    "NUL": (learn(ONE, ["a\0b"]), protomem.InvalidLabel, r"labels\[0\] holds a NUL .* remove it"),
    "half a surrogate pair": (learn(ONE, ["\ud83d"]), protomem.InvalidLabel, "half a surrogate pair, .* remove it"),
    "bare string": (learn(ONE, "a"), protomem.InvalidLabel, "labels must be a list with one label"),
    "none at all": (learn(ONE, None), protomem.InvalidLabel, "labels must be a list with one label"),
    "array without a length": (
        learn(ONE, np.array("a")),
        protomem.InvalidLabel,
        "labels must be a list with one label",
    ),
}

LENGTHS: dict[str, Case] = {
    "labels": (learn(TWO, ["a"]), protomem.LengthMismatch, "labels has 1 entries for 2 items: pass one for each"),
    "ids": (learn(TWO, ["a", "b"], ids=["x"]), protomem.LengthMismatch, "ids has 1 entries for 2 items: pass one"),
    "subjects": (learn(ONE, ["a"], subjects=["x", "y"]), protomem.LengthMismatch, "subjects has 2 entries for 1 items"),
}

NAMES: dict[str, Case] = {
    "id, a number": (learn(ONE, ["a"], ids=[7]), protomem.InvalidId, r"ids\[0\] is a int: it must be a string"),
    "id, empty": (learn(TWO, ["a", "b"], ids=["x", ""]), protomem.InvalidId, r"ids\[1\] is empty: it must be a string"),
    "ids, one string": (learn(ONE, ["a"], ids="x"), protomem.InvalidId, "ids must be a list of strings"),
    "ids, without an order": (learn(TWO, ["a", "b"], ids={"x", "y"}), protomem.InvalidId, "ids must be a list"),
    "subject, a number": (learn(ONE, ["a"], subjects=[7]), protomem.InvalidId, r"subjects\[0\] is a int: it must be a"),
    "subjects, one string": (learn(ONE, ["a"], subjects="x"), protomem.InvalidId, "subjects must be a list with a str"),
}

CONFLICTS: dict[str, Case] = {
    "other vector": (
        learn(ONE, ["a"], ids=["one"], subjects=["ann"]),
        protomem.IdConflict,
        "id 'one' is remembered wi",
    ),
    "other label": (learn(KNOWN[:1], ["b"], ids=["one"], subjects=["ann"]), protomem.IdConflict, "forget it first, or"),
    "further label": (
        learn(KNOWN[:1], [["a", "b"]], ids=["one"], subjects=["ann"]),
        protomem.IdConflict,
        "'one' is rem",
    ),
    "other subject": (learn(KNOWN[:1], ["a"], ids=["one"]), protomem.IdConflict, "learn under another id"),
    "beside what is new": (learn([*ONE, *ONE], ["a", "a"], ids=["x", "two"]), protomem.IdConflict, "id 'two' is remem"),
    "twice in a batch": (learn(TWO, ["a", "a"], ids=["x", "x"]), protomem.IdConflict, "id 'x' .* other content"),
}

FORGETTING: dict[str, Case] = {
    "unknown id": (forget(ids=["one", "x"]), protomem.NotRemembered, "not remembered: 'x'; nothing was forgotten"),
    "many unknown ids": (forget(ids=list("pqrst")), protomem.NotRemembered, "'p', 'q', 'r' and 2 more; nothing was"),
    "unknown subject": (forget(subject="bob"), protomem.NotRemembered, "subject 'bob' has no remembered example"),
    "unknown label": (forget(label="z"), protomem.NotRemembered, r"label 'z' .* memory.classes\(\) lists the labels"),
    "part of a label": (forget(label="[b"), protomem.NotRemembered, r"label '\[b' has no remembered example"),
    "nothing named": (forget(), protomem.InvalidInput, "exactly one of ids=, subject=, label= and receipt="),
    "two things named": (
        forget(ids=["one"], label="a"),
        protomem.InvalidInput,
        "exactly one of ids=, subject=, label= and rec",
    ),
    "ids, one string": (forget(ids="one"), protomem.InvalidId, "ids must be a list of strings"),
    "id, a number": (forget(ids=["one", 2]), protomem.InvalidId, r"ids\[1\] is a int: it must be a string"),
    "subject, a number": (forget(subject=5), protomem.InvalidId, "subject.* is a int: it must be a string"),
    "label, a number": (forget(label=5), protomem.InvalidLabel, "label.* is a int: it must be a string"),
}

QUESTIONS: dict[str, Case] = {
    "top_k": (predict(ONE, top_k=0), protomem.InvalidInput, "top_k is 0"),
    "evidence": (predict(ONE, evidence=-1), protomem.InvalidInput, "evidence is -1"),
    "coverage": (predict(ONE, coverage=90), protomem.InvalidInput, "coverage is 90: .* between 0 and 1, such as 0.9"),
    "coverage, NaN": (
        predict(ONE, coverage=NAN),
        protomem.InvalidInput,
        "coverage is nan: it must lie between 0 and 1",
    ),
    "false_alarm": (predict(ONE, false_alarm=0), protomem.InvalidInput, "false_alarm is 0: it must lie between 0 and"),
    "among, unknown": (predict(ONE, among=["a", "z"]), protomem.NotRemembered, "labels that are not remembered: 'z'"),
    "among, nothing": (predict(ONE, among=[]), protomem.InvalidInput, "among must be a list with at least one label"),
    "among, unknown task": (predict(ONE, among="z"), protomem.NotRemembered, "'z', which is no .* label, nor a task"),
    "among, empty task": (predict(ONE, among=" "), protomem.InvalidInput, "among is empty: it must be a string"),
    "among, numbers": (
        predict(ONE, among=["a", 1]),
        protomem.InvalidLabel,
        r"among\[1\] is a int: it must be a string",
    ),
    "among, a number": (predict(ONE, among=5), protomem.InvalidInput, "among must be a list with at least one label"),
    "top_k, a text": (predict(ONE, top_k="all"), protomem.InvalidInput, "top_k is 'all'"),
    "coverage, a text": (predict(ONE, coverage="90 %"), protomem.InvalidInput, "coverage is '90 %': it must lie betw"),
}


def cases(*tables: dict[str, Case]) -> Any:
    return pytest.mark.parametrize(
        ("call", "error", "message"),
        [pytest.param(*case, id=name) for table in tables for name, case in table.items()],
    )


@cases(VECTORS)
def test_vectors_that_cannot_be_used(memory: protomem.Memory, call: Any, error: Any, message: str) -> None:
    check_refused(memory, call, error, message)


@cases(LABEL_CASES, LENGTHS, NAMES)
def test_names_that_cannot_be_used(memory: protomem.Memory, call: Any, error: Any, message: str) -> None:
    check_refused(memory, call, error, message)


@cases(CONFLICTS)
def test_an_id_learned_again_with_other_content(memory: protomem.Memory, call: Any, error: Any, message: str) -> None:
    check_refused(memory, call, error, message)


@cases(FORGETTING)
def test_forgetting_what_is_not_there(memory: protomem.Memory, call: Any, error: Any, message: str) -> None:
    check_refused(memory, call, error, message)


@cases(QUESTIONS)
def test_questions_that_make_no_sense(memory: protomem.Memory, call: Any, error: Any, message: str) -> None:
    check_refused(memory, call, error, message)


def test_an_id_learned_again_with_the_same_content_is_said_to_be_unchanged(memory: protomem.Memory) -> None:
    """Also with its labels in another order and its vector at another length, and beside what is new."""
    before = everything(memory)[:4]
    again = memory.learn(
        [KNOWN[1], [2.0, 0.0, 0.4]], [["c", "b", "c"], ["a"]], ids=["two", "one"], subjects=["5", "ann"]
    )
    assert (again.count, again.ids, again.unchanged) == (0, (), ("two", "one"))
    assert again.before == again.after
    assert everything(memory)[:4] == before
    mixed = memory.learn([*ONE, KNOWN[0], *ONE], ["z", "a", "z"], ids=["x", "one", "x"], subjects=["q", "ann", "q"])
    assert (mixed.count, mixed.ids, mixed.unchanged) == (1, ("x",), ("one", "x"))
    assert len(memory) == 4


def test_an_id_named_twice_is_forgotten_once(memory: protomem.Memory) -> None:
    assert memory.forget(ids=["one", "one"]).count == 1
    assert len(memory) == 2


def test_an_empty_memory_says_what_to_do_before_it_can_answer(memory: protomem.Memory) -> None:
    memory.forget(ids=IDS)
    with pytest.raises(protomem.EmptyMemory, match=r"teach it with memory\.learn\(items, labels\)"):
        memory.predict(ONE)
    with pytest.raises(protomem.NotRemembered, match="not remembered: 'one'"):
        memory.forget(ids=["one"])
    with protomem.open(None, encoder=protomem.Vectors(3), width=16) as fresh:
        assert memory.digest() == fresh.digest()
        assert memory.classes() == fresh.classes() == {}


def test_every_use_of_a_closed_memory_is_refused(memory: protomem.Memory) -> None:
    memory.close()
    memory.close()
    uses: list[Callable[[], Any]] = [
        lambda: memory.learn(ONE, ["a"]),
        lambda: memory.forget(ids=["one"]),
        lambda: memory.predict(ONE),
        memory.classes,
        lambda: list(memory.examples()),
        memory.receipts,
        memory.digest,
        memory.verify,
        lambda: len(memory),
    ]
    for use in uses:
        with pytest.raises(protomem.MemoryClosed, match=r"closed: open it again with protomem\.open"):
            use()


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_refused(letters: type[LetterEncoder], text: str) -> None:
    with protomem.open(None, encoder=letters(), width=16, retain="items") as memory:
        memory.learn(["where is my card", "refund me"], ["card", "money"])
        digest = memory.digest()
        with pytest.raises(protomem.InvalidItem, match="item 1 is an empty text: leave it out"):
            memory.learn(["a text", text], ["card", "card"])
        with pytest.raises(protomem.InvalidItem, match="item 0 is an empty text: leave it out"):
            memory.predict([text])
        with pytest.raises(protomem.InvalidItem, match="item 0 is a int, not a text: convert it to str, or open a mem"):
            memory.learn([7], ["card"])
        assert memory.digest() == digest
        assert len(memory) == 2


def test_an_interrupted_prediction_leaves_the_sums_whole(
    memory: protomem.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums are brought up to date when they are asked for; Ctrl-C or a full memory may come in the middle of it."""
    memory.digest()
    memory.learn(ONE, ["z"], ids=["x"])
    memory.forget(ids=["two"])
    calls = iter(range(10))

    def interrupted(lift: Lift, codes: np.ndarray) -> np.ndarray:
        if next(calls) == 1:
            raise KeyboardInterrupt("in the middle")
        return features(lift, codes)

    features = Lift.features
    monkeypatch.setattr(Lift, "features", interrupted)
    with pytest.raises(KeyboardInterrupt, match="in the middle"):
        memory.predict(ONE)
    monkeypatch.undo()
    with protomem.open(None, encoder=protomem.Vectors(3), width=16) as fresh:
        fresh.learn([KNOWN[0], KNOWN[2], *ONE], ["a", "a", "z"], ids=["one", "three", "x"])
        assert memory.digest() == fresh.digest()
        assert memory.predict(KNOWN) == fresh.predict(KNOWN)
    assert memory.verify().ok


class FailingStore:
    """A store in RAM that refuses one write, before it has kept it or after, as a disk may within a commit."""

    def __init__(self) -> None:
        self._kept = RamStore()
        self.fails: Literal["before", "after"] | None = None

    def write(self, write: Write) -> None:
        fails, self.fails = self.fails, None
        if fails != "before":
            self._kept.write(write)
        if fails is not None:
            raise protomem.StoreUnavailable("memory.duckdb: the disk refused; free some space and try again")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_write_that_failed_leaves_what_the_store_kept(fails: Literal["before", "after"]) -> None:
    """Nothing is half learned: after an error the memory is what the store says it is, and goes on."""
    store = FailingStore()
    settings = MemorySettings("vectors:3", "codes", SpaceSettings(3, protomem.Vectors(3).fingerprint, width=16))
    names = map(str, range(100))
    keys = Secrets(bytes(32), bytes(32))
    memory = protomem.Memory(store, protomem.Vectors(3), settings, keys, now=lambda: "now", new_id=lambda: next(names))
    memory.learn(KNOWN, LABELS, ids=IDS)
    for change, left_before, left_after in (
        (lambda: memory.learn(ONE, ["z"], ids=["x"]), IDS, [*IDS, "x"]),
        (lambda: memory.forget(ids=["one", "two"]), IDS, ["three"]),
    ):
        store.fails = fails
        with pytest.raises(protomem.StoreUnavailable, match="the disk refused; free some space and try again"):
            change()
        left = left_before if fails == "before" else left_after
        assert [one.id for one in memory.examples()] == sorted(left)
        assert len(memory) == len(left)
        with protomem.open(None, encoder=protomem.Vectors(3), width=16) as fresh:
            known = dict(zip([*IDS, "x"], zip([*KNOWN, *ONE], [*LABELS, "z"], strict=True), strict=True))
            fresh.learn([known[id][0] for id in left], [known[id][1] for id in left], ids=left)
            assert memory.digest() == fresh.digest()
            assert memory.predict(KNOWN) == fresh.predict(KNOWN)
        assert memory.verify().ok
        if fails == "after" and "x" in left:
            memory.forget(ids=["x"])
