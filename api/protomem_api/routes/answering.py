"""What a memory says: predict, and suggest what to label next."""

from __future__ import annotations

from litestar import post
from litestar.params import FromPath, JSONBody

from protomem_api import wire
from protomem_api.conversions import answers_out, items_in, record_out
from protomem_api.limits import check_items
from protomem_api.predictions import answered
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES"]

TAGS = ["answering"]


@post(
    "/v1/memories/{name:str}/predict",
    operation_id="predict",
    summary="Answers for items",
    tags=TAGS,
    status_code=200,
    opt={"role": "read"},
    responses=problems(body=True),
)
async def predict(name: FromPath[str], service: UsesService, data: JSONBody[wire.Predict]) -> wire.Answers:
    """Reflects every write that was answered before it came."""
    return answers_out(await answered(service, name, data))


@post(
    "/v1/memories/{name:str}/suggest",
    operation_id="suggest",
    summary="Which of these items to label next",
    tags=TAGS,
    status_code=200,
    opt={"role": "read"},
    responses=problems(body=True),
)
async def suggest(name: FromPath[str], service: UsesService, data: JSONBody[wire.Suggest]) -> wire.Suggestions:
    """Those whose labels would settle most of what is in doubt, best first. Nothing is remembered of the items."""
    check_items(data.items, service.settings)
    async with service.memories.use(name) as held:
        items = await held.encoder.encoded(items_in(data.items, held.encoder))
        found = await service.answering.run(held.memory.suggest, items, data.count)
    return wire.Suggestions(suggestions=[record_out(one, wire.Suggestion) for one in found])


ROUTES = [predict, suggest]
