"""A connection to the server: plain predicts are answered at once, all else goes to uvicorn's protocol as it came.

A parser that sees every byte tells requests apart. One that is plain is answered when those before it are, in one
piece, without an ASGI application around it; what comes meanwhile waits. uvicorn's own parser never sees it.

A request that asks to go on in another protocol is answered in this one, as a server may (RFC 9110, 7.8): Java's client
asks so with its first request unless told otherwise, and curl with `--http2`. httptools would not read its body.
"""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Final, cast, final

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from protomem_api.border import SECURITY, expired
from protomem_api.observing import observe
from protomem_api.problems import HeaderLines, told
from protomem_api.quick import MOST_BYTES, ROUTE, Asked, Message, Quick

__all__ = ["NEVER", "Connection", "connected", "without_upgrade"]

REST_SECONDS: Final = 0.2
"""Within which the rest of a head has to come, or of a plain predict: clients send both one after the other."""

IDLE_SECONDS: Final = 5.0
"""How often a connection is looked at. One that had nothing to do at the last look, and got nothing, is closed."""

NEVER: Final = 10**8
"""Seconds until uvicorn closes an idle connection: it does not see all that is asked there, so that is done here."""

JSON: Final = [(b"content-type", b"application/json")]


def connected(
    quick: Quick, config: uvicorn.Config, server_state: Any, app_state: dict[str, Any], _loop: Any = None
) -> Connection:
    """A new connection; all but the first argument are those with which uvicorn makes its own."""
    return Connection(quick, HttpToolsProtocol(config, server_state, app_state, _loop))


@final
class Connection(asyncio.Protocol):
    """One connection, around that of uvicorn."""

    def __init__(self, quick: Quick, inner: HttpToolsProtocol) -> None:
        self._quick = quick
        self._inner = inner
        self._loop = asyncio.get_running_loop()
        self._message = Message()
        self._number = 0  # of the request of which `held` is the beginning, or all
        self._held = b""
        self._asked: Asked | None = None  # what is being answered
        self._late: asyncio.TimerHandle
        self._waiting: list[bytes] = []
        self._rest: asyncio.TimerHandle | None = None
        self._is_behind = False  # this request, one that uvicorn has not answered yet
        self._is_passed = False  # some of it, to uvicorn
        self._is_foreign = False  # all that comes: the parser could not read on
        self._is_full = False  # the caller reads no answers
        self._is_quiet = False  # at the last look, and since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(self._transport)
        self._look = self._loop.call_later(IDLE_SECONDS, self._close_if_idle)

    def connection_lost(self, error: Exception | None) -> None:
        self._look.cancel()
        self._stop_waiting()
        self._inner.connection_lost(error)

    def eof_received(self) -> None:
        self._inner.eof_received()

    def pause_writing(self) -> None:
        self._is_full = True
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._is_full = False
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._is_quiet = False
        if self._asked is not None:
            self._waiting.append(data)
            self._transport.pause_reading()
        elif self._is_foreign:
            self._inner.data_received(data)
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Take what came at the beginning of a request, or within one."""
        message = self._message
        if message.is_whole:
            self._is_behind, self._is_passed = self._is_inner_busy, False
            self._number = message.ended + 1
        self._held += data
        try:
            message.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._reads_without_upgrade():
                return
            self._is_foreign = True
        except httptools.HttpParserError:
            self._is_foreign = True
        asked = self._plain()
        if asked is not None and message.is_whole:
            self._answer(asked)
        elif asked is None and not self._is_head:
            self._pass()
        elif self._rest is None:
            self._rest = self._loop.call_later(REST_SECONDS, self._pass)

    def _reads_without_upgrade(self) -> bool:
        """Read the request that is held as if it asked for no other protocol, if all of it is here and nothing else."""
        held = without_upgrade(self._held)
        if not self._may_wait or held == self._held:
            return False
        self._message, self._held = Message(), b""
        self._read(held)
        return True

    def _plain(self) -> Asked | None:
        """The plain predict that is held, and nothing beside it."""
        if not self._may_wait or self._is_behind or self._is_full or self._is_crowded:
            return None
        return self._quick.asked(self._message)

    @property
    def _is_head(self) -> bool:
        """Whether what is held is a head that goes on."""
        return self._may_wait and not self._message.has_head and len(self._held) <= MOST_BYTES

    @property
    def _may_wait(self) -> bool:
        """Whether what is held is of one request, of which nothing went to uvicorn."""
        return not self._is_passed and not self._is_foreign and self._message.begun == self._number

    @property
    def _is_inner_busy(self) -> bool:
        cycle = self._inner.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def _is_crowded(self) -> bool:
        """Whether there are so many connections that uvicorn refuses."""
        most = self._inner.limit_concurrency
        return most is not None and len(self._inner.connections) >= most

    def _pass(self) -> None:
        """Leave this request to uvicorn."""
        self._stop_waiting()
        self._is_passed = True
        held, self._held = self._held, b""
        if not self._transport.is_closing():
            self._inner.data_received(held)

    def _stop_waiting(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _answer(self, asked: Asked) -> None:
        self._stop_waiting()
        self._asked = asked
        self._quick.under_way += 1
        self._late = self._loop.call_later(self._quick.seconds, self._expire, asked)
        self._quick.answer(asked, partial(self._answered, asked))

    def _answered(self, asked: Asked, body: bytes | None) -> None:
        if self._asked is not asked:
            return  # the caller was told that it takes too long
        if body is not None:
            self._tell(asked, HTTPStatus.OK, JSON, body)
        else:  # the route is asked the same, and tells what is to be told
            self._end()
            self._pass()
            self._go_on()

    def _expire(self, asked: Asked) -> None:
        """Tell the caller that it takes too long. What was begun goes on to its end; its answer goes nowhere."""
        self._tell(asked, *told(expired(self._quick.seconds)))

    def _tell(self, asked: Asked, status: int, headers: HeaderLines, body: bytes) -> None:
        self._end()
        self._held = b""
        if not self._transport.is_closing():
            dated = self._inner.server_state.default_headers
            head = _head(status, (*dated, *headers, *SECURITY))
            self._transport.write(
                b"%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (head, len(body), asked.id, body)
            )
        observe("POST", ROUTE, asked.key, asked.id.decode(), status, time.perf_counter() - asked.begun)
        self._go_on()

    def _end(self) -> None:
        self._late.cancel()
        self._asked = None
        self._quick.under_way -= 1

    def _go_on(self) -> None:
        """Take what came while one was answered."""
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.resume_reading()
            for data in waiting:
                self.data_received(data)

    def _close_if_idle(self) -> None:
        is_between = self._message.is_whole or self._is_foreign
        is_done = self._asked is None and is_between and not self._is_inner_busy
        if self._is_quiet and is_done:
            self._transport.close()
            return
        self._is_quiet = is_done
        self._look = self._loop.call_later(IDLE_SECONDS, self._close_if_idle)


def without_upgrade(request: bytes) -> bytes:
    """A request, or its beginning, without the header that asks for another protocol."""
    head, end, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if line.partition(b":")[0].lower() != b"upgrade"]
    return b"\r\n".join(lines) + end + body


@lru_cache(maxsize=4)  # the same for all answers of a second
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    return b"HTTP/1.1 %d %b\r\n%b" % (status, HTTPStatus(status).phrase.encode(), lines)
