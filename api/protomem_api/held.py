"""A memory that is open, and what is kept beside its file to open it with."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple, final

import msgspec

import protomem
from protomem_api import wire
from protomem_api.batching import Batcher
from protomem_api.encoding import SharedEncoder
from protomem_api.problems import HttpProblem
from protomem_api.threads import Threads
from protomem_api.wire.shared import Retain

__all__ = ["Held", "Opening", "Size"]


class Opening(msgspec.Struct, frozen=True):
    """What is kept beside a memory, in NAME.duckdb.json, to open it with and to list it. No content.

    The digest depends on nothing in it. `retain` is None where an older release wrote it.
    """

    encoder: str
    kernel_rows: int = 0
    retain: Retain | None = None


@final
class Size(NamedTuple):
    """How much a memory holds."""

    examples: int
    classes: int

    @classmethod
    def of(cls, memory: protomem.Memory) -> Size:
        """As it is now. Waits for whoever works with the memory."""
        return cls(len(memory), len(memory.classes()))


@final
class Held:
    """A memory that is open, how many requests use it, and since when none does.

    `size` is as it was seen last: a job may hold the memory for minutes, and who counts must not wait for it.
    """

    def __init__(self, name: str, memory: protomem.Memory, encoder: SharedEncoder, opening: Opening) -> None:
        self.name = name
        self.memory = memory
        self.encoder = encoder
        self.kernel_rows = opening.kernel_rows
        self.users = 0
        self.used = time.monotonic()
        self.unused = asyncio.Event()
        self.batchers: dict[bytes, Batcher[Any, protomem.Answer]] = {}
        self.size = Size.of(memory)
        self._measured = self.used
        self._measuring: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def in_use(self) -> Iterator[Held]:
        """It stays open until the block ends."""
        self.users += 1
        try:
            yield self
        finally:
            self.users -= 1
            if not self.users:
                self.used = time.monotonic()
                self.unused.set()

    @property
    def may_have_changed(self) -> bool:
        """Whether it was used since its size was seen."""
        return self.users > 0 or self.used >= self._measured

    def measuring(self, disk: Threads) -> asyncio.Task[None]:
        """Sees the size, in a thread; one at a time."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.get_running_loop().create_task(self._measure(disk))
        return self._measuring

    async def _measure(self, disk: Threads) -> None:
        begun = time.monotonic()
        with contextlib.suppress(protomem.ProtomemError, HttpProblem):  # closed meanwhile, or the threads are full
            self.size = await disk.run(Size.of, self.memory)
            self._measured = begun

    def summary(self) -> wire.MemorySummary:
        """The memory in a list."""
        return wire.MemorySummary(
            name=self.name,
            encoder=self.memory.settings.encoder,
            retain=self.memory.settings.retain,
            is_open=True,
            examples=self.size.examples,
            classes=self.size.classes,
        )

    def info(self) -> wire.MemoryInfo:
        """The memory as it is now. Takes a moment: the digest is over all its sums."""
        settings = self.memory.settings
        space = settings.space
        return wire.MemoryInfo(
            name=self.name,
            encoder=settings.encoder,
            retain=settings.retain,
            dimension=space.dimension,
            width=space.width,
            kernel_rows=self.kernel_rows,
            encoder_fingerprint=space.encoder,
            books=space.books,
            keys=space.keys,
            modes=space.modes,
            seed=space.seed,
            examples=len(self.memory),
            classes=len(self.memory.classes()),
            digest=self.memory.digest(),
            public_key=self.memory.public_key,
        )
