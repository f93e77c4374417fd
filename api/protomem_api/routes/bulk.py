"""Learn, forget and predict by the line. They have the paths of the others; `negotiation` tells them apart."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from protomem_api.bulk import Bulk
from protomem_api.bulk_verbs import Forgetting, Learning, Predicting, Verb
from protomem_api.keys import Key
from protomem_api.ndjson import MEDIA_TYPE
from protomem_api.problems import unsupported_media
from protomem_api.routes.learning import IdempotencyKey
from protomem_api.service import Service, UsesService

__all__ = ["ROUTES"]

Caller = Request[Key, Any, Any]


@post("/v1/memories/{name:str}/learn/lines", status_code=200, opt={"role": "write"}, include_in_schema=False)
async def learn_lines(
    name: FromPath[str], request: Caller, service: UsesService, idempotency_key: IdempotencyKey = None
) -> ASGIApp:
    """See `learn`."""
    return await _bulk(service, request, name, Learning(service, idempotency_key))


@post("/v1/memories/{name:str}/forget/lines", status_code=200, opt={"role": "write"}, include_in_schema=False)
async def forget_lines(
    name: FromPath[str], request: Caller, service: UsesService, idempotency_key: IdempotencyKey = None
) -> ASGIApp:
    """See `forget`."""
    return await _bulk(service, request, name, Forgetting(service, idempotency_key))


@post("/v1/memories/{name:str}/predict/lines", status_code=200, opt={"role": "read"}, include_in_schema=False)
async def predict_lines(name: FromPath[str], request: Caller, service: UsesService) -> ASGIApp:
    """See `predict`."""
    return await _bulk(service, request, name, Predicting(service))


async def _bulk(service: Service, request: Caller, name: str, verb: Verb) -> ASGIApp:
    if request.content_type[0] != MEDIA_TYPE:
        raise unsupported_media(f"lines are sent with the header Content-Type: {MEDIA_TYPE}")
    async with service.memories.use(name):
        """It is there: what is not is told before the answer begins."""
    return Bulk(service, request.user, name, verb)


ROUTES = [learn_lines, forget_lines, predict_lines]
