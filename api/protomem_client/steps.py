"""What a call does, step by step, without saying how a request is sent.

A call is a generator: it yields requests, gets a reply for each, and returns its result or raises. `Sender` and
`AsyncSender` run it; so everything but the sending is written once for both.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar, final

__all__ = ["JSON", "OCTETS", "Reply", "Request", "Steps"]

Result = TypeVar("Result")

JSON = "application/json"
OCTETS = "application/octet-stream"


@final
@dataclass(frozen=True, slots=True)
class Request:
    """One request, `path` below the server's URL; it is sent `after` so many seconds.

    `again` is the body from the second attempt on, where the first one may have been made. `unanswered` is what to try
    if no attempt is answered, besides the call with the same `idempotency_key`.
    """

    method: str
    path: str
    body: bytes | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    after: float = 0.0
    media_type: str = JSON
    again: bytes | None = None
    unanswered: str = ""

    def attempts(self) -> Iterator[Request]:
        """What is sent, each time."""
        yield self
        while True:
            yield self if self.again is None else replace(self, body=self.again)

    def headers(self) -> dict[str, str]:
        """Those that are this request's alone."""
        content = {} if self.body is None else {"Content-Type": self.media_type}
        return content | ({} if self.idempotency_key is None else {"Idempotency-Key": self.idempotency_key})


@final
@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered. `media_type` without parameters; `retry_after` in seconds where the server asks to wait."""

    status: int
    media_type: str
    content: bytes
    retry_after: float | None = None


Steps: TypeAlias = Generator[Request, Reply, Result]
