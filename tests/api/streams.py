"""A caller that sends lines and reads answers at the same time, as slowly or as briefly as a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, Self

from tests.api.processes import KEYS, ServerProcess

Told = dict[str, Any]

CHUNK = 50_000
"""Bytes sent at a time."""


class Stream:
    """One request by the line, over a connection of its own."""

    def __init__(self, server: ServerProcess, verb: str, memory: str = "m", key: str = "", role: str = "admin") -> None:
        self._server = server
        self._head = (
            f"POST /v1/memories/{memory}/{verb} HTTP/1.1\r\nHost: {server.url.rpartition('/')[2]}\r\n"
            f"Authorization: Bearer {KEYS[role]}\r\nContent-Type: application/x-ndjson\r\n"
            f"Transfer-Encoding: chunked\r\nConnection: close\r\n"
            + (f"Idempotency-Key: {key}\r\n" if key else "")
            + "\r\n"
        )
        self.status = 0
        self.sending: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        host, _, port = self._server.url.removeprefix("http://").partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(self._head.encode())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Be gone, in the middle of whatever it is."""
        if self.sending is not None:
            self.sending.cancel()
            await asyncio.wait([self.sending])
        self._writer.transport.abort()
        with contextlib.suppress(OSError):  # the server may be gone too
            await self._writer.wait_closed()

    def begin(self, lines: Iterable[bytes], *, end: bool = True) -> None:
        """Send these lines while answers are read."""
        self.sending = asyncio.ensure_future(self.send(lines, end=end))

    async def send(self, lines: Iterable[bytes], *, end: bool = True) -> None:
        """Send these lines, as fast as they are taken."""
        part: list[bytes] = []
        length = 0
        for line in lines:
            part.append(line)
            length += len(line) + 1
            if length >= CHUNK:
                await self._chunk(b"\n".join(part) + b"\n")
                part, length = [], 0
        if part:
            await self._chunk(b"\n".join(part) + b"\n")
        if end:
            self._writer.write(b"0\r\n\r\n")
            await self._writer.drain()

    async def answers(self) -> AsyncIterator[Told]:
        """What comes back, line by line."""
        self.status = int((await self._reader.readline()).split()[1])
        while (await self._reader.readline()).strip():
            """The headers are over at an empty line."""
        rest = b""
        while size := int((await self._reader.readline()).strip() or b"0", 16):
            *lines, rest = (rest + await self._reader.readexactly(size)).split(b"\n")
            await self._reader.readexactly(2)
            for line in lines:
                yield json.loads(line)
        assert not rest

    async def _chunk(self, content: bytes) -> None:
        self._writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self._writer.drain()


def exchanged(stream: Stream, lines: Iterable[bytes]) -> list[Told]:
    """Everything that is answered to these lines."""

    async def exchange() -> list[Told]:
        async with stream:
            stream.begin(lines)
            return [one async for one in stream.answers()]

    return asyncio.run(exchange())
