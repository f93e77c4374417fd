"""The application: routes, guard, limits, documents and life, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.routes import HTTPRoute

from protomem import Encoder, ProtomemError
from protomem_api.assets import console as console_files
from protomem_api.bodies import TypedRequest
from protomem_api.border import Border
from protomem_api.document import OPENAPI
from protomem_api.guards import guard
from protomem_api.logs import log
from protomem_api.negotiation import routed_by_content
from protomem_api.problems import HttpProblem, answer_problem
from protomem_api.routes import (
    answering,
    bulk,
    console,
    federation,
    health,
    jobs,
    keys,
    learning,
    listing,
    mapping,
    memories,
)
from protomem_api.service import Service
from protomem_api.settings import Settings

__all__ = ["create_app"]

ROUTES = [
    *memories.ROUTES,
    *learning.ROUTES,
    *answering.ROUTES,
    *listing.ROUTES,
    *jobs.ROUTES,
    *bulk.ROUTES,
    *mapping.ROUTES,
    *federation.ROUTES,
    *keys.ROUTES,
    *health.ROUTES,
    *console.ROUTES,
]

SECONDS_BETWEEN_ROUNDS = 1.0
"""How often keys are read again if they were changed, and idle memories looked for."""


def create_app(settings: Settings, encoders: Sequence[Encoder] = ()) -> Litestar:
    """The service on the folder of these settings. Raises `MemoryLocked` at its start where another server has it.

    `encoders` are taken in place of those that their names would load.
    """
    service = Service.of(settings)
    for encoder in encoders:
        service.encoders.share(encoder)

    @asynccontextmanager
    async def living(_app: Litestar) -> AsyncIterator[None]:
        service.hold.take()
        service.keys.refresh()
        await asyncio.to_thread(console_files)  # or the first who opens the console would hold everybody up
        await service.jobs.start()
        rounds = asyncio.create_task(_rounds(service))
        try:
            yield
        finally:
            rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):  # this is what was asked for
                await rounds
            await service.close()

    app = Litestar(
        ROUTES,
        state=State({"service": service}),
        dependencies={"service": Provide(lambda: service, sync_to_thread=False)},
        guards=[guard],
        request_class=TypedRequest,
        exception_handlers={Exception: answer_problem},
        request_max_body_size=settings.body_bytes,
        openapi_config=OPENAPI,
        lifespan=[living],
        logging_config=None,
    )
    methods = {
        route.path_format: ", ".join(sorted(route.methods)) for route in app.routes if isinstance(route, HTTPRoute)
    }
    app.asgi_handler = Border(routed_by_content(app.asgi_handler), settings, methods)
    return app


async def _rounds(service: Service) -> None:
    """What is looked after all the time. What fails once is tried again: keys that cannot be read stay as they were."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_ROUNDS)
        for look_after in (service.refresh_keys, service.memories.close_idle):
            try:
                await look_after()
            except (ProtomemError, HttpProblem, OSError, msgspec.DecodeError) as error:
                log.error("round failed", error=type(error).__name__, exc_info=error)
