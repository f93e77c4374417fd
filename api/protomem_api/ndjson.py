"""Lines of JSON as they come in, in batches: however long the stream, only a batch of it is held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, NamedTuple, final

from litestar.types import Receive

__all__ = ["LINES", "LINE_BYTES", "MEDIA_TYPE", "Line", "batches", "has_lines"]

MEDIA_TYPE: Final = "application/x-ndjson"

LINES: Final = 256
"""Most lines of a batch: they share one commit, and are answered together."""

BATCH_BYTES: Final = 4 * 2**20
"""A batch is not added to when it is as long; with a line of the longest it takes twice that."""

LINE_BYTES: Final = 4 * 2**20
"""Longest line: an image of 3 MB in base64. The texts and vectors that a server takes are far shorter."""


def has_lines(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request's body is one of lines, which may go on and on."""
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == MEDIA_TYPE.encode()


@final
class Line(NamedTuple):
    """A line and its number, from 1 on; `text` None was longer than LINE_BYTES, and is not held."""

    number: int
    text: bytes | None


@final
class Splitter:
    """Cuts a stream of chunks into lines. A line without anything in it counts, and is left out."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._length = 0
        self._number = 0

    def lines(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end in this chunk."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._add(end)
            yield from self.last()
        self._add(rest)

    def last(self) -> Iterator[Line]:
        """The line that has begun, ended here."""
        self._number += 1
        text = b"".join(self._begun).strip()
        if self._length > LINE_BYTES:
            yield Line(self._number, None)
        elif text:
            yield Line(self._number, text)
        self._begun, self._length = [], 0

    def _add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > LINE_BYTES:
            self._begun = []
        elif part:
            self._begun.append(part)


async def batches(receive: Receive, most: int) -> AsyncIterator[list[Line]]:
    """The lines of a request's body, at most `most` at a time; the next is read when the last is done with.

    Where a batch ends depends on the stream alone and not on when its parts come, so that the same stream has the same
    batches. Raises `ConnectionResetError` where the caller goes away before its end, and the lines of a batch that was
    not full are lost.
    """
    splitter, batch, length = Splitter(), list[Line](), 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionResetError("the caller went away in the middle of the body")
        more = message["more_body"]
        found = splitter.lines(message["body"]) if more else _ending(splitter, message["body"])
        for line in found:
            batch.append(line)
            length += len(line.text or b"")
            if len(batch) >= most or length >= BATCH_BYTES:
                yield batch
                batch, length = [], 0
    if batch:
        yield batch


def _ending(splitter: Splitter, chunk: bytes) -> Iterator[Line]:
    yield from splitter.lines(chunk)
    yield from splitter.last()
