"""Requests of several threads carried out together: who comes while a group is at work is in the next group.

The first one in leads: it carries out everything that waits, in the order in which it came, and hands each its outcome
when all of it is durable. So a lone caller waits for nobody, and 32 callers share the cost of one commit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition
from typing import Generic, TypeVar, final

from protomem.errors import ProtomemError, StoreError

__all__ = ["GroupCommit"]

Asked = TypeVar("Asked")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, eq=False)
class _Place(Generic[Asked, Done]):
    """A caller's place in the queue, and the outcome it waits for."""

    asked: Asked
    outcome: Future[Done] = field(default_factory=Future)

    def tell(self, outcome: Done | ProtomemError) -> None:
        if isinstance(outcome, ProtomemError):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


@final
class GroupCommit(Generic[Asked, Done]):
    """`carry_out` is given a group and returns, for each request in it, what was done or the error that refuses it.

    It returns when all of that is durable. If it raises, nothing of the group was done, and each caller is told so.
    `before_telling` is called after it and before anyone is told; what it raises undoes nothing, and only the leader
    sees it.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Asked]], Sequence[Done | ProtomemError]],
        before_telling: Callable[[], None] = lambda: None,
    ) -> None:
        self._carry_out = carry_out
        self._before_telling = before_telling
        self._changed = Condition()  # guards the two below
        self._queue: list[_Place[Asked, Done]] = []
        self._is_led = False

    def ask(self, asked: Asked) -> Done:
        """Have it carried out and return what was done, or raise why it was not."""
        place: _Place[Asked, Done] = _Place(asked)
        leads = False
        try:
            with self._changed:
                self._queue.append(place)
                while self._is_led and not place.outcome.done():
                    self._changed.wait()
                if not place.outcome.done():
                    leads = self._is_led = True
            if leads:
                self._lead()
        finally:
            if leads:
                with self._changed:
                    self._is_led = False
                    self._changed.notify_all()
        return place.outcome.result()

    def _lead(self) -> None:
        """Carry out what waits, this thread's own request among it."""
        group: list[_Place[Asked, Done]] = []
        try:
            with self._changed:
                group, self._queue = self._queue, group
            outcomes = self._carry_out([place.asked for place in group])
        except BaseException as error:
            for place in group:
                place.outcome.set_exception(_failure(error))
            raise
        try:
            self._before_telling()
        finally:
            for place, outcome in zip(group, outcomes, strict=True):
                place.tell(outcome)


def _failure(error: BaseException) -> ProtomemError:
    """What another caller is told of an error of the whole group: an error of its own, since each has a traceback."""
    told = (
        copy.copy(error)
        if isinstance(error, ProtomemError)
        else StoreError(
            f"the thread that carried this out with other requests was stopped ({type(error).__name__}): it was kept "
            "wholly or not at all; look for it, or send it again with the same ids or idempotency key"
        )
    )
    told.__cause__ = error
    return told
