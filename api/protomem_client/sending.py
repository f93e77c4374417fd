"""How requests are sent: one pool of connections, a time limit, and retries, in one thread or in an event loop.

A request is sent again when it got no answer, or was told to come again. That is safe: reads change nothing, and every
write carries an idempotency key, by which the server tells a second coming from another request, or is known by itself.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, final

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from protomem.errors import InvalidInput, MemoryClosed, ServerUnavailable
from protomem_client.steps import Reply, Request, Steps

__all__ = ["AsyncSender", "Link", "Sender"]

T = TypeVar("T")

CONNECT_SECONDS: Final = 5.0
"""For a connection; a server that is there takes it in a fraction of this."""

TOLD_TO_WAIT: Final = (429, 502, 503, 504)
"""Too many requests, a server that is busy, and a proxy before a server that is not there for the moment."""

NO_ANSWER: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)

LONGEST_WAIT: Final = 60.0
"""Seconds between two attempts, however long the server asks for."""

BACKOFF: Final = wait_random_exponential(multiplier=0.1, max=5)
"""Up to 0.1, 0.2, 0.4 ... seconds, at random, so that many clients do not come back at once."""


@final
@dataclass(frozen=True, slots=True)
class Link:
    """Where the server is and how it is asked. The key shows in no repr."""

    url: str
    key: str | None = field(repr=False)
    timeout: float
    attempts: int

    def __post_init__(self) -> None:
        _check_url(self.url)
        _check_key(self.key)
        if not self.timeout > 0:
            raise InvalidInput(f"timeout is {self.timeout!r}: it must be a number of seconds above 0")
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise InvalidInput(f"attempts is {self.attempts!r}: it must be a whole number, at least 1")

    def options(self) -> dict[str, Any]:
        """The arguments of a client of httpx."""
        return {
            "base_url": self.url,
            "auth": None if self.key is None else Bearer(self.key),
            "timeout": httpx.Timeout(self.timeout, connect=min(self.timeout, CONNECT_SECONDS)),
            "headers": {
                "Accept": "application/json, application/octet-stream, application/problem+json",
                "User-Agent": "protomem",
            },
        }

    def policy(self) -> dict[str, Any]:
        """When a request is sent again, for tenacity."""
        return {
            "stop": stop_after_attempt(self.attempts),
            "wait": _wait,
            "retry": retry_if_exception_type(NO_ANSWER) | retry_if_result(_told_to_wait),
            "retry_error_callback": _last,
        }

    def unreachable(self, request: Request, error: Exception) -> ServerUnavailable:
        """The error of a request that got no answer."""
        why = str(error) or type(error).__name__
        known = request.unanswered
        if request.idempotency_key is not None:
            known = (
                "; whether the change was made is not known: the same call with idempotency_key="
                f"{request.idempotency_key!r} makes it, or returns its receipt"
            )
        return ServerUnavailable(f"{self.url} did not answer ({why}): check the url and that the server runs{known}")


@final
class Bearer(httpx.Auth):
    """Sends the key with every request. A client's headers would show it to whoever prints them."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Any:
        """Of httpx: the request with its key."""
        request.headers["Authorization"] = self._header
        yield request


@final
class Sender:
    """Runs calls one after the other; may be shared by threads."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._http = httpx.Client(**link.options())
        self._retrying = Retrying(**link.policy())

    def run(self, steps: Steps[T]) -> T:
        """The result of a call."""
        try:
            request = next(steps)
            while True:
                request = steps.send(self._reply(request))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what the generator returns

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _reply(self, request: Request) -> Reply:
        _require_open(self._http)
        time.sleep(request.after)
        try:
            return self._retrying(self._send, request.attempts())
        except httpx.HTTPError as error:
            raise self._link.unreachable(request, error) from error

    def _send(self, attempts: Iterator[Request]) -> Reply:
        return _reply(self._http.request(**_arguments(next(attempts))))


@final
class AsyncSender:
    """Runs calls in an event loop of asyncio."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._http = httpx.AsyncClient(**link.options())
        self._retrying = AsyncRetrying(**link.policy())

    async def run(self, steps: Steps[T]) -> T:
        """The result of a call."""
        try:
            request = next(steps)
            while True:
                request = steps.send(await self._reply(request))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what the generator returns

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def _reply(self, request: Request) -> Reply:
        _require_open(self._http)
        await asyncio.sleep(request.after)
        try:
            return await self._retrying(self._send, request.attempts())
        except httpx.HTTPError as error:
            raise self._link.unreachable(request, error) from error

    async def _send(self, attempts: Iterator[Request]) -> Reply:
        return _reply(await self._http.request(**_arguments(next(attempts))))


def _arguments(request: Request) -> Mapping[str, Any]:
    return {
        "method": request.method,
        "url": request.path,
        "content": request.body,
        "params": request.params or None,
        "headers": request.headers(),
    }


def _reply(response: httpx.Response) -> Reply:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Reply(response.status_code, media_type, response.content, _seconds(response.headers.get("retry-after")))


def _seconds(told: str | None) -> float | None:
    return float(told) if told is not None and told.isascii() and told.isdigit() else None


def _told_to_wait(reply: Reply) -> bool:
    return reply.status in TOLD_TO_WAIT


def _wait(state: RetryCallState) -> float:
    reply = None if state.outcome is None or state.outcome.failed else state.outcome.result()
    told = reply.retry_after if reply is not None and reply.retry_after is not None else 0.0
    return min(told + BACKOFF(state), LONGEST_WAIT)


def _last(state: RetryCallState) -> Reply:
    """What the last attempt came to."""
    assert state.outcome is not None  # noqa: S101  # there was one
    return state.outcome.result()  # type: ignore[no-any-return]  # of `_send`


def _require_open(http: httpx.Client | httpx.AsyncClient) -> None:
    if http.is_closed:
        raise MemoryClosed("this client is closed: make another one")


def _check_url(url: Any) -> None:
    if not isinstance(url, str):
        raise InvalidInput(f"url is a {type(url).__name__}: pass a string such as http://127.0.0.1:8000")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput(f"the url cannot be read ({error}): write it as in http://127.0.0.1:8000") from None
    if parsed.userinfo:
        raise InvalidInput("the url holds a name or a password: leave it out, and pass the API key as key=")
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise InvalidInput(f"url is {url!r}: it must be that of a server, such as http://127.0.0.1:8000")


def _check_key(key: Any) -> None:
    """Without ever showing it."""
    if key is not None and not (isinstance(key, str) and re.fullmatch(r"[!-~]+", key)):
        raise InvalidInput("key is no API key: pass the secret that `protomem keys create` printed, as one word")
