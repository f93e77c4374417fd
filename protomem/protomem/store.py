"""The port between a memory and whatever keeps it, and the plain in-RAM reference of it.

A store keeps rows and receipts and knows nothing of the mathematics. One call of `write` is one transaction, of one
change or of several in a row: all of it is kept or none of it is, and when the call returns it is as durable as the
store promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, final

from protomem.errors import MemoryDamaged
from protomem.listing import Example, Page
from protomem.progress import Progress
from protomem.receipts import Kind, Receipt

__all__ = ["ALL", "RamStore", "Row", "Store", "Write"]

ALL: Final = Page()


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
    """One change: rows that come, ids that go, and the receipt that says so.

    `buried` are the keyed hashes (hex) of ids that must not come back unasked, `raised` those that may again.
    """

    receipt: Receipt
    added: Sequence[Row] = ()
    removed: Sequence[str] = ()
    buried: Sequence[str] = ()
    raised: Sequence[str] = ()


class Store(Protocol):
    """What a memory needs of the place it is kept in.

    `keeps_snapshots` is false where rows live no longer than the object, and a snapshot would help nobody.
    """

    keeps_snapshots: ClassVar[bool]

    def settings(self) -> Mapping[str, str]:
        """The settings the store was created with; empty for a new store."""
        ...

    def create(self, settings: Mapping[str, str]) -> None:
        """Write the settings of a new memory, once."""
        ...

    def rows(self, after: int = 0) -> Iterator[Sequence[Row]]:
        """Every remembered row that came with a receipt later than this sequence, in batches, in no certain order."""
        ...

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that are remembered; ids that are not are left out."""
        ...

    def examples(self, page: Page = ALL) -> list[Example]:
        """The rows of a page without their codes, by id in code points."""
        ...

    def ids_of_subject(self, subject: str) -> list[str]:
        """Ids of every row of this subject, sorted."""
        ...

    def arrivals(self) -> dict[str, int]:
        """The number of the receipt that each remembered row came with, by id."""
        ...

    def write(self, *writes: Write) -> None:
        """Keep these changes, each as if the ones before it were kept already. Raises `StoreError` and keeps none."""
        ...

    def receipts(self, after: int = 0, limit: int | None = None) -> list[Receipt]:
        """Receipts later than this number, oldest first: all, or so many. Kept receipts hold no ids."""
        ...

    def last_receipt(self, *kinds: Kind) -> Receipt | None:
        """The latest receipt, of one of these kinds if any are named; None where there is none."""
        ...

    def receipts_of_requests(self, requests: Sequence[str]) -> dict[str, Receipt]:
        """The first receipt with each of these keyed hashes as its `request`, by that; those of none are left out."""
        ...

    def tombstones(self, hashes: Sequence[str]) -> set[str]:
        """Those of these keyed hashes of ids that are buried."""
        ...

    def purge(self, receipt: Receipt, progress: Progress | None = None) -> None:
        """Rewrite whatever keeps the memory, so that no byte of a removed row is left in it, and keep this receipt.

        `progress` is told (rows, all rows). Cut short at any moment, the memory is the one before or the one after.
        """
        ...

    def snapshot(self) -> bytes | None:
        """The latest picture given to `keep_snapshot`, as it lies there, damaged or not; None where there is none.

        It is dropped, durably, before rows are removed: no picture holds what was forgotten.
        """
        ...

    def keep_snapshot(self, picture: bytes) -> None:
        """Keep a picture of what is summed over the rows, in place of the one before."""
        ...

    def sums(self, sequence: int) -> bytes | None:
        """The sums that `keep_sums` was given for this receipt; None where there are none."""
        ...

    def keep_sums(self, sequence: int, picture: bytes) -> None:
        """Keep the sums that a receipt of this number, which is about to be written, will lead to; durable on return.

        Of a memory that keeps nothing else. The sums before stay until `drop_sums`.
        """
        ...

    def drop_sums(self, but: int) -> None:
        """Drop all sums but those of the receipt of this number."""
        ...

    def parts(self) -> list[str]:
        """The names of all parts that are kept, sorted."""
        ...

    def part(self, name: str) -> bytes | None:
        """What `keep_part` was given under this name, as it lies there; None where there is nothing."""
        ...

    def keep_part(self, name: str, content: bytes) -> None:
        """Keep bytes beside the rows under a name (letters, digits, dashes), in place of others; durable on return."""
        ...

    def drop_parts(self, names: Sequence[str]) -> None:
        """Drop the parts of these names, so that no power cut brings them back."""
        ...

    def close(self) -> None:
        """Release what the store holds. Closing twice is allowed."""
        ...


