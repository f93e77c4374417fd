"""The port between a memory and whatever keeps it, and the plain in-RAM reference of it.

A store keeps rows and receipts and knows nothing of the mathematics. One call of `write` is one transaction: all of it
is kept or none of it is, and when the call returns it is as durable as the store promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, final

from protomem.errors import MemoryDamaged
from protomem.receipts import Receipt

__all__ = ["RamStore", "Row", "Store", "Write"]


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One remembered example as it is kept.

    `codes` are the d signed bytes of the example's int8 codes. `labels` are sorted and without repeats. `item` is the
    original text where the memory retains items, else None.
    """

    id: str
    subject: str | None
    labels: tuple[str, ...]
    codes: bytes
    item: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Write:
    """One transaction: rows that come, ids that go, and the receipt that says so."""

    receipt: Receipt
    added: Sequence[Row] = ()
    removed: Sequence[str] = ()


class Store(Protocol):
    """What a memory needs of the place it is kept in."""

    def settings(self) -> Mapping[str, str]:
        """The settings the store was created with; empty for a new store."""
        ...

    def create(self, settings: Mapping[str, str]) -> None:
        """Write the settings of a new memory, once."""
        ...

    def rows(self) -> Iterator[Sequence[Row]]:
        """Every remembered row, in batches, in no particular order."""
        ...

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that are remembered; ids that are not are left out."""
        ...

    def ids_of_subject(self, subject: str) -> list[str]:
        """Ids of every row of this subject, sorted."""
        ...

    def write(self, write: Write) -> None:
        """Keep one transaction. Raises `StoreError` and keeps nothing of it otherwise."""
        ...

    def receipts(self) -> list[Receipt]:
        """Every receipt, oldest first. Kept receipts hold no ids."""
        ...

    def close(self) -> None:
        """Release what the store holds. Closing twice is allowed."""
        ...


@final
@dataclass(slots=True)
class RamStore:
    """Rows in a dictionary: the reference that every other store is compared with, and `open(None)`."""

    _settings: dict[str, str] = field(default_factory=dict)
    _rows: dict[str, Row] = field(default_factory=dict)
    _receipts: list[Receipt] = field(default_factory=list)

    def settings(self) -> Mapping[str, str]:
        return dict(self._settings)

    def create(self, settings: Mapping[str, str]) -> None:
        self._settings = dict(settings)

    def rows(self) -> Iterator[Sequence[Row]]:
        yield list(self._rows.values())

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        return {id: self._rows[id] for id in ids if id in self._rows}

    def ids_of_subject(self, subject: str) -> list[str]:
        return sorted(row.id for row in self._rows.values() if row.subject == subject)

    def write(self, write: Write) -> None:
        missing = [id for id in write.removed if id not in self._rows]
        if missing:
            raise MemoryDamaged(f"{len(missing)} of {len(write.removed)} rows to remove are not there; nothing changed")
        for id in write.removed:
            del self._rows[id]
        self._rows.update({row.id: row for row in write.added})
        self._receipts.append(write.receipt.without_ids())

    def receipts(self) -> list[Receipt]:
        return list(self._receipts)

    def close(self) -> None:
        """Nothing to release: the rows go with the object."""
