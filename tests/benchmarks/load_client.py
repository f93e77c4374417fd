"""Requests over raw sockets, as many as asked for: HTTP/1.1, kept connections, no client library to wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

__all__ = ["Connection", "Served", "closed_loop", "open_loop", "request_bytes", "together"]


def request_bytes(path: str, body: bytes, key: str | None = None, method: str = "POST") -> bytes:
    """One request, ready to be sent."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True)
class Served:
    """What came of a load: the seconds each request took, how many were not answered 2xx, and the seconds of it all."""

    seconds: Sequence[float]
    failed: int
    wall: float

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.seconds) / self.wall

    def percentile(self, share: float) -> float:
        """The time, in milliseconds, within which this share of the requests was answered."""
        ordered = sorted(self.seconds)
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def late(self) -> float:
        """Within which 99 % were answered, in milliseconds."""
        return self.percentile(0.99)


def together(parts: Sequence[Served]) -> Served:
    """Several loads as one."""
    seconds = [one for part in parts for one in part.seconds]
    return Served(seconds, sum(part.failed for part in parts), sum(part.wall for part in parts))


class Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self._found = b""
        self._answer: asyncio.Future[bytes]
        self._transport: asyncio.Transport

    @classmethod
    async def to(cls, port: int) -> Connection:
        """A connection to this port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> bytes:
        """The answer, head and body, to a request."""
        self._answer = asyncio.get_running_loop().create_future()
        self._found = b""
        self._transport.write(request)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._found += data
        end = self._found.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._found.find(b"content-length: ")
        length = int(self._found[at + 16 : self._found.index(b"\r", at)])
        if len(self._found) >= end + 4 + length and not self._answer.done():
            self._answer.set_result(self._found)

    def connection_lost(self, error: Exception | None) -> None:
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))


async def closed_loop(port: int, make: Callable[[int], bytes], clients: int, seconds: float) -> Served:
    """So many clients, each sending its next request when the last was answered."""
    numbers, took, failed = count(), [], 0
    start = time.perf_counter()

    async def client() -> None:
        nonlocal failed
        connection = await Connection.to(port)
        while (begun := time.perf_counter()) < start + seconds:
            answer = await connection.ask(make(next(numbers)))
            took.append(time.perf_counter() - begun)
            failed += not answer.startswith(b"HTTP/1.1 2")

    await asyncio.gather(*(client() for _ in range(clients)))
    return Served(took, failed, time.perf_counter() - start)


async def open_loop(
    port: int, make: Callable[[int], bytes], rate: float, seconds: float, connections: int = 32
) -> Served:
    """Requests at fixed times, whether or not those before were answered; each is timed from when it was due."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await Connection.to(port))
    took: list[float] = []
    failed = 0
    start = time.perf_counter()

    async def one(number: int, due: float) -> None:
        nonlocal failed
        connection = await free.get()
        answer = await connection.ask(make(number))
        took.append(time.perf_counter() - due)
        failed += not answer.startswith(b"HTTP/1.1 2")
        free.put_nowait(connection)

    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    return Served(took, failed, time.perf_counter() - start)
