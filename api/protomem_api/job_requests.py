"""Which job a request that comes again is about: the one that the same idempotency key got before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from protomem import InvalidId, RequestConflict
from protomem.inputs import check_name
from protomem_api.job_entry import Entry
from protomem_api.job_files import Record
from protomem_api.wire.jobs import AskReport

__all__ = ["body_hash", "first_of", "request_hash"]


def request_hash(idempotency_key: str | None) -> str:
    """The hash of a key, by which it is kept; empty without one."""
    if idempotency_key is None:
        return ""
    return hashlib.sha256(check_name(idempotency_key, "idempotency_key", InvalidId).encode()).hexdigest()


def body_hash(options: AskReport) -> str:
    """The hash of what was asked, with the items that are in no file; it is in none either."""
    return hashlib.sha256(msgspec.json.encode(options)).hexdigest()


def first_of(entries: Iterable[Entry], record: Record, body: str) -> Entry | None:
    """The job of these that was asked for with the same key. Raises `RequestConflict` if that was another request.

    Of a job that was asked for before the server started, the items that a report looks at are not compared.
    """
    first = next((entry for entry in entries if record.request and entry.record.request == record.request), None)
    if first is not None and not (first.record.asks_the_same(record) and first.body in (None, body)):
        raise RequestConflict("this idempotency key came before with another request for a job: use a fresh one")
    return first
