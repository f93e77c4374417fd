"""Whether the server runs and can work, and its numbers."""

from __future__ import annotations

import asyncio
import os

from litestar import get

from protomem_api import wire
from protomem_api.metrics import exposition
from protomem_api.problems import HttpProblem
from protomem_api.routes.documented import problems
from protomem_api.service import Service, UsesService

__all__ = ["ROUTES"]

TAGS = ["operations"]

WRITABLE, UNWRITABLE = "the data folder can be written", "the data folder cannot be written"

OPEN: list[dict[str, list[str]]] = [{}]
"""No key is needed."""


@get(
    "/health/live",
    operation_id="live",
    summary="Whether the server runs",
    tags=TAGS,
    security=OPEN,
    responses=problems(),
)
async def live() -> wire.Health:
    """Answers as long as the event loop turns."""
    return wire.Health(status="ok", checks=[])


@get(
    "/health/ready",
    operation_id="ready",
    summary="Whether the server can work",
    tags=TAGS,
    security=OPEN,
    responses=problems(),
)
async def ready(service: UsesService) -> wire.Health:
    """Whether the data folder can be written and the threads answer; 503 if not."""
    checks = [await service.disk.run(_folder, service)]
    if wrong := [check.detail for check in checks if not check.ok]:
        raise HttpProblem("not-ready", "; ".join(wrong), headers={"Retry-After": "1"})
    return wire.Health(status="ok", checks=checks)


def _folder(service: Service) -> wire.Check:
    writable = os.access(service.settings.data, os.W_OK)
    return wire.Check(
        name="data folder", ok=writable, detail=f"the data folder can{'' if writable else 'not'} be written"
    )


@get(
    "/metrics",
    operation_id="metrics",
    summary="Counts and times for Prometheus",
    tags=TAGS,
    opt={"role": "read", "filtered": True},
    media_type="text/plain; version=0.0.4; charset=utf-8",
    responses=problems(),
)
async def metrics(service: UsesService) -> bytes:
    """Requests, latencies, batches, queues; no name that a caller chose."""
    await service.memories.measure()
    return await asyncio.to_thread(exposition)  # a thread that no queue of requests can fill


ROUTES = [live, ready, metrics]
