"""What is done with a batch of lines: learn, forget or predict, so that a line comes to what it would by itself."""

from __future__ import annotations

import hashlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, final

import msgspec
import numpy as np

from protomem_api import wire
from protomem_api.conversions import answer_out, items_in, receipt_out
from protomem_api.encoding import Encoded
from protomem_api.halving import by_halves
from protomem_api.limits import check_items
from protomem_api.memories import Held
from protomem_api.ndjson import LINES
from protomem_api.predictions import predict
from protomem_api.problems import HttpProblem, as_problem, conflict, invalid
from protomem_api.service import Service
from protomem_api.wire.lines import ForgetLine, LearnLine, LineDone, LineReceipt, PredictLine, RelearnOption

__all__ = ["Forgetting", "Learning", "Predicting", "Row", "Verb"]

Results = list[LineDone | HttpProblem]


@final
class Row(NamedTuple):
    """A line that could be read: its number, and what it says."""

    number: int
    body: Any


@final
class Ready(NamedTuple):
    """A line whose item is encoded."""

    row: Row
    item: Any
    embedding: Any


class Verb(ABC):
    """One of the three, for one request. `key` is its Idempotency-Key."""

    body: ClassVar[type[Any]]

    def __init__(self, service: Service, key: str | None = None) -> None:
        self.service = service
        self.key = None if key is None else hashlib.sha256(key.encode()).hexdigest()  # of one length, for what is added

    @property
    def most(self) -> int:
        """Lines of a batch."""
        return min(LINES, self.service.settings.items)

    def take(self, options: Mapping[str, Any]) -> None:
        """Take the options of the stream. Raises a problem for those that this verb does not have."""
        raise invalid(f"this takes no options: leave out {', '.join(options)}", "$.options")

    @abstractmethod
    async def do(self, held: Held, rows: Sequence[Row]) -> tuple[Results, list[LineReceipt]]:
        """What each line comes to, in their order, and receipts that have to be told."""

    def part_key(self, rows: Sequence[Row]) -> str | None:
        """The idempotency key of these lines: of their place in the stream, so that it is the same another time."""
        return self.key and f"{self.key}/{rows[0].number}-{rows[-1].number}/{len(rows)}"

    async def encoded(self, held: Held, rows: Sequence[Row]) -> list[Ready | HttpProblem]:
        """The lines with their items encoded."""
        return await by_halves(rows, partial(self._encoded, held))

    async def _encoded(self, held: Held, rows: Sequence[Row]) -> Sequence[Ready]:
        items = [row.body.item for row in rows]
        check_items(items, self.service.settings)
        found = await held.encoder.encoded(await self.service.disk.run(items_in, items, held.encoder))
        return [Ready(*one) for one in zip(rows, found, found.embeddings, strict=True)]


@final
class Learning(Verb):
    """Each batch is one `learn`, with one commit; where it is refused, parts of it are."""

    body = LearnLine
    relearn = False

    def take(self, options: Mapping[str, Any]) -> None:
        self.relearn = _converted(options, RelearnOption).relearn

    async def do(self, held: Held, rows: Sequence[Row]) -> tuple[Results, list[LineReceipt]]:
        ready = await self.encoded(held, rows)
        receipts: list[LineReceipt] = []
        learn = partial(self._learned, held, receipts)
        return _filled(ready, await by_halves([one for one in ready if isinstance(one, Ready)], learn)), receipts

    async def _learned(self, held: Held, receipts: list[LineReceipt], ready: Sequence[Ready]) -> Sequence[LineDone]:
        rows = [one.row for one in ready]
        ids = [row.body.id if row.body.id is not None else self._own_id(held, row.number) for row in rows]
        receipt = await self.service.disk.run(
            held.memory.learn,
            _joined(ready),
            [row.body.labels for row in rows],
            ids,
            [row.body.subject for row in rows],
            relearn=self.relearn,
            idempotency_key=self.part_key(rows),
        )
        if receipt.content:
            receipts.append(LineReceipt(receipt_out(receipt)))
        added = set(receipt.ids)
        done = []
        for row, id in zip(rows, ids, strict=True):
            done.append(LineDone(line=row.number, status="learned" if id in added else "unchanged", id=id))
            added.discard(id)  # a line that says the same again changes nothing
        return done

    def _own_id(self, held: Held, number: int) -> str:
        """For a line without one; the same when the stream comes again with its key, whatever is answered then."""
        return uuid.uuid4().hex if self.key is None else held.memory.id_hash(f"{self.key}/{number}")


@final
class Forgetting(Verb):
    """Each batch is one `forget` by ids."""

    body = ForgetLine

    async def do(self, held: Held, rows: Sequence[Row]) -> tuple[Results, list[LineReceipt]]:
        return await by_halves(rows, partial(self._forgotten, held)), []

    async def _forgotten(self, held: Held, rows: Sequence[Row]) -> Sequence[LineDone]:
        ids = [row.body.id for row in rows]
        if len(set(ids)) < len(ids):
            raise conflict("an id comes twice: the second line finds it forgotten")  # so they are parted
        await self.service.disk.run(held.memory.forget, ids, idempotency_key=self.part_key(rows))
        self.service.jobs.forgotten(held.name)
        return [LineDone(line=row.number, status="forgotten", id=row.body.id) for row in rows]


@final
class Predicting(Verb):
    """Batches as small as those of single requests, so that others are answered in between."""

    body = PredictLine
    question = wire.Predict(items=[])

    @property
    def most(self) -> int:
        return min(self.service.settings.batch, super().most)

    def take(self, options: Mapping[str, Any]) -> None:
        if "items" in options:
            raise invalid("items come one a line, and are no option", "$.options.items")
        self.question = _converted({"items": [], **options}, wire.Predict)

    async def do(self, held: Held, rows: Sequence[Row]) -> tuple[Results, list[LineReceipt]]:
        ready = await self.encoded(held, rows)
        answer = partial(self._answered, held)
        return _filled(ready, await by_halves([one for one in ready if isinstance(one, Ready)], answer)), []

    async def _answered(self, held: Held, ready: Sequence[Ready]) -> Sequence[LineDone]:
        answers = await predict(self.service, held, self.question, _joined(ready))
        return [
            LineDone(line=one.row.number, status="answered", answer=answer_out(answer))
            for one, answer in zip(ready, answers, strict=True)
        ]


def _converted(options: Mapping[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        problem = as_problem(error)
        raise problem.at((problem.path or "$").replace("$", "$.options", 1)) from None


def _joined(ready: Sequence[Ready]) -> Encoded:
    return Encoded((one.item for one in ready), np.stack([one.embedding for one in ready]))


def _filled(ready: Sequence[Ready | HttpProblem], results: Sequence[LineDone | HttpProblem]) -> Results:
    """The results in the places of the lines that were ready; the others keep their problems."""
    done = iter(results)
    return [next(done) if isinstance(one, Ready) else one for one in ready]
