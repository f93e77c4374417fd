"""The memories of a folder: opened when asked for, closed when idle, created and deleted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final
from weakref import WeakValueDictionary

import msgspec

import protomem
from protomem_api import wire
from protomem_api.encoding import Encoders
from protomem_api.held import Held, Opening
from protomem_api.metrics import CLASSES, EXAMPLES, OPEN_MEMORIES, SOLVING_SECONDS
from protomem_api.problems import conflict, invalid, not_found
from protomem_api.settings import Settings
from protomem_api.solving import SolvingProcess
from protomem_api.threads import Threads

__all__ = ["Held", "Memories"]

NAME = re.compile(wire.NAME_PATTERN)
SUFFIX = ".duckdb"

COUNT_SECONDS: Final = 0.2
"""How long is waited for the number of examples of an open memory, before what was seen last is told."""


@final
class Memories:
    """Belongs to one event loop; whatever touches a file runs in `disk`."""

    def __init__(self, settings: Settings, encoders: Encoders, disk: Threads, solving: SolvingProcess) -> None:
        self._folder = settings.data
        self._settings = settings
        self._encoders = encoders
        self._disk = disk
        self._solving = solving
        self._held: dict[str, Held] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._loading = asyncio.Lock()  # one at a time: two openings must not load the same encoder twice
        EXAMPLES.set_function(lambda: sum(held.size.examples for held in list(self._held.values())))
        CLASSES.set_function(lambda: sum(held.size.classes for held in list(self._held.values())))
        OPEN_MEMORIES.set_function(lambda: len(self._held))

    @asynccontextmanager
    async def use(self, name: str) -> AsyncIterator[Held]:
        """The open memory of this name, which stays open meanwhile. Raises the problem `not-found`."""
        with (self.open_one(name) or await self._opened(name)).in_use() as held:
            yield held

    def open_one(self, name: str) -> Held | None:
        """The memory of this name, if it is open."""
        return self._held.get(name)

    async def names(self) -> list[str]:
        """The names of all memories, sorted."""
        return await self._disk.run(self._listed)

    async def summaries(self, names: Sequence[str]) -> list[wire.MemorySummary]:
        """Those of these memories that are there, none of which is opened for it."""
        await self.measure(names)
        found = await self._disk.run(lambda: {name: self._opening(name) for name in names if self._file(name).exists()})
        return [self._summary(name, opening) for name, opening in found.items()]

    async def measure(self, names: Sequence[str] | None = None) -> None:
        """See how much these open memories hold, or all. One that a job works on keeps what was seen last."""
        chosen = self._held if names is None else names
        due = [held for name in chosen if (held := self._held.get(name)) and held.may_have_changed]
        if due:
            await asyncio.wait([held.measuring(self._disk) for held in due], timeout=COUNT_SECONDS)

    def _summary(self, name: str, opening: Opening | None) -> wire.MemorySummary:
        if held := self._held.get(name):
            return held.summary()
        encoder, retain = (opening.encoder, opening.retain) if opening else (None, None)
        return wire.MemorySummary(name=name, encoder=encoder, retain=retain, is_open=False, examples=None, classes=None)

    async def create(self, wanted: wire.CreateMemory) -> tuple[wire.MemoryInfo, bool]:
        """The memory of these settings, and whether it is new. Raises the problem `conflict` for other settings."""
        if NAME.fullmatch(wanted.name) is None:  # a pattern's $ lets a line feed at the end pass
            raise invalid(f"name must match {wire.NAME_PATTERN}", "$.name")
        self._check_encoder(wanted.encoder)
        self._check_size(wanted)
        async with self._lock(wanted.name):
            is_new = not await self._disk.run(self._file(wanted.name).exists)
            if is_new:
                await self._make(wanted)
        async with self.use(wanted.name) as held:
            info = await self._disk.run(held.info)
        asked = (wanted.encoder, wanted.retain, wanted.kernel_rows, wanted.width or info.width)
        if asked != (info.encoder, info.retain, info.kernel_rows, info.width):
            raise conflict(f"the memory {wanted.name!r} is there with other settings: choose another name")
        return info, is_new

    async def delete(self, name: str) -> None:
        """Close a memory, after what uses it, and remove its files."""
        async with self._lock(name):
            if NAME.fullmatch(name) is None or not await self._disk.run(self._file(name).exists):
                raise not_found()
            if held := self._held.pop(name, None):
                await self._unused(held)
                await self._disk.run(held.memory.close)
            await self._disk.run(self._remove, name)

    async def close_idle(self) -> None:
        """Close the memories that nobody has used for long, and those over the number that may be open."""
        now = time.monotonic()
        idle = sorted((held for held in self._held.values() if not held.users), key=lambda held: held.used)
        over = len(self._held) - self._settings.open_memories
        for row, held in enumerate(idle):
            if row < over or now - held.used > self._settings.idle_seconds:
                async with self._lock(held.name):
                    if not held.users and self._held.get(held.name) is held:
                        del self._held[held.name]
                        await self._disk.run(held.memory.close)

    async def close(self) -> None:
        """Close all of them."""
        for name in list(self._held):
            await self._disk.run(self._held.pop(name).memory.close)

    async def _opened(self, name: str) -> Held:
        if not NAME.fullmatch(name):
            raise not_found()
        async with self._lock(name):
            if held := self._held.get(name):
                return held
            if not await self._disk.run(self._file(name).exists):
                raise not_found()
            async with self._loading:
                self._held[name] = held = await self._disk.run(self._open, name)
        return held

    def _open(self, name: str) -> Held:
        """Open a memory that is there. Where nothing is kept beside it, its encoder is loaded to see which it is."""
        opening = self._opening(name)
        if opening is None:
            with protomem.open(self._file(name), create=False) as first:
                opening = Opening(self._encoders.share(first.encoder).name)
        encoder = self._encoders.get(opening.encoder)
        memory = protomem.open(
            self._file(name),
            encoder=encoder,
            create=False,
            kernel_rows=opening.kernel_rows,
            solve_ahead=True,
            solve_over_all=self._solving.solve,
            watch_solving=SOLVING_SECONDS.time,
        )
        return Held(name, memory, encoder, opening)

    def _opening(self, name: str) -> Opening | None:
        """What is kept beside a memory; None where nothing is, as of one that was brought from elsewhere."""
        kept = self._beside(name)
        return msgspec.json.decode(kept.read_bytes(), type=Opening) if kept.exists() else None

    async def _make(self, wanted: wire.CreateMemory) -> None:
        async with self._loading:
            await self._disk.run(self._create, wanted)

    def _create(self, wanted: wire.CreateMemory) -> None:
        encoder = self._encoders.get(wanted.encoder)
        opening = Opening(wanted.encoder, wanted.kernel_rows, wanted.retain)
        self._beside(wanted.name).write_bytes(msgspec.json.encode(opening))
        protomem.open(
            self._file(wanted.name),
            encoder=encoder,
            retain=wanted.retain,
            width=wanted.width,
            kernel_rows=wanted.kernel_rows,
        ).close()

    def _check_encoder(self, name: str) -> None:
        """Only encoders that the operator allows: a name may also be a path, or a model to be fetched."""
        if not re.fullmatch(r"vectors:[0-9]{1,5}", name) and name not in self._settings.encoders:
            known = ", ".join(['"vectors:384"', *(f'"{one}"' for one in self._settings.encoders)])
            raise invalid(f"encoder is none of this server's: choose one of {known}", "$.encoder")

    def _check_size(self, wanted: wire.CreateMemory) -> None:
        for name, most in (("width", self._settings.width), ("kernel_rows", self._settings.kernel_rows)):
            if (getattr(wanted, name) or 0) > most:
                raise invalid(f"{name} is more than the {most} that this server allows", f"$.{name}")

    def _listed(self) -> list[str]:
        found = (path.name.removesuffix(SUFFIX) for path in self._folder.glob(f"*{SUFFIX}"))
        return sorted(name for name in found if NAME.fullmatch(name))

    def _remove(self, name: str) -> None:
        """The memory's own file goes last: cut short, what is left can be deleted once more."""
        file = self._file(name)
        beside: Sequence[Path] = sorted(file.parent.glob(f"{file.name}.*"))
        for path in (*beside, self._beside(name), file):
            path.unlink(missing_ok=True)

    async def _unused(self, held: Held) -> None:
        while held.users:
            held.unused.clear()
            await held.unused.wait()

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"

    def _beside(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}.json"  # no name of a memory makes it another file of the folder
