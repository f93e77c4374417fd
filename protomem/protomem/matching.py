"""What a request means for the examples that are remembered already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from protomem.errors import IdConflict, RequestConflict
from protomem.receipts import Receipt
from protomem.signing import Secrets
from protomem.store import Row

__all__ = ["new_rows", "repeated", "repeated_learning"]


def new_rows(
    given: Sequence[Row],
    remembered: Mapping[str, Row],
    *,
    reproducible: bool,
    shown: Mapping[str, str] | None = None,
) -> tuple[list[Row], list[str]]:
    """The rows to add, and the ids remembered already with the same content.

    `reproducible` says whether the encoder gives an item the same codes in every batch. Raises `IdConflict` for an id
    with other content than the one remembered, or given twice with different content; `shown` says how ids are called.
    """
    fresh: dict[str, Row] = {}
    unchanged = []
    for row in given:
        old = remembered.get(row.id) or fresh.get(row.id)
        if old is None:
            fresh[row.id] = row
        elif _same(old, row, reproducible=reproducible):
            unchanged.append(row.id)
        else:
            name = (shown or {}).get(row.id, row.id)
            raise IdConflict(
                f"id {name!r} is remembered with other content: forget it first, or learn under another id"
            )
    return list(fresh.values()), unchanged


def repeated(first: Receipt, kind: str, ids: Sequence[str], secrets: Secrets) -> Receipt:
    """The first receipt of a request that came again with these ids, told to the caller once more.

    Raises `RequestConflict` where it cannot have been the same request.
    """
    hashes = {secrets.id_hash(id): id for id in ids}
    if first.kind != kind or (ids and not hashes.keys() >= set(first.id_hashes)):
        raise _other_request(first)
    done = set(first.id_hashes)
    return replace(
        first,
        ids=tuple(id for one, id in hashes.items() if one in done),
        unchanged=tuple(id for one, id in hashes.items() if one not in done) if kind == "learn" else (),
    )


def repeated_learning(
    first: Receipt, given: Sequence[Row], remembered: Mapping[str, Row], secrets: Secrets, *, reproducible: bool
) -> Receipt:
    """As `repeated`, for rows of which those still remembered have to have the same content."""
    for row in given:
        if row.id in remembered and not _same(remembered[row.id], row, reproducible=reproducible):
            raise _other_request(first)
    return repeated(first, "learn", [row.id for row in given], secrets)


def _other_request(first: Receipt) -> RequestConflict:
    return RequestConflict(
        f"this idempotency key came before, at {first.at}, with another request (a {first.kind} of {first.count}): "
        "use a new key for every new request"
    )


def _same(old: Row, new: Row, *, reproducible: bool) -> bool:
    """Equal content. An encoder whose embeddings depend on the batch may differ by one step of the grid."""
    if old.labels != new.labels or old.subject != new.subject or old.item != new.item:
        return False
    if reproducible or old.item is not None:
        return old.item is not None or old.codes == new.codes
    steps = np.frombuffer(old.codes, np.int8).astype(np.int16) - np.frombuffer(new.codes, np.int8)
    return bool(np.abs(steps).max() <= 1)
