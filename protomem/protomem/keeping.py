"""What a memory keeps of its examples, and what learning and forgetting mean there.

There are two ways: `KeptExamples` keeps the codes of each example, `SumsAlone` keeps nothing but sums. A memory chooses
one by its setting `retain` and asks it; neither is safe for threads, as the memory holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, final

from protomem.answers import Answer
from protomem.codes import Codes
from protomem.commitment import Commitment
from protomem.errors import EmptyMemory
from protomem.federation.levels import Level
from protomem.federation.sums import Sums
from protomem.left_out import Needs
from protomem.listing import Example, Page
from protomem.loading import Opening
from protomem.progress import Progress
from protomem.projection import Seen
from protomem.questions import Question
from protomem.receipts import Receipt
from protomem.reporting import Inventory
from protomem.requests import Forget, Learn, Trim
from protomem.snapshots import Snapshot
from protomem.verification import Verification

__all__ = ["Answering", "Keeping", "Steps", "refuse_empty"]


class Answering(Protocol):
    """An immutable picture of a memory that answers, from any number of threads."""

    @property
    def version(self) -> int:
        """The `Keeping.version` that it is of."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Every label it can answer, sorted."""
        ...

    def serves(self, question: Question) -> bool:
        """Whether it holds what this question needs."""
        ...

    def answers(self, codes: Codes, question: Question) -> list[Answer]:
        """Answers for codes (n, d)."""
        ...


class Keeping(Protocol):
    """The examples of one memory, on its store."""

    @property
    def opening(self) -> Opening:
        """How it came from the store."""
        ...

    @property
    def steps(self) -> Steps:
        """Whether a change was cut short, and all of this has to be made anew from the store."""
        ...

    @property
    def version(self) -> int:
        """Another number after every change that answers could depend on."""
        ...

    def count(self) -> int:
        """How many examples are remembered."""
        ...

    def classes(self) -> dict[str, int]:
        """How many remembered examples carry each label, by label."""
        ...

    def examples(self, page: Page) -> list[Example]:
        """The kept examples of a page, by id. Raises `InvalidInput` where none are kept."""
        ...

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The kept texts of these examples."""
        ...

    def learn(self, request: Learn) -> Receipt:
        """Remember these rows. They are durable, as what is forgotten, after `commit`."""
        ...

    def forget(self, request: Forget) -> Receipt:
        """Forget what is meant."""
        ...

    def trim(self, request: Trim) -> Receipt:
        """Forget what is too much. Raises `InvalidInput` where no examples are kept."""
        ...

    def commit(self) -> None:
        """Make everything since the last commit durable: all of it, or nothing if it raises."""
        ...

    def purge(self, progress: Progress | None) -> Receipt:
        """Take the bytes of everything forgotten out of the store."""
        ...

    def answering(self, question: Question) -> Answering:
        """Solved heads of now, with what the question needs. Raises `EmptyMemory`."""
        ...

    def renewal(self, needs: Needs) -> Callable[[], Answering] | None:
        """What solves the heads of now, and what is needed besides; None where nothing is remembered.

        It may be called without the lock as long as nothing is learned or forgotten.
        """
        ...

    def digest(self) -> str:
        """SHA-256 (hex) of everything learned."""
        ...

    def verify(self, progress: Progress | None) -> Verification:
        """Recompute what can be recomputed, and compare it bit for bit with what is in use."""
        ...

    def inventory(self) -> Inventory:
        """What a report is made from."""
        ...

    def seen(self) -> Seen:
        """What a map is drawn from."""
        ...

    def commitment(self) -> Commitment:
        """The commitment to the examples."""
        ...

    def sums(self) -> Snapshot:
        """The sums over the examples and the commitment to them; not to be changed, nor used after the next change."""
        ...

    def shared(self, level: Level, least: int) -> Sums:
        """What is shared of the examples at a level, without those of a label that has fewer than `least`."""
        ...

    def snapshot(self) -> None:
        """Keep the sums where that makes the next opening faster."""
        ...


@final
class Steps:
    """Whether a change was cut short halfway: `consistent` until then."""

    def __init__(self) -> None:
        self.consistent = True

    @contextmanager
    def changing(self) -> Iterator[None]:
        """What happens inside changes the state step by step; if it is cut short, the truth is in the store."""
        self.consistent = False
        yield
        self.consistent = True


def refuse_empty(count: int) -> None:
    """Raise `EmptyMemory` if nothing is remembered."""
    if not count:
        raise EmptyMemory("nothing is remembered yet: teach it with memory.learn(items, labels)")
