"""A memory: what is taught, corrected and made to forget while it serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer
from protomem.codes import Codes, quantize
from protomem.encoders import Encoder
from protomem.encoders.base import Progress
from protomem.errors import EmptyMemory, IdConflict, InvalidId, InvalidInput, InvalidLabel, MemoryClosed, NotRemembered
from protomem.examples import Labels
from protomem.inputs import (
    check_among,
    check_fraction,
    check_ids,
    check_labels,
    check_length,
    check_name,
    check_subjects,
    check_whole,
)
from protomem.predicting import Predictor, Question
from protomem.receipts import Receipt
from protomem.settings import MemorySettings
from protomem.space import Space
from protomem.state import State
from protomem.store import Row, Store, Write
from protomem.verification import Verification, verify

__all__ = ["Example", "Memory"]

Items = Sequence[Any] | npt.NDArray[Any]

SHOWN = 3
"""Names listed in an error message before it says how many more there are."""


@final
@dataclass(frozen=True, slots=True)
class Example:
    """A remembered example as it is listed; `item` is its text where the memory retains items."""

    id: str
    subject: str | None
    labels: Labels
    item: str | None


@final
class Memory:
    """A classifier that learns and forgets exactly. Made by `protomem.open`; safe to use from several threads.

    Writes are serialised and durable when they return. A prediction works on an immutable picture of the memory: it
    reflects every write acknowledged before it began and never half of one.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        settings: MemorySettings,
        *,
        now: Callable[[], str],
        new_id: Callable[[], str],
    ) -> None:
        self.settings = settings
        self.encoder = encoder
        self._store = store
        self._space = Space(settings.space)
        self._now = now
        self._new_id = new_id
        self._lock = threading.RLock()
        self._closed = False
        self._load()

    def learn(
        self,
        items: Items,
        labels: Sequence[str | Sequence[str]],
        ids: Sequence[str] | None = None,
        subjects: Sequence[str | None] | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Remember items with their labels; durable when it returns, and all of it or nothing.

        `items` is what the encoder takes: a list of texts, or a float array (n, d). `labels` holds one label or several
        for each. `ids` default to fresh unique ones, given back in the receipt; `subjects` name whose data an item is.
        An id remembered already with the same content is left alone and listed in `receipt.unchanged`.

        Raises `InvalidInput` for what cannot be used and `IdConflict` for an id remembered with other content.
        """
        count = check_length(items)
        label_sets = check_labels(labels, count)
        names = check_ids(ids, count) if ids is not None else [self._new_id() for _ in range(count)]
        owners = check_subjects(subjects, count) if subjects is not None else [None] * count
        codes = self._encode(items, progress)
        kept = [str(item) for item in items] if self.settings.retain == "items" else [None] * count
        given = [
            Row(name, owner, some, row.tobytes(), item)
            for name, owner, some, row, item in zip(names, owners, label_sets, codes, kept, strict=True)
        ]
        with self._lock:
            self._ready()
            fresh, unchanged = self._new_rows(given)
            return self._commit("learn", added=fresh, unchanged=unchanged)

    def forget(
        self,
        ids: Sequence[str] | None = None,
        subject: str | None = None,
        label: str | None = None,
    ) -> Receipt:
        """Forget examples: afterwards the memory is, bit for bit, one that never saw them.

        Exactly one of: `ids`; `subject`, everything that is this subject's; `label`, every example that carries the
        label, with its other labels. Raises `NotRemembered`, and forgets nothing, if any of it is not there.
        """
        if sum(choice is not None for choice in (ids, subject, label)) != 1:
            raise InvalidInput("forget takes exactly one of ids=, subject= and label=")
        wanted = check_ids(ids) if ids is not None else None
        if subject is not None:
            check_name(subject, "subject", InvalidId)
        if label is not None:
            check_name(label, "label", InvalidLabel)
        with self._lock:
            self._ready()
            return self._commit("forget", removed=self._named(wanted, subject, label))

    def predict(
        self,
        items: Items,
        top_k: int = 5,
        evidence: int = 3,
        coverage: float | None = None,
        false_alarm: float | None = None,
        among: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> list[Answer]:
        """Answers for items, best labels first.

        `top_k` labels in each ranking and `evidence` nearest examples. `coverage` asks for a label set that holds the
        true label this often, `false_alarm` abstains on items stranger than all but this share of remembered ones,
        `among` restricts the answer to these labels.

        Raises `EmptyMemory` if nothing is remembered and `NotRemembered` for a label of `among` that is not.
        """
        check_length(items)
        question = _question(top_k, evidence, coverage, false_alarm, among)
        predictor = self._current()
        _check_among(question.among, predictor.ensemble.names)
        codes = self._encode(items, progress)
        answers = predictor.answers(codes, question)
        return self._with_texts(answers) if self.settings.retain == "items" and evidence else answers

    def classes(self) -> dict[str, int]:
        """How many remembered examples carry each label, by label."""
        with self._lock:
            self._ready()
            return self._state.classes()

    def examples(self, label: str | None = None, subject: str | None = None) -> Iterator[Example]:
        """The remembered examples, by id; of one label or one subject if asked."""
        with self._lock:
            self._ready()
            rows = self._rows()
        for row in sorted(rows, key=lambda row: row.id):
            if (label is None or label in row.labels) and (subject is None or subject == row.subject):
                yield Example(row.id, row.subject, row.labels, row.item)

    def receipts(self) -> list[Receipt]:
        """The receipt of every change, oldest first, without ids."""
        with self._lock:
            self._ready()
            return self._store.receipts()

    def digest(self) -> str:
        """SHA-256 (hex) of everything learned: a pure function of the remembered examples and the fixed settings.

        It covers every integer sum and a multiset hash of the examples' codes and labels; ids, subjects and texts are
        not learned from and not part of it.
        """
        with self._lock:
            self._ready()
            with self._changing():
                return self._state.digest()

    def verify(self, progress: Progress | None = None) -> Verification:
        """Recompute everything from the kept examples and compare it bit for bit with what is in use."""
        with self._lock:
            self._ready()
            with self._changing():
                return verify(self._state, self._rows(), self._store.receipts(), progress)

    def close(self) -> None:
        """Release the file. Closing twice is allowed; any other use afterwards raises `MemoryClosed`."""
        with self._lock:
            self._closed = True
            self._store.close()

    def __len__(self) -> int:
        """How many examples are remembered."""
        with self._lock:
            self._ready()
            return len(self._state.labels_of)

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        """Take everything from the store."""
        self._state = State(self._space, self._rows())
        self._predictor: Predictor | None = None
        self._consistent = True

    def _rows(self) -> list[Row]:
        return [row for batch in self._store.rows() for row in batch]

    def _ready(self) -> None:
        """Refuse a closed memory; after a write that failed half-way, take the truth from the store."""
        if self._closed:
            raise MemoryClosed("this memory is closed: open it again with protomem.open")
        if not self._consistent:
            self._load()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What happens inside changes the state step by step: if it is cut short, the state is taken from the store."""
        self._consistent = False
        yield
        self._consistent = True

    def _encode(self, items: Items, progress: Progress | None) -> Codes:
        if not len(items):
            return np.empty((0, self._space.settings.dimension), dtype=np.int8)
        return quantize(self.encoder.encode(items, progress), self._space.scale)

    def _new_rows(self, given: Sequence[Row]) -> tuple[list[Row], list[str]]:
        """The rows to add, and the ids remembered already with the same content."""
        known = self._store.get([row.id for row in given if row.id in self._state.labels_of])
        fresh: dict[str, Row] = {}
        unchanged = []
        for row in given:
            old = known.get(row.id) or fresh.get(row.id)
            if old is None:
                fresh[row.id] = row
            elif self._same(old, row):
                unchanged.append(row.id)
            else:
                raise IdConflict(
                    f"id {row.id!r} is remembered with other content: forget it first, or learn under another id"
                )
        return list(fresh.values()), unchanged

    def _same(self, old: Row, new: Row) -> bool:
        """Equal content. An encoder whose embeddings depend on the batch may differ by one step of the grid."""
        if old.labels != new.labels or old.subject != new.subject or old.item != new.item:
            return False
        if self.encoder.reproducible or old.item is not None:
            return old.item is not None or old.codes == new.codes
        steps = np.frombuffer(old.codes, np.int8).astype(np.int16) - np.frombuffer(new.codes, np.int8)
        return bool(np.abs(steps).max() <= 1)

    def _named(self, ids: list[str] | None, subject: str | None, label: str | None) -> list[str]:
        """The ids that a `forget` means."""
        if subject is not None:
            return _found(self._store.ids_of_subject(subject), f"subject {subject!r} has no remembered example")
        if label is not None:
            carried = [id for id, labels in self._state.labels_of.items() if label in labels]
            return _found(carried, f"label {label!r} has no remembered example: memory.classes() lists the labels")
        wanted = list(dict.fromkeys(ids or ()))
        missing = [id for id in wanted if id not in self._state.labels_of]
        if missing:
            raise NotRemembered(f"not remembered: {_listed(missing)}; nothing was forgotten, remove them and try again")
        return wanted

    def _commit(
        self,
        kind: Literal["learn", "forget"],
        added: Sequence[Row] = (),
        removed: Sequence[str] = (),
        unchanged: Sequence[str] = (),
    ) -> Receipt:
        """One change: what follows from it is worked out, rows and receipt are kept, then it is taken over."""
        change = self._state.change(added, removed)
        receipt = Receipt(
            id=self._new_id(),
            kind=kind,
            count=len(added) + len(removed),
            before=self._state.commitment.hex(),
            after=change.commitment.hex(),
            at=self._now(),
            ids=(*change.added, *removed),
            unchanged=tuple(unchanged),
        )
        with self._changing():
            self._store.write(Write(receipt, added, removed))
            self._state.apply(change)
        return receipt

    def _current(self) -> Predictor:
        """Solved heads of the current state."""
        with self._lock:
            self._ready()
            if not self._state.labels_of:
                raise EmptyMemory("nothing is remembered yet: teach it with memory.learn(items, labels)")
            if self._predictor is None or self._predictor.version != self._state.version:
                with self._changing():
                    self._predictor = Predictor.of(self._state, self._predictor)
            return self._predictor

    def _with_texts(self, answers: list[Answer]) -> list[Answer]:
        """The answers with the retained texts of their evidence."""
        rows = self._store.get(sorted({one.id for answer in answers for one in answer.evidence}))
        texts = {id: row.item for id, row in rows.items()}
        return [
            replace(answer, evidence=tuple(replace(one, item=texts.get(one.id)) for one in answer.evidence))
            for answer in answers
        ]


def _question(
    top_k: int, evidence: int, coverage: float | None, false_alarm: float | None, among: Sequence[str] | None
) -> Question:
    check_whole("top_k", top_k, 1)
    check_whole("evidence", evidence, 0)
    check_fraction("coverage", coverage)
    check_fraction("false_alarm", false_alarm)
    return Question(top_k, evidence, coverage, false_alarm, check_among(among))


def _check_among(among: tuple[str, ...] | None, names: Sequence[str]) -> None:
    missing = sorted(set(among or ()) - set(names))
    if missing:
        raise NotRemembered(f"among names labels that are not remembered: {_listed(missing)}")


def _found(ids: list[str], otherwise: str) -> list[str]:
    if not ids:
        raise NotRemembered(otherwise)
    return ids


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(repr(name) for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
