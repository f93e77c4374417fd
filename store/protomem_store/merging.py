"""Several changes as one: what they come to when they are kept in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from protomem.store import Row, Write

__all__ = ["Merged", "merged"]


class Merged(NamedTuple):
    """What is to be removed, then added, then raised, then buried. `added` are rows and their receipts' numbers."""

    removed: list[str]
    added: list[tuple[Row, int]]
    raised: list[str]
    buried: list[str]


def merged(writes: Sequence[Write]) -> Merged:
    """A row that comes and goes is left out. An id that goes twice is there twice, since no row can go for it."""
    removed: list[str] = []
    added: dict[str, tuple[Row, int]] = {}
    raised: dict[str, None] = {}  # in the order they came; a set would make files differ from run to run
    buried: dict[str, None] = {}
    for write in writes:
        removed += [id for id in write.removed if added.pop(id, None) is None]
        added.update({row.id: (row, write.receipt.sequence) for row in write.added})
        for hash in write.raised:
            buried.pop(hash, None)
        raised.update(dict.fromkeys(write.raised))
        buried.update(dict.fromkeys(write.buried))
    return Merged(removed, list(added.values()), list(raised), list(buried))
