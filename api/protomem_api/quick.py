"""The one route that programs call all the time, without what a framework does for every route.

A plain `predict` (POST, JSON of a known and small length, a key that may read) is answered in the same batches as those
of its route, from the bytes of its request to those of its answer; for vectors without a task of its own. Whatever is
not plain, and whatever goes wrong, is left to the route, which gets the same bytes and tells it as it is documented.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, final

import httptools
import msgspec

from protomem_api import wire
from protomem_api.border import refusal, request_id
from protomem_api.conversions import answers_out
from protomem_api.guards import known_key
from protomem_api.keys import Key
from protomem_api.predictions import Answers, begun
from protomem_api.problems import HttpProblem
from protomem_api.service import Service

__all__ = ["MOST_BYTES", "ROUTE", "Asked", "Message", "Quick"]

ROUTE: Final = "/v1/memories/{name}/predict"
PATH: Final = re.compile(rb"/v1/memories/([A-Za-z0-9_.-]+)/predict")

MOST_BYTES: Final = 64 * 1_024
"""Of a body that is read here: some items. With more of them the framework's part is small."""

NOT_PLAIN: Final = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for more than an answer."""

FINISH_SECONDS: Final = 0.01
"""Between looks at what is under way when the server stops."""

_asked: Final = msgspec.json.Decoder(wire.Predict)
_told: Final = msgspec.json.Encoder()


@final
class Message:
    """The request that httptools reads on a connection, as far as it came: the last one that has begun."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.begun = self.ended = 0
        self._begin()

    def _begin(self) -> None:
        self.url = self.method = self.body = b""
        self.headers: dict[bytes, bytes] = {}
        self.is_doubled = False  # a header that stands there twice
        self.is_kept = False  # the connection, after the answer

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing of it, and no other has begun."""
        return self.begun == self.ended

    @property
    def has_head(self) -> bool:
        """Whether all its headers are there."""
        return bool(self.method)

    def on_message_begin(self) -> None:
        self.begun += 1
        self._begin()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.is_doubled = self.is_doubled or name in self.headers
        self.headers[name] = value

    def on_headers_complete(self) -> None:
        self.method = self.parser.get_method()
        self.is_kept = self.parser.should_keep_alive() and self.parser.get_http_version() == "1.1"

    def on_body(self, body: bytes) -> None:
        if len(self.body) <= MOST_BYTES:
            self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


@final
class Asked(NamedTuple):
    """A plain predict: of which memory, by whom, and since when on the clock of `time.perf_counter`."""

    name: str
    key: Key
    body: bytes
    id: bytes
    begun: float


@final
class Quick:
    """What tells plain predicts from other requests and answers them: `under_way` at a time, for `seconds` at most."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_open = True
        self.under_way = 0
        self.seconds = service.settings.request_seconds

    def asked(self, message: Message) -> Asked | None:
        """The plain predict that this is, as far as it came; None for any other request."""
        path = PATH.fullmatch(message.url)
        if not self._is_open or path is None or message.method != b"POST" or message.is_doubled or not message.is_kept:
            return None
        headers = message.headers
        length = headers.get(b"content-length", b"")
        if headers.get(b"content-type") != b"application/json" or not length.isdigit() or int(length) > MOST_BYTES:
            return None
        settings = self._service.settings
        if settings.rate or not NOT_PLAIN.isdisjoint(headers) or refusal("POST", headers, settings):
            return None
        name = path[1].decode()
        key = known_key(self._service, headers.get(b"authorization", b"").decode("latin-1"))
        if key is None or not key.may("read", name):
            return None
        return Asked(name, key, message.body, request_id(headers), time.perf_counter())

    def answer(self, asked: Asked, tell: Callable[[bytes | None], None]) -> None:
        """Tell the answers as JSON, when they are there; None where there is something to tell in their place."""
        try:
            answers = begun(self._service, asked.name, _asked.decode(asked.body))
        except (msgspec.MsgspecError, HttpProblem, UnicodeError):
            tell(None)
        else:
            answers.add_done_callback(partial(_tell, tell))

    async def finish(self) -> None:
        """Wait for those that are under way; nothing is plain any more."""
        self._is_open = False
        while self.under_way:
            await asyncio.sleep(FINISH_SECONDS)


def _tell(tell: Callable[[bytes | None], None], answers: asyncio.Future[Answers]) -> None:
    failed = answers.cancelled() or answers.exception() is not None
    tell(None if failed else _told.encode(answers_out(answers.result())))
