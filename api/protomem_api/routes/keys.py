"""API keys over HTTP, for an admin of all memories."""

from __future__ import annotations

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from protomem_api import wire
from protomem_api.conversions import record_out
from protomem_api.problems import not_found
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES"]

TAGS = ["keys"]


@get(
    "/v1/keys",
    operation_id="listKeys",
    summary="The API keys, without their secrets",
    tags=TAGS,
    opt={"role": "admin"},
    responses=problems(),
)
async def list_keys(service: UsesService) -> wire.Keys:
    """In the order in which they were made."""
    return wire.Keys(keys=[record_out(key, wire.KeyInfo) for key in await service.disk.run(service.keys.all)])


@post(
    "/v1/keys",
    operation_id="createKey",
    summary="Make an API key",
    tags=TAGS,
    opt={"role": "admin"},
    responses=problems(body=True),
)
async def create_key(service: UsesService, data: JSONBody[wire.CreateKey]) -> wire.NewKey:
    """Its secret is in this answer and nowhere else."""
    key, secret = await service.disk.run(service.keys.create, data.name, data.role, data.memories, data.clients)
    info = record_out(key, wire.KeyInfo)
    return wire.NewKey(**msgspec.structs.asdict(info), secret=secret)


@delete(
    "/v1/keys/{id:str}",
    operation_id="deleteKey",
    summary="Delete an API key",
    tags=TAGS,
    opt={"role": "admin"},
    responses=problems(),
)
async def delete_key(id: FromPath[str], service: UsesService) -> None:
    """Takes effect at once."""
    if id not in {key.id for key in await service.disk.run(service.keys.all)}:
        raise not_found()
    await service.disk.run(service.keys.delete, id)


ROUTES = [list_keys, create_key, delete_key]
