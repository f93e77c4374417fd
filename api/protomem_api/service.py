"""What the routes work with, put together once for a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from litestar.di import NamedDependency

from protomem_api.encoding import Encoders
from protomem_api.holding import Hold
from protomem_api.jobs import Jobs
from protomem_api.keys import KeyFile
from protomem_api.memories import Memories
from protomem_api.rates import Rates
from protomem_api.settings import Settings
from protomem_api.solving import SolvingProcess
from protomem_api.threads import Threads

__all__ = ["Service", "UsesService"]


@final
@dataclass(frozen=True)
class Service:
    """The parts of one server; `open` before the first request, `close` after the last."""

    settings: Settings
    hold: Hold
    keys: KeyFile
    encoders: Encoders
    solving: SolvingProcess
    memories: Memories
    answering: Threads
    disk: Threads
    rates: Rates
    jobs: Jobs

    @classmethod
    def of(cls, settings: Settings) -> Service:
        """The parts of a server with these settings. Touches no file yet."""
        encoders = Encoders(settings)
        disk = Threads("disk", settings.write_threads, settings.queue, background=True)
        solving = SolvingProcess()
        memories = Memories(settings, encoders, disk, solving)
        return cls(
            settings=settings,
            hold=Hold(settings.data),
            keys=KeyFile(settings.data),
            encoders=encoders,
            solving=solving,
            memories=memories,
            answering=Threads("answering", settings.answer_threads, settings.queue),
            disk=disk,
            rates=Rates(settings.rate),
            jobs=Jobs(settings.data, memories),
        )

    async def refresh_keys(self) -> None:
        """Know the keys that another process has made or deleted."""
        await self.disk.run(self.keys.refresh)

    async def close(self) -> None:
        """Close every memory after what has begun, and let the folder go."""
        await self.jobs.close()
        self.answering.close()
        await self.memories.close()
        self.disk.close()
        self.solving.close()
        self.encoders.close()
        self.hold.release()


UsesService = NamedDependency[Service]
