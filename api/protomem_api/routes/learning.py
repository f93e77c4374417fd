"""What changes a memory: learn, forget, trim. Each answers with the receipt, after it is durable."""

from __future__ import annotations

from typing import Annotated

from litestar import post
from litestar.params import FromPath, HeaderParameter, JSONBody

from protomem_api import wire
from protomem_api.conversions import items_in, receipt_in, receipt_out
from protomem_api.limits import check_items, check_names
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES", "IdempotencyKey"]

TAGS = ["learning"]

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=1_024,
        description="A request that comes again with the same key changes nothing and gets the first receipt.",
    ),
]


@post(
    "/v1/memories/{name:str}/learn",
    operation_id="learn",
    summary="Remember items with their labels",
    tags=TAGS,
    status_code=200,
    opt={"role": "write"},
    responses=problems(body=True),
)
async def learn(
    name: FromPath[str], service: UsesService, data: JSONBody[wire.Learn], idempotency_key: IdempotencyKey = None
) -> wire.Receipt:
    """All of it or nothing, durable when it is answered."""
    check_items(data.items, service.settings)
    async with service.memories.use(name) as held:
        items = await held.encoder.encoded(items_in(data.items, held.encoder))
        receipt = await service.disk.run(
            held.memory.learn,
            items,
            data.labels,
            data.ids,
            data.subjects,
            relearn=data.relearn,
            idempotency_key=idempotency_key,
        )
    return receipt_out(receipt)


@post(
    "/v1/memories/{name:str}/forget",
    operation_id="forget",
    summary="Forget examples by id, subject, label or receipt",
    tags=TAGS,
    status_code=200,
    opt={"role": "write"},
    responses=problems(body=True),
)
async def forget(
    name: FromPath[str], service: UsesService, data: JSONBody[wire.Forget], idempotency_key: IdempotencyKey = None
) -> wire.Receipt:
    """Afterwards the memory is, bit for bit, one that never saw them."""
    check_names(data.ids, "ids", service.settings)
    async with service.memories.use(name) as held:
        receipt = await service.disk.run(
            held.memory.forget,
            data.ids,
            data.subject,
            data.label,
            None if data.receipt is None else receipt_in(data.receipt),
            purge=data.purge,
            idempotency_key=idempotency_key,
        )
    service.jobs.forgotten(name)
    return receipt_out(receipt)


@post(
    "/v1/memories/{name:str}/trim",
    operation_id="trim",
    summary="Forget the examples that are more than a number",
    tags=TAGS,
    status_code=200,
    opt={"role": "write"},
    responses=problems(body=True),
)
async def trim(
    name: FromPath[str], service: UsesService, data: JSONBody[wire.Trim], idempotency_key: IdempotencyKey = None
) -> wire.Receipt:
    """Always one of a class that is largest, by a hash of its codes."""
    async with service.memories.use(name) as held:
        receipt = await service.disk.run(held.memory.trim, data.to, purge=data.purge, idempotency_key=idempotency_key)
    service.jobs.forgotten(name)
    return receipt_out(receipt)


ROUTES = [learn, forget, trim]
