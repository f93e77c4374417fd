"""The memories themselves: list, create, look at, delete."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from protomem_api import wire
from protomem_api.keys import Key
from protomem_api.problems import not_found
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES"]

TAGS = ["memories"]

THERE = "It is there already, with these settings."


@get(
    "/v1/memories",
    operation_id="listMemories",
    summary="The memories that the key may read",
    tags=TAGS,
    opt={"role": "read", "filtered": True},
    responses=problems(also=(422,)),
)
async def list_memories(
    request: Request[Key, Any, Any],
    service: UsesService,
    after: Annotated[str | None, QueryParameter(description="Go on after this name.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000, description="Most memories to list.")] = 100,
) -> wire.Memories:
    """By name. None is opened for it: what only an open memory can tell is null of the others."""
    names = [name for name in await service.memories.names() if request.user.may("read", name)]
    start = bisect_right(names, after) if after is not None else 0
    page = names[start : start + limit]
    found = await service.memories.summaries(page)
    return wire.Memories(memories=found, next=page[-1] if page and start + limit < len(names) else None)


@post(
    "/v1/memories",
    operation_id="createMemory",
    summary="Create a memory",
    tags=TAGS,
    opt={"role": "admin", "filtered": True},
    responses=problems(body=True) | {200: ResponseSpec(wire.MemoryInfo, generate_examples=False, description=THERE)},
)
async def create_memory(
    request: Request[Key, Any, Any], service: UsesService, data: JSONBody[wire.CreateMemory]
) -> Response[wire.MemoryInfo]:
    """Answers 200 where it is there already with the same settings."""
    if not request.user.may("admin", data.name):
        raise not_found()
    info, is_new = await service.memories.create(data)
    headers = {"Location": f"/v1/memories/{data.name}"}
    return Response(info, status_code=201 if is_new else 200, headers=headers)


@get(
    "/v1/memories/{name:str}",
    operation_id="getMemory",
    summary="A memory as it is now",
    tags=TAGS,
    opt={"role": "read"},
    responses=problems(),
)
async def get_memory(name: FromPath[str], service: UsesService) -> wire.MemoryInfo:
    """Its settings, how much it remembers, and the digest of everything learned."""
    async with service.memories.use(name) as held:
        return await service.disk.run(held.info)


@delete(
    "/v1/memories/{name:str}",
    operation_id="deleteMemory",
    summary="Delete a memory with all its files",
    tags=TAGS,
    opt={"role": "admin"},
    responses=problems(),
)
async def delete_memory(name: FromPath[str], service: UsesService) -> None:
    """Cancels its jobs and waits for what else uses it. Nothing can be undone."""
    await service.jobs.drop(name)
    await service.memories.delete(name)
    await service.jobs.drop(name)  # what was asked for meanwhile


ROUTES = [list_memories, create_memory, get_memory, delete_memory]
