"""What every request passes on its way in, and every answer on its way out.

In: an id; no compressed bodies; no pages of other origins; a time within which the body has to come. Out: security
headers, the id, and one line in the log and in the metrics. It wraps the whole application, so that it holds for what
is not routed too.
"""

from __future__ import annotations

import asyncio
import re
import secrets as dice
import time
from collections.abc import Mapping
from itertools import count
from typing import Final, final

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)

from protomem_api.ndjson import has_lines
from protomem_api.observing import observe
from protomem_api.problems import (
    HttpProblem,
    busy,
    foreign_origin,
    told,
    too_slow,
    unsupported_media,
)
from protomem_api.settings import LOOPBACK, Settings

__all__ = ["SECURITY", "Border", "Headers", "expired", "refusal", "request_id"]

REQUEST_ID = re.compile(rb"^[A-Za-z0-9_.-]{1,64}$")

RUN: Final = dice.token_hex(4).encode()
NUMBERS: Final = count(1)
"""A request's id is that of this run of the server and a number: dice for each would cost more than its routing."""

SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""What an answer has where its route says nothing else: a page sends its own policy, a file may be kept."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Headers = dict[bytes, bytes]
ReceiveMessage = HTTPReceiveMessage | WebSocketReceiveMessage


@final
class Border:
    """The application between its two borders."""

    def __init__(self, app: ASGIApp, settings: Settings, methods: Mapping[str, str]) -> None:
        """`methods` are those of each route, by its template: Litestar's own answer to OPTIONS forgets some of a path
        whose handlers are several functions."""
        self._app = app
        self._settings = settings
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        exchange = Exchange(scope, headers, receive, send, self._settings, self._methods)
        late = asyncio.get_running_loop().call_later(self._settings.request_seconds, exchange.expire)
        try:
            if problem := refusal(scope["method"], headers, self._settings):
                await exchange.tell(problem)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        finally:
            late.cancel()
            exchange.end()


def refusal(method: str, headers: Headers, settings: Settings) -> HttpProblem | None:
    """What a request is told for its headers alone, if anything."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return unsupported_media("compressed bodies are not read: send it as it is, without Content-Encoding")
    host = headers.get(b"host", b"")
    if not settings.auth and host.rpartition(b":")[0].strip(b"[]").decode("latin-1") not in LOOPBACK:
        return foreign_origin()  # a name of elsewhere that was made to point here
    origin = headers.get(b"origin")
    if origin is not None and method not in SAFE_METHODS and origin.partition(b"://")[2] != host:
        return foreign_origin()
    return None


def request_id(headers: Headers) -> bytes:
    """The id that a caller gave a request, or one of its own."""
    given = headers.get(b"x-request-id", b"")
    return given if REQUEST_ID.match(given) else b"%s-%x" % (RUN, next(NUMBERS))


def expired(seconds: float) -> HttpProblem:
    """A request that was not answered within the seconds it may take."""
    return busy(
        f"not done after {seconds:g} s, and it may be done yet: ask again, and send a change again with the same "
        "Idempotency-Key"
    )


@final
class Exchange:
    """One request and its answer, timed. What is sent after the caller was told of a timeout goes nowhere."""

    def __init__(
        self,
        scope: HTTPScope,
        headers: Headers,
        receive: Receive,
        send: Send,
        settings: Settings,
        methods: Mapping[str, str],
    ) -> None:
        self.id = request_id(headers)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._settings = settings
        self._methods = methods
        self._begun = time.perf_counter()
        self._body_due = asyncio.get_running_loop().time() + settings.body_seconds
        self._body_came = False
        self._has_lines = has_lines(headers)
        self._status = 0
        self._expired = False
        self._telling: asyncio.Task[None] | None = None
        scope["state"]["request_id"] = self.id.decode()

    async def receive(self) -> ReceiveMessage:
        """The next part of the body, in time: of lines each part has its own, as they may go on and on."""
        if self._body_came:
            return await self._receive()
        if self._has_lines:
            self._body_due = asyncio.get_running_loop().time() + self._settings.body_seconds
        try:
            async with asyncio.timeout_at(self._body_due):
                message = await self._receive()
        except TimeoutError:
            raise too_slow(self._settings.body_seconds) from None
        self._body_came = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer, with what every answer has."""
        if self._expired:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            own = {name.lower() for name, _ in message["headers"]}
            added = [header for header in SECURITY if header[0] not in own]
            headers = [*message["headers"], *added, (b"x-request-id", self.id)]
            if self._scope["method"] == "OPTIONS" and (told := self._methods.get(self._scope.get("path_template", ""))):
                headers = [(name, value) for name, value in headers if name.lower() != b"allow"]
                headers.append((b"allow", told.encode()))
            message["headers"] = headers
        await self._send(message)

    async def tell(self, problem: HttpProblem) -> None:
        """Answer with a problem."""
        status, headers, body = told(problem)
        headers.append((b"content-length", b"%d" % len(body)))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def expire(self) -> None:
        """Tell the caller that it takes too long. What was begun goes on to its end; its answer goes nowhere."""
        if not self._status:
            self._telling = asyncio.get_running_loop().create_task(self._tell_expired())

    async def _tell_expired(self) -> None:
        await self.tell(expired(self._settings.request_seconds))
        self._expired = True

    def end(self) -> None:
        """Write the request down."""
        scope = self._scope
        route, key = scope.get("path_template") or "none", scope.get("user")
        observe(scope["method"], route, key, self.id.decode(), self._status, time.perf_counter() - self._begun)
