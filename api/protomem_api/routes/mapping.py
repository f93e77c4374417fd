"""Where a memory's classes and examples lie."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from protomem.projection import MOST_EXAMPLES
from protomem_api import wire
from protomem_api.conversions import record_out
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES"]


@get(
    "/v1/memories/{name:str}/map",
    operation_id="getMap",
    summary="The classes and examples in a plane",
    tags=["listing"],
    opt={"role": "read"},
    responses=problems(also=(422,)),
)
async def get_map(
    name: FromPath[str],
    service: UsesService,
    limit: Annotated[int, QueryParameter(ge=0, le=MOST_EXAMPLES, description="Most examples to show.")] = 1_000,
) -> wire.Map:
    """The first two principal components of the class means; the largest classes, and examples picked by a hash."""
    async with service.memories.use(name) as held:
        return record_out(await service.answering.run(held.memory.map, limit), wire.Map)


ROUTES = [get_map]
