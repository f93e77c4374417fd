"""One call on three memories, embedded, of a client, and of a client in an event loop, and what came of it."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.serving import Served

import protomem

HAS_JOBS = "/v1/jobs/{id}" in json.loads((Path(__file__).parents[2] / "api" / "openapi.json").read_bytes())["paths"]
"""Whether this service has the routes of jobs. Without them, verify, purge and report cannot be asked for."""

NUMBERS = count(1)
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+")


class Outcome(NamedTuple):
    """What a call returned, or the error it raised with its message."""

    returned: Any
    raised: str | None


class Trio:
    """Three memories of the same settings, asked the same."""

    def __init__(self, server: Served, key: str, embedded: protomem.Memory, **settings: Any) -> None:
        self.loop = asyncio.Runner()
        self.client = protomem.Client(server.url, key)
        self.async_client = protomem.AsyncClient(server.url, key)
        self.embedded = embedded
        self.remote = self.client.memory(f"sync-{next(NUMBERS)}", **settings)
        self.async_remote = self.loop.run(self.async_client.memory(f"async-{next(NUMBERS)}", **settings))
        self.memories = (self.embedded, self.remote, self.async_remote)

    def call(self, name: str, *each: tuple, **options: Any) -> list[Any]:
        """What the method returns, of the three. Asserts that it comes to the same.

        `each` are the arguments: those of all, or those of each of the three.
        """
        arguments = each if len(each) == 3 else each * 3
        done = [
            self._called(memory, name, given, options) for memory, given in zip(self.memories, arguments, strict=True)
        ]
        comparable = [outcome._replace(returned=plain(outcome.returned)) for outcome in done]
        for outcome in comparable[1:]:
            assert outcome == comparable[0], f"a client differs: {outcome}\nfrom what is embedded: {comparable[0]}"
        return [outcome.returned for outcome in done]

    def check_state(self) -> None:
        """Digest, examples, classes and what the receipts commit to are the same: a purge not made shows."""
        self.call("digest", ())
        self.call("classes", ())
        for receipts, memory in zip(self.call("receipts", ()), self.memories, strict=True):
            assert all(check.ok for check in protomem.audit_chain(receipts, memory.public_key))
        assert len(self.remote) == self.loop.run(self.async_remote.count()) == len(self.embedded)

    def close(self) -> None:
        self.embedded.close()
        for name in (self.remote.name, self.async_remote.name):
            self.client.delete(name)
        self.client.close()
        self.loop.run(self.async_client.close())
        self.loop.close()

    def _called(self, memory: Any, name: str, given: tuple, options: dict[str, Any]) -> Outcome:
        try:
            return Outcome(self._finished(getattr(memory, name)(*given, **options)), None)
        except protomem.ProtomemError as error:
            return Outcome(None, f"{type(error).__name__}: {TIME.sub('', str(error))}")

    def _finished(self, found: Any) -> Any:
        if inspect.isasyncgen(found):
            return self.loop.run(_listed(found))
        if inspect.iscoroutine(found):
            return self.loop.run(found)
        return list(found) if isinstance(found, Iterator) else found


async def _listed(found: Any) -> list[Any]:
    return [one async for one in found]


def plain(found: Any) -> Any:
    """Without what is of one memory alone: in receipts the id, the time, the signature and the keyed hashes; in
    contributions the key and the signature."""
    if isinstance(found, list):
        return [plain(one) for one in found]
    if isinstance(found, protomem.Contribution):
        return replace(found, public_key="", signature="")
    if not isinstance(found, protomem.Receipt):
        return found
    hashes = ("",) * len(found.id_hashes)
    return replace(found, id="", at="", previous="", request="", signature="", id_hashes=hashes)
