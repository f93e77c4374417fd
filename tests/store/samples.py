"""Receipts, rows and writes for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from protomem.receipts import Kind, Receipt
from protomem.store import Row, Store, Write

_NUMBERS = count(2)  # a fixture may have written number 1


def receipt(sequence: int, kind: Kind = "learn", **others: Any) -> Receipt:
    """A receipt with every kept field filled in."""
    fields = {
        "previous": f"{sequence:064x}",
        "id_hashes": (id_hash(sequence), id_hash(sequence + 1)),
        "request": id_hash(-sequence),
        "signature": f"{sequence:0128x}",
    }
    at = "2026-11-20T12:00:00.000000+00:00"
    return Receipt(f"receipt-{sequence}", kind, sequence, 1, "b" * 64, "a" * 64, at, **(fields | others))


def next_receipt(kind: Kind = "learn") -> Receipt:
    """A receipt later than any before."""
    return receipt(next(_NUMBERS), kind)


def id_hash(number: int) -> str:
    """16 bytes in hex, another for each number."""
    return f"{number % 2**128:032x}"


def row(number: int, codes: Any = b"codes") -> Row:
    """The row `id-NUMBER` of anna."""
    return Row(f"id-{number}", "anna", ("label",), codes)


def write(store: Store, added: Sequence[Row] = (), removed: Sequence[str] = ()) -> Receipt:
    """Write rows with a receipt later than any before, which is returned."""
    made = next_receipt()
    store.write(Write(made, added, removed))
    return made


def purge(store: Store) -> Receipt:
    """Purge with a receipt later than any before, which is returned."""
    made = next_receipt("purge")
    store.purge(made)
    return made


def count_rows(store: Store) -> int:
    """How many rows are remembered."""
    return sum(map(len, store.rows()))


def ids(store: Store) -> list[str]:
    """The ids that are remembered, sorted."""
    return sorted(row.id for batch in store.rows() for row in batch)
