"""A memory's state from what its store kept: from the snapshot and what came after it, or from every example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from protomem.errors import MemoryDamaged
from protomem.ledger import Ledger
from protomem.snapshots import Snapshot
from protomem.space import Space
from protomem.state import State
from protomem.store import Row, Store

__all__ = ["NO_SUMS", "SNAPSHOT_FROM", "Opening", "load_state"]

SNAPSHOT_FROM = 2_048
"""Examples from which a snapshot is kept. Fewer are summed anew in some 70 ms, and a small memory of a few hundred
kilobytes should not have a snapshot of megabytes beside it."""

NO_SUMS = b""
"""The snapshot of a small memory: that it is there shows that the file beside it was a memory, should that be cut to
nothing, which would else open as a new one."""


@final
@dataclass(frozen=True, slots=True)
class Opening:
    """How a memory was opened: `examples` are remembered, `summed` of them were learned anew, the others came as sums
    from the snapshot. `note` says why there was no snapshot to be used where one was expected, and is empty otherwise.
    """

    examples: int
    summed: int
    note: str


def load_state(store: Store, space: Space, ledger: Ledger) -> tuple[State, Opening]:
    """The state of the kept rows, checked against the last receipt; rows that a snapshot covers, by their number only.

    Raises `MemoryDamaged` if the rows are not those that the last receipt commits to.
    """
    rows = _all(store.rows())
    state, opening = _resume(store, space, ledger, rows)
    if state is None:
        state = State.of(space, rows)
    if ledger.state_of(state.commitment) != ledger.state:
        raise MemoryDamaged(
            f"the {len(rows)} kept examples are not those of the last receipt, number {ledger.sequence}: rows were "
            "lost or changed behind this memory's back; restore the file from a copy"
        )
    return state, opening


def _resume(store: Store, space: Space, ledger: Ledger, rows: Sequence[Row]) -> tuple[State | None, Opening]:
    anew = f"{len(rows)} examples were summed anew"
    picture = store.snapshot()
    if picture is None or (picture == NO_SUMS and len(rows) < SNAPSHOT_FROM):
        return None, Opening(
            len(rows), len(rows), f"there was no snapshot: {anew}" if len(rows) >= SNAPSHOT_FROM else ""
        )
    snapshot = Snapshot.from_bytes(picture, space, ledger.secrets)
    if snapshot is None:
        return None, Opening(len(rows), len(rows), f"the snapshot was damaged or not this memory's: {anew}")
    late = _all(store.rows(after=snapshot.sequence))
    if snapshot.statistics.count + len(late) == len(rows):
        state = State.resumed(snapshot, rows, late)
        if ledger.state_of(state.commitment) == ledger.state:
            return state, Opening(len(rows), len(late), "")
    return None, Opening(len(rows), len(rows), f"the snapshot was not of these examples: {anew}")


def _all(batches: Iterable[Sequence[Row]]) -> list[Row]:
    return [row for batch in batches for row in batch]
