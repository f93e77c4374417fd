"""What can be asked of one memory of a server, as steps; see `protomem.Memory` for what each does.

What is passed is checked by the library's own checks before it is sent, so that a mistake is the same error here and
there, and NaN, which JSON cannot hold, is refused where it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, final

import msgspec

from protomem.answers import Answer
from protomem.budget import check_budget
from protomem.errors import InvalidId, InvalidLabel, MemoryClosed
from protomem.inputs import check_ids, check_labels, check_length, check_name, check_receipt, check_subjects
from protomem.listing import Example, Page, check_span
from protomem.memory_report import Report
from protomem.progress import Progress
from protomem.projection import Map
from protomem.questions import question
from protomem.receipts import Receipt
from protomem.reporting import Wanted
from protomem.settings import MemorySettings
from protomem.suggestions import Suggestion, check_pool
from protomem.verification import Verification
from protomem_client.items import Items, items_out, parts
from protomem_client.jobs import job
from protomem_client.reading import read
from protomem_client.replies import Answers, Classes, Examples, IdHash, MemoryInfo, Receipts, Suggestions
from protomem_client.steps import Request, Steps

__all__ = ["Operations", "body", "key_or_fresh"]

MOST: Final = 1_000
"""Entries of a list that are asked for at a time: the most that a server gives."""


@final
class Operations:
    """Those of one memory; once `closed`, none."""

    def __init__(self, name: str, settings: MemorySettings) -> None:
        self._path = f"/v1/memories/{name}"
        self._settings = settings
        self.closed = False

    @property
    def path(self) -> str:
        """Of the memory. Raises `MemoryClosed` once it is closed."""
        if self.closed:
            raise MemoryClosed("this memory is closed: open it again with client.memory")
        return self._path

    def learn(
        self,
        items: Items,
        labels: Sequence[str | Sequence[str]],
        ids: Sequence[str] | None,
        subjects: Sequence[str | None] | None,
        progress: Progress | None,
        *,
        relearn: bool,
        idempotency_key: str | None,
    ) -> Steps[Receipt]:
        """All of it or nothing, in one request."""
        count = check_length(items)
        fields: dict[str, Any] = {
            "labels": check_labels(labels, count),
            "ids": None if ids is None else check_ids(ids, count),
            "subjects": None if subjects is None else check_subjects(subjects, count),
            "relearn": relearn,
        }
        key = key_or_fresh(idempotency_key)
        fields["items"] = items_out(items, self._settings)
        receipt = read((yield self._post("learn", fields, key)), Receipt)
        _tell(progress, count, count)
        return receipt

    def forget(
        self,
        ids: Sequence[str] | None,
        subject: str | None,
        label: str | None,
        receipt: Receipt | str | None,
        *,
        purge: bool,
        idempotency_key: str | None,
    ) -> Steps[Receipt]:
        """The server refuses none and more than one choice."""
        fields = {
            "ids": None if ids is None else check_ids(ids),
            "subject": None if subject is None else check_name(subject, "subject", InvalidId),
            "label": None if label is None else check_name(label, "label", InvalidLabel),
            "receipt": None if receipt is None else msgspec.Raw(check_receipt(receipt).to_json().encode()),
            "purge": purge,
        }
        return read((yield self._post("forget", fields, key_or_fresh(idempotency_key))), Receipt)

    def trim(self, to: int, *, purge: bool, idempotency_key: str | None) -> Steps[Receipt]:
        """Examples of the largest classes go first."""
        check_budget(to)
        return read((yield self._post("trim", {"to": to, "purge": purge}, key_or_fresh(idempotency_key))), Receipt)

    def predict(self, items: Items, progress: Progress | None, options: Mapping[str, Any]) -> Steps[list[Answer]]:
        """As many requests as the items need."""
        count = check_length(items)
        asked = question(**options)
        checked = {
            **options,
            "among": asked.among if asked.task is None else asked.task,
            "thresholds": asked.thresholds,
        }
        answers: list[Answer] = []
        for part in parts(items_out(items, self._settings)):
            reply = yield self._post("predict", {**checked, "items": part})
            answers += read(reply, Answers).records()
            _tell(progress, len(answers), count)
        return answers

    def suggest(self, items: Items, count: int, progress: Progress | None) -> Steps[list[Suggestion]]:
        """In one request: each item is compared with each."""
        there = check_length(items)
        check_pool(there, count)
        fields = {"items": items_out(items, self._settings), "count": count}
        found = read((yield self._post("suggest", fields)), Suggestions).suggestions
        _tell(progress, there, there)
        return found

    def report(
        self,
        recent: Items | None,
        *,
        windows: int,
        false_alarm: float | None,
        costs: bool,
        progress: Progress | None,
    ) -> Steps[Report]:
        """A job."""
        Wanted(windows, false_alarm, costs)  # checks them
        fields = {
            "recent": None if recent is None else items_out(recent, self._settings),
            "windows": windows,
            "false_alarm": false_alarm,
            "costs": costs,
        }
        return (yield from job(self._post("report", fields, key_or_fresh(None)), Report, progress))

    def verify(self, progress: Progress | None) -> Steps[Verification]:
        """A job."""
        return (yield from job(self._post("verify", None, key_or_fresh(None)), Verification, progress))

    def purge(self, progress: Progress | None) -> Steps[Receipt]:
        """A job."""
        return (yield from job(self._post("purge", None, key_or_fresh(None)), Receipt, progress))

    def info(self) -> Steps[MemoryInfo]:
        """The memory as it is now."""
        return read((yield self._get()), MemoryInfo)

    def classes(self) -> Steps[dict[str, int]]:
        """By label."""
        return read((yield self._get("/classes")), Classes).classes

    def examples(self, page: Page) -> Steps[tuple[list[Example], Page | None]]:
        """What one request gives of a page, and what is left of it."""
        given = asdict(replace(page, limit=min(page.limit or MOST, MOST)))
        params = {name: str(value) for name, value in given.items() if value is not None}
        found = read((yield self._get("/examples", params)), Examples)
        left = None if page.limit is None else page.limit - len(found.examples)
        rest = None if found.next is None or left == 0 else replace(page, after=found.next, limit=left)
        return found.examples, rest

    def receipts(self, after: int, limit: int | None) -> Steps[list[Receipt]]:
        """As many requests as it takes."""
        check_span(after, limit)
        found: list[Receipt] = []
        rest: int | None = after
        while rest is not None and (limit is None or len(found) < limit):
            most = MOST if limit is None else min(limit - len(found), MOST)
            page = read((yield self._get("/receipts", {"after": str(rest), "limit": str(most)})), Receipts)
            found += page.receipts
            rest = page.next
        return found

    def map(self, limit: int) -> Steps[Map]:
        """In a plane."""
        return read((yield self._get("/map", {"limit": str(limit)})), Map)

    def id_hash(self, id: str) -> Steps[str]:
        """Hex."""
        fields = {"id": check_name(id, "id", InvalidId)}
        return read((yield self._post("id-hash", fields)), IdHash).id_hash

    def _get(self, what: str = "", params: Mapping[str, str] | None = None) -> Request:
        return Request("GET", self.path + what, params=params or {})

    def _post(self, what: str, fields: Mapping[str, Any] | None, key: str | None = None) -> Request:
        content = None if fields is None else body(fields)
        return Request("POST", f"{self.path}/{what}", content, idempotency_key=key)


def body(fields: Mapping[str, Any]) -> bytes:
    """The body of a request."""
    return msgspec.json.encode(fields, enc_hook=_plain)


def _plain(value: Any) -> Any:
    """A number or a string of numpy as Python's; a set as a list."""
    if hasattr(value, "item"):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} has no JSON")


def key_or_fresh(given: str | None) -> str:
    """The idempotency key of a write; a fresh one if none is given, so that it can be sent again."""
    if given is None:
        return uuid.uuid4().hex
    check_name(given, "idempotency_key", InvalidId)
    if not (given.isascii() and given.isprintable() and given == given.strip()):
        raise InvalidId("idempotency_key goes to the server in a header: use printable ASCII, no space at its ends")
    return given


def _tell(progress: Progress | None, done: int, count: int) -> None:
    if progress is not None:
        progress(done, count)
