"""The changes of one group that are not kept yet: the store is read as if they were, until they are, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from protomem.receipts import Receipt
from protomem.store import Row, Store, Write

__all__ = ["Pending"]


@final
class Pending:
    """True while something waits for `commit`. Not safe for threads: its memory holds the lock.

    What is looked up of requests and tombstones is held until the commit, so that a group may ask for all of it in one
    go beforehand (`foresee`): asked one by one, the queries cost more than the commit.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget_all()

    def __bool__(self) -> bool:
        return bool(self._writes)

    def add(self, write: Write) -> None:
        """One more change, which may be about what those before it brought."""
        self._writes.append(write)
        self._rows.update(dict.fromkeys(write.removed))
        self._rows.update({row.id: row for row in write.added})
        self._is_buried.update(dict.fromkeys(write.raised, False))
        self._is_buried.update(dict.fromkeys(write.buried, True))
        if write.receipt.request:
            self._first[write.receipt.request] = write.receipt.without_ids()

    def commit(self) -> None:
        """Keep all of it as one transaction, if there is any. What raises leaves it waiting, to be thrown away."""
        if self._writes:
            self._store.write(*self._writes)
        self._forget_all()

    def foresee(self, requests: Sequence[str], hashes: Sequence[str]) -> None:
        """Look these up now, since they will be asked for: keyed hashes of idempotency keys, and of ids."""
        if requests := [one for one in requests if one not in self._first]:
            self._first.update(dict.fromkeys(requests) | self._store.receipts_of_requests(requests))
        if hashes := [one for one in hashes if one not in self._is_buried]:
            buried = self._store.tombstones(hashes)
            self._is_buried.update((one, one in buried) for one in hashes)

    def first(self, request: str) -> Receipt | None:
        """The receipt of this request, if it came before."""
        self.foresee([request], [])
        return self._first[request]

    def tombstones(self, hashes: Sequence[str]) -> set[str]:
        """Those of these keyed hashes of ids that are buried."""
        self.foresee([], hashes)
        return {one for one in hashes if self._is_buried[one]}

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those ids that are remembered."""
        elsewhere = [id for id in ids if id not in self._rows]
        found = self._store.get(elsewhere) if elsewhere else {}
        return found | {id: row for id in ids if (row := self._rows.get(id)) is not None}

    def ids_of_subject(self, subject: str) -> list[str]:
        """Ids of every row of this subject, sorted."""
        kept = (id for id in self._store.ids_of_subject(subject) if id not in self._rows)
        return sorted([*kept, *(row.id for row in self._added() if row.subject == subject)])

    def rows(self) -> list[Row]:
        """Every remembered row."""
        kept = (row for batch in self._store.rows() for row in batch if row.id not in self._rows)
        return [*kept, *self._added()]

    def _added(self) -> list[Row]:
        return [row for row in self._rows.values() if row is not None]

    def _forget_all(self) -> None:
        self._writes: list[Write] = []
        self._rows: dict[str, Row | None] = {}  # None for one that goes
        self._is_buried: dict[str, bool] = {}
        self._first: dict[str, Receipt | None] = {}
