"""Items by the line: an answer that is written while the request is still read, with a batch of both in memory.

A batch is read, done, and answered before the next is read, so that a caller who does not read its answers is not read
from either. The three verbs are in `bulk_verbs`.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, final

import msgspec
from litestar.types import Receive, Scope, Send

from protomem import ProtomemError
from protomem_api import wire
from protomem_api.bulk_verbs import Row, Verb
from protomem_api.guards import is_known_still
from protomem_api.keys import Key
from protomem_api.logs import log
from protomem_api.ndjson import LINE_BYTES, MEDIA_TYPE, Line, batches
from protomem_api.problems import HttpProblem, as_problem, problem_body, too_large, unauthorised
from protomem_api.service import Service

__all__ = ["Bulk"]


PLACE: Final = re.compile(r"^\$\.(items|labels|ids|subjects)(?:\[\d+\])?")
NAMES: Final = {"items": "item", "labels": "labels", "ids": "id", "subjects": "subject"}


@final
class Bulk:
    """The answer to a stream of lines, as the ASGI application that gives it."""

    def __init__(self, service: Service, key: Key, memory: str, verb: Verb) -> None:
        self._service = service
        self._key = key
        self._memory = memory
        self._verb = verb
        self._totals: Counter[str] = Counter()
        self._is_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's
        """Answer. The status is sent before the first line is read: what goes wrong later is told in the last line."""
        headers = [(b"content-type", MEDIA_TYPE.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        problem = None
        try:
            async for batch in batches(receive, self._verb.most):
                await self._write(send, await self._answers(batch))
        except (ProtomemError, HttpProblem) as error:
            problem = self._problem(error)
        except (ConnectionResetError, TimeoutError):
            return  # nobody is there to be told; whoever comes again goes on with the same Idempotency-Key
        end = wire.LinesEnd(wire.Totals(**self._totals), problem and problem_body(problem))
        await send({"type": "http.response.body", "body": msgspec.json.encode(end) + b"\n", "more_body": False})

    async def _answers(self, batch: list[Line]) -> Sequence[msgspec.Struct]:
        if not is_known_still(self._service, self._key):
            raise unauthorised()
        if not self._is_begun:
            self._is_begun = True
            batch = self._without_options(batch)
        read = await self._service.disk.run(_rows, batch, self._verb.body)
        rows = [one for one in read if isinstance(one, Row)]
        async with self._service.memories.use(self._memory) as held:
            results, receipts = await self._verb.do(held, rows)
        done = iter(results)
        told = [_told(next(done), one.number) if isinstance(one, Row) else one for one in read]
        self._totals.update(one.status for one in told)
        return [*told, *receipts]

    def _without_options(self, batch: list[Line]) -> list[Line]:
        """The lines after the first, where that is one of options."""
        first, *rest = batch
        try:
            options = msgspec.json.decode(first.text or b"", type=wire.OptionsLine)
        except msgspec.DecodeError:
            return batch
        self._verb.take(options.options)
        return rest

    async def _write(self, send: Send, told: Sequence[msgspec.Struct]) -> None:
        """Raises `TimeoutError` where the caller has not read for as long as a body may take to come."""
        body = b"".join(msgspec.json.encode(one) + b"\n" for one in told)
        async with asyncio.timeout(self._service.settings.body_seconds):
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _problem(self, error: ProtomemError | HttpProblem) -> HttpProblem:
        problem = as_problem(error)
        if problem.status >= 500:
            log.error("lines ended", verb=type(self._verb).__name__, error=type(error).__name__, exc_info=error)
        return problem


def _rows(batch: list[Line], body: type[Any]) -> list[Row | wire.LineDone]:
    """The lines as what they say, and of those that say nothing that can be understood, why."""
    decoder = msgspec.json.Decoder(body)
    return [_row(line, decoder) for line in batch]


def _row(line: Line, decoder: msgspec.json.Decoder[Any]) -> Row | wire.LineDone:
    if line.text is None:
        return _failed(line.number, too_large(f"the line is longer than {LINE_BYTES} bytes: send its item by itself"))
    try:
        return Row(line.number, decoder.decode(line.text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _failed(line.number, as_problem(error))


def _told(result: wire.LineDone | HttpProblem, number: int) -> wire.LineDone:
    return _failed(number, result.at(_in_line(result.path))) if isinstance(result, HttpProblem) else result


def _in_line(path: str | None) -> str | None:
    """The place in a line, of one in a list of what the lines of a batch say."""
    return path and PLACE.sub(lambda found: f"$.{NAMES[found[1]]}", path)


def _failed(number: int, problem: HttpProblem) -> wire.LineDone:
    return wire.LineDone(line=number, status="error", problem=problem_body(problem))
