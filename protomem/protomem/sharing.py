"""What a memory keeps, shared by its threads: one at a time, and what several ask at once is made durable at once.

Answers come from an immutable picture, which is read without waiting for anyone. A change makes it out of date: either
the next question solves it anew (the default), or, with `ahead`, whoever changed it does so before the change is
acknowledged, while other threads go on with the picture before. So in both cases a question reflects every change that
was acknowledged before it was asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from threading import Lock, RLock, get_ident
from typing import final

from protomem.coordinating import Coordinating
from protomem.errors import InvalidInput, MemoryClosed, ProtomemError
from protomem.group_commit import GroupCommit
from protomem.keeping import Answering
from protomem.ledger import Ledger
from protomem.left_out import Needs
from protomem.questions import Question
from protomem.receipts import Receipt
from protomem.requests import Forget, Learn, Merge, Request, Withdraw
from protomem.store import Row, Store

__all__ = ["Shared", "Watch"]

_SOLVERS = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="protomem-solving")
"""Where heads are solved ahead: what a thread has allocated once it keeps, and there may be many that write."""

Watch = Callable[[], AbstractContextManager[object]]


@final
class Shared:
    """`load` makes what is kept from the store: at the beginning, and after a change that was cut short.

    Locks are taken in this order: the lead of a group of changes; `_solving`, one solves at a time; `_lock`, what is
    kept. With `ahead` the leader solves under `_solving` alone: nothing is learned or forgotten but by a leader.
    """

    def __init__(
        self, store: Store, load: Callable[[], tuple[Ledger, Coordinating]], *, ahead: bool, watch: Watch
    ) -> None:
        self._store = store
        self._load = load
        self._ahead = ahead
        self._watch = watch
        self._lock = RLock()
        self._holder: int | None = None
        self._solving = Lock()
        self._closed = False
        self._changes: GroupCommit[Request, Receipt] = GroupCommit(self._carry_out, self._renew)
        self._picture: Answering | None = None  # of everything that is acknowledged, where it is there
        self._asked: set[Needs] = set()  # of that picture
        self._renewal: Callable[[], Answering] | None = None
        self.ledger, self.keeping = load()

    @contextmanager
    def kept(self) -> Iterator[Coordinating]:
        """What is kept, alone among the threads; after a change that was cut short, as the store has it."""
        with self._lock:
            if self._closed:
                raise MemoryClosed("this memory is closed: open it again with protomem.open")
            if not self._in_step:
                self._picture = None
                self.ledger, self.keeping = self._load()
            outer, self._holder = self._holder, get_ident()
            try:
                yield self.keeping
            finally:
                self._holder = outer

    def answering(self, question: Question) -> Answering:
        """A picture that reflects every change acknowledged so far, with what the question needs.

        Raises `EmptyMemory`, and `InvalidInput` for what cannot be asked of this memory.
        """
        picture = None if self._closed else self._picture
        if picture is None or not picture.serves(question):
            with self._solving, self.kept() as kept, self._watch():
                picture = self._picture = kept.answering(question)
        self._asked.add(Needs.of(question))
        return picture

    def change(self, request: Request) -> Receipt:
        """Carry out the request, durably, with those of other threads that wait at the same time.

        It is as if they came one after another: each has a receipt or an error of its own. If they cannot be made
        durable, none of them happened, and each caller gets that error.
        """
        if self._holder == get_ident():
            raise InvalidInput("a function that is told of progress cannot change the memory it is told about")
        return self._changes.ask(request)

    def close(self) -> None:
        """Release the store, with a snapshot. Twice is once."""
        with self._lock:
            try:
                if not self._closed and self._in_step:
                    self.keeping.snapshot()
            finally:
                self._closed = True
                self._picture = None
                self._store.close()

    @property
    def _in_step(self) -> bool:
        """Whether this is what the store has."""
        return self.keeping.steps.consistent and not self.ledger.pending

    def _carry_out(self, group: Sequence[Request]) -> list[Receipt | ProtomemError]:
        try:
            with self.kept() as kept:
                if len(group) > 1:
                    self.ledger.foresee([one.key for one in group], [row.id for row in _named_rows(group)])
                outcomes = [_outcome(kept, one) for one in group]
                kept.commit()
                self._renewal = self._planned(kept)
        except BaseException:
            self._picture = None  # the store may have kept it or not: the next question looks
            raise
        return outcomes

    def _planned(self, kept: Coordinating) -> Callable[[], Answering] | None:
        """How to renew the picture before this change is told; None where it is one of now, or is left to a question.

        A picture that nobody has asked since it was made is not worth renewing: of many changes in a row only the last
        matters then.
        """
        if self._picture is None or self._picture.version == kept.version:
            return None
        asked, self._asked = self._asked, set()
        renewal = kept.renewal(Needs.of_all(asked)) if self._ahead and asked else None
        if renewal is None:
            self._picture = None
        return renewal

    def _renew(self) -> None:
        """Exchange the picture, if that was planned."""
        renewal, self._renewal = self._renewal, None
        if renewal is None:
            return
        fresh = None
        try:
            with self._solving, self._watch():
                solving = _SOLVERS.submit(renewal)
                try:
                    fresh = solving.result()
                finally:
                    wait([solving])  # interrupted, the next leader must not change what is being read
        finally:
            self._picture = fresh


def _outcome(kept: Coordinating, request: Request) -> Receipt | ProtomemError:
    """The receipt, if only the commit succeeds; or why the request is refused, which leaves no trace."""
    try:
        match request:
            case Learn():
                return kept.learn(request)
            case Forget():
                return kept.forget(request)
            case Merge():
                return kept.merge(request)
            case Withdraw():
                return kept.withdraw(request)
            case _:
                return kept.trim(request)
    except ProtomemError as error:
        if not kept.steps.consistent:
            raise
        return error


def _named_rows(group: Sequence[Request]) -> list[Row]:
    return [row for one in group if isinstance(one, Learn) and one.named for row in one.rows]
