"""The process that serves: uvicorn on the application, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import final

import uvicorn
from litestar import Litestar

from protomem.beside import begin_helpers_with
from protomem_api.app import create_app
from protomem_api.connection import NEVER, connected
from protomem_api.jobs import Jobs
from protomem_api.listening import address, listening
from protomem_api.logs import configure_logs, log
from protomem_api.quick import Quick
from protomem_api.settings import Settings
from protomem_api.threads import give_all_way

__all__ = ["serve", "server_config"]


def serve(settings: Settings, when_held: Callable[[], None] | None = None) -> None:
    """Serve until a signal says to stop; requests under way are finished.

    `when_held` is called when the address and the folder are this server's, before the first request. Raises
    `InvalidInput` where it cannot listen, `MemoryLocked` where another server has the folder, and `StoreUnavailable`
    for a folder that cannot be used.
    """
    configure_logs(getattr(logging, settings.log_level.upper()))
    begin_helpers_with(give_all_way)
    app = create_app(settings)
    with listening(settings.host, settings.port) as listener:
        app.state.service.hold.take()
        if when_held is not None:
            when_held()
        quick = Quick(app.state.service)
        Server(server_config(settings, app, quick), app.state.service.jobs, quick).run([listener])


def server_config(settings: Settings, app: Litestar, quick: Quick) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=partial(connected, quick),  # type: ignore[arg-type]  # called as its class would be
        timeout_keep_alive=NEVER,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,  # who asks is who connects: a header could say anything
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


@final
class Server(uvicorn.Server):
    """uvicorn's, which waits for its connections to end: those that watch a job are let go first."""

    def __init__(self, config: uvicorn.Config, jobs: Jobs, quick: Quick) -> None:
        super().__init__(config)
        self._jobs = jobs
        self._quick = quick

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say where it serves; uvicorn leaves that to whoever made the socket.

        What there is by now, modules above all, stays as long as the process: a full collection that looked through it
        held every request up for 60 to 90 ms.
        """
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        if self.started:
            log.info("serving", url=", ".join(map(address, sockets or [])))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin no more jobs, then finish the requests under way."""
        self._jobs.stop()
        with contextlib.suppress(TimeoutError):  # as uvicorn waits no longer for the others
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._quick.finish()
        await super().shutdown(sockets)
