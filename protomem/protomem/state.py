"""What a memory knows while it is open: the examples, their commitment, and the sums, which follow a little later.

A change is worked out first and taken over afterwards, so that the store can keep it in between: `change` fails without
a trace, `apply` cannot fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from protomem.codes import Codes
from protomem.commitment import Commitment, content
from protomem.examples import Examples, Labels
from protomem.snapshots import Snapshot
from protomem.space import Space
from protomem.statistics import Statistics
from protomem.store import Row

__all__ = ["Change", "State", "codes_of_rows", "digest_of"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The consequences of adding some rows and removing some ids."""

    examples: Examples
    commitment: Commitment
    added: dict[str, Labels]
    removed: tuple[str, ...]
    pending: tuple[tuple[Codes, Sequence[Labels], Literal[1, -1]], ...]


@final
class State:
    """The remembered examples in RAM and what is summed over them. Not safe for threads: its memory holds the lock."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.labels_of: dict[str, Labels] = {}
        self.examples = Examples(space.settings.dimension)
        self.commitment = Commitment()
        self.version = 0
        self._statistics = Statistics(space)
        self._pending: list[tuple[Codes, Sequence[Labels], Literal[1, -1]]] = []

    @classmethod
    def of(cls, space: Space, rows: Sequence[Row]) -> State:
        """The state of these rows."""
        state = cls(space)
        state.apply(state.change(rows, ()))
        return state

    @classmethod
    def resumed(cls, snapshot: Snapshot, rows: Sequence[Row], late: Sequence[Row]) -> State:
        """The state of these rows, whose sums are a snapshot's and those of the rows that came after it."""
        state = cls(snapshot.statistics.space)
        names, labels = [row.id for row in rows], [row.labels for row in rows]
        state.labels_of = dict(zip(names, labels, strict=True))
        state.examples = state.examples.with_rows(names, codes_of_rows(rows, state.space), labels)
        state.commitment = snapshot.commitment
        state.commitment.add(content(row.codes, row.labels) for row in late)
        state._statistics = snapshot.statistics
        if late:
            state._pending = [(codes_of_rows(late, state.space), [row.labels for row in late], 1)]
        return state

    def change(self, added: Sequence[Row], removed: Sequence[str]) -> Change:
        """Work out what follows from these new rows and these remembered ids that go."""
        gone = [self.labels_of[id] for id in removed]
        gone_codes = self.examples.codes_of(removed, gone)
        new, new_codes = [row.labels for row in added], codes_of_rows(added, self.space)
        commitment = self.commitment.copy()
        commitment.subtract(content(row.tobytes(), labels) for row, labels in zip(gone_codes, gone, strict=True))
        commitment.add(content(row.codes, row.labels) for row in added)
        names = [row.id for row in added]
        return Change(
            examples=self.examples.without(removed, gone).with_rows(names, new_codes, new),
            commitment=commitment,
            added=dict(zip(names, new, strict=True)),
            removed=tuple(removed),
            pending=((new_codes, new, 1), (gone_codes, gone, -1)),
        )

    def apply(self, change: Change) -> None:
        """Take over a change that was worked out on this very state."""
        self.examples, self.commitment = change.examples, change.commitment
        for id in change.removed:
            del self.labels_of[id]
        self.labels_of.update(change.added)
        due = [part for part in change.pending if len(part[0])]
        self._pending += due
        self.version += bool(due)

    def statistics(self) -> Statistics:
        """The sums over every example of this state. Single rows have waited and are folded in together here."""
        for sign, fold in ((1, self._statistics.learn), (-1, self._statistics.forget)):
            due = [(codes, labels) for codes, labels, way in self._pending if way == sign]
            if due:
                fold(np.concatenate([codes for codes, _ in due]), [some for _, labels in due for some in labels])
        self._pending = []
        return self._statistics

    def snapshot(self, sequence: int) -> Snapshot:
        """The sums after the receipt of this number. Shares their arrays: use it before the next change."""
        return Snapshot(sequence, self.commitment, self.statistics())

    def digest(self) -> str:
        return digest_of(self.statistics(), self.commitment)

    def classes(self) -> dict[str, int]:
        """How many examples carry each label, by label."""
        return {name: self.examples.count_of(name) for name in self.examples.names}


def digest_of(statistics: Statistics, commitment: Commitment) -> str:
    """SHA-256 (hex) of the sums and of the commitment to the examples."""
    return hashlib.sha256(f"protomem 1\n{statistics.digest()}\n{commitment.hex()}\n".encode()).hexdigest()


def codes_of_rows(rows: Iterable[Row], space: Space) -> Codes:
    """The codes of kept rows: int8 (n, d)."""
    joined = np.frombuffer(b"".join(row.codes for row in rows), dtype=np.int8)
    return joined.reshape(-1, space.settings.dimension)
