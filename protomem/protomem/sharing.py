"""What a memory keeps, shared by its threads: one at a time, and what several ask at once is made durable at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import final

from protomem.coordinating import Coordinating
from protomem.errors import MemoryClosed, ProtomemError
from protomem.group_commit import GroupCommit
from protomem.ledger import Ledger
from protomem.receipts import Receipt
from protomem.requests import Forget, Learn, Merge, Request, Withdraw
from protomem.store import Row, Store

__all__ = ["Shared"]


@final
class Shared:
    """`load` makes what is kept from the store: at the beginning, and after a change that was cut short."""

    def __init__(self, store: Store, load: Callable[[], tuple[Ledger, Coordinating]]) -> None:
        self._store = store
        self._load = load
        self._lock = RLock()
        self._closed = False
        self._changes: GroupCommit[Request, Receipt] = GroupCommit(self._carry_out)
        self.ledger, self.keeping = load()

    @contextmanager
    def kept(self) -> Iterator[Coordinating]:
        """What is kept, alone among the threads; after a change that was cut short, as the store has it."""
        with self._lock:
            if self._closed:
                raise MemoryClosed("this memory is closed: open it again with protomem.open")
            if not self._in_step:
                self.ledger, self.keeping = self._load()
            yield self.keeping

    def change(self, request: Request) -> Receipt:
        """Carry out the request, durably, with those of other threads that wait at the same time.

        It is as if they came one after another: each has a receipt or an error of its own. If they cannot be made
        durable, none of them happened, and each caller gets that error.
        """
        return self._changes.ask(request)

    def close(self) -> None:
        """Release the store, with a snapshot. Twice is once."""
        with self._lock:
            try:
                if not self._closed and self._in_step:
                    self.keeping.snapshot()
            finally:
                self._closed = True
                self._store.close()

    @property
    def _in_step(self) -> bool:
        """Whether this is what the store has."""
        return self.keeping.steps.consistent and not self.ledger.pending

    def _carry_out(self, group: Sequence[Request]) -> list[Receipt | ProtomemError]:
        with self.kept() as kept:
            if len(group) > 1:
                self.ledger.foresee([one.key for one in group], [row.id for row in _named_rows(group)])
            outcomes = [_outcome(kept, one) for one in group]
            kept.commit()
            return outcomes


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
