"""A caller that sends lines and reads answers at the same time, as slowly or as briefly as a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

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

    async def open(self) -> None:
        host, _, port = self._server.url.removeprefix("http://").partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(self._head.encode())

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

    def close(self) -> None:
        """Be gone, in the middle of whatever it is."""
        self._writer.transport.abort()

    async def _chunk(self, content: bytes) -> None:
        self._writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        await self._writer.drain()


def exchanged(stream: Stream, lines: Iterable[bytes]) -> list[Told]:
    """Everything that is answered to these lines."""

    async def exchange() -> list[Told]:
        await stream.open()
        sending = asyncio.ensure_future(stream.send(lines))
        told = [one async for one in stream.answers()]
        await sending
        stream.close()
        return told

    return asyncio.run(exchange())