@final
@dataclass(slots=True)
class RamStore:
    """Rows in a dictionary: the reference that every other store is compared with, and `open(None)`."""

    keeps_snapshots: ClassVar[bool] = False

    _settings: dict[str, str] = field(default_factory=dict)
    _rows: dict[str, Row] = field(default_factory=dict)
    _receipts: list[Receipt] = field(default_factory=list)
    _came: dict[str, int] = field(default_factory=dict)
    _tombstones: set[str] = field(default_factory=set)
    _sums: dict[int, bytes] = field(default_factory=dict)
    _parts: dict[str, bytes] = field(default_factory=dict)

    def settings(self) -> Mapping[str, str]:
        return dict(self._settings)

    def create(self, settings: Mapping[str, str]) -> None:
        self._settings = dict(settings)

    def rows(self, after: int = 0) -> Iterator[Sequence[Row]]:
        yield [row for id, row in self._rows.items() if self._came[id] > after]

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        return {id: self._rows[id] for id in ids if id in self._rows}

    def examples(self, page: Page = ALL) -> list[Example]:
        listed = (Example(row.id, row.subject, row.labels, row.item) for row in self._rows.values())
        return sorted(filter(page.takes, listed), key=lambda example: example.id)[: page.limit]

    def ids_of_subject(self, subject: str) -> list[str]:
        return sorted(row.id for row in self._rows.values() if row.subject == subject)

    def arrivals(self) -> dict[str, int]:
        return dict(self._came)

    def write(self, *writes: Write) -> None:
        if missing := self._missing(writes):
            raise MemoryDamaged(f"{missing} rows were to go and are not there; nothing was changed")
        for write in writes:
            self._take(write)

    def _missing(self, writes: Sequence[Write]) -> int:
        """How many of the rows to remove will not be there."""
        missing, present = 0, dict[str, bool]()
        for write in writes:
            for id in write.removed:
                missing += not present.get(id, id in self._rows)
                present[id] = False
            present.update({row.id: True for row in write.added})
        return missing

    def _take(self, write: Write) -> None:
        for id in write.removed:
            del self._rows[id], self._came[id]
        self._rows.update({row.id: row for row in write.added})
        self._came.update({row.id: write.receipt.sequence for row in write.added})
        self._tombstones.difference_update(write.raised)
        self._tombstones.update(write.buried)
        self._receipts.append(write.receipt.without_ids())

    def receipts(self, after: int = 0, limit: int | None = None) -> list[Receipt]:
        return [receipt for receipt in self._receipts if receipt.sequence > after][:limit]

    def last_receipt(self, *kinds: Kind) -> Receipt | None:
        return next((one for one in reversed(self._receipts) if not kinds or one.kind in kinds), None)

    def receipts_of_requests(self, requests: Sequence[str]) -> dict[str, Receipt]:
        wanted = set(requests)
        return {receipt.request: receipt for receipt in reversed(self._receipts) if receipt.request in wanted}

    def tombstones(self, hashes: Sequence[str]) -> set[str]:
        return self._tombstones.intersection(hashes)

    def purge(self, receipt: Receipt, progress: Progress | None = None) -> None:
        """Nothing to rewrite: a removed row is gone from the dictionary."""
        self._receipts.append(receipt.without_ids())
        if progress is not None:
            progress(len(self._rows), len(self._rows))

    def snapshot(self) -> bytes | None:
        return None

    def keep_snapshot(self, picture: bytes) -> None:
        """Nothing to keep: the sums live as long as the rows."""

    def sums(self, sequence: int) -> bytes | None:
        return self._sums.get(sequence)

    def keep_sums(self, sequence: int, picture: bytes) -> None:
        self._sums[sequence] = picture

    def drop_sums(self, but: int) -> None:
        for sequence in [one for one in self._sums if one != but]:
            del self._sums[sequence]

    def parts(self) -> list[str]:
        return sorted(self._parts)

    def part(self, name: str) -> bytes | None:
        return self._parts.get(name)

    def keep_part(self, name: str, content: bytes) -> None:
        self._parts[name] = content

    def drop_parts(self, names: Sequence[str]) -> None:
        for name in names:
            del self._parts[name]

    def close(self) -> None:
        """Nothing to release: the rows go with the object."""
