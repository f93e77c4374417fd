"""What a memory holds: classes, examples, receipts, and the hash that names an id in them."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from protomem_api import wire
from protomem_api.conversions import receipt_out, record_out
from protomem_api.routes.documented import problems
from protomem_api.service import UsesService

__all__ = ["ROUTES"]

TAGS = ["listing"]

Limit = Annotated[int, QueryParameter(ge=1, le=1_000, description="Most entries to list.")]


@get(
    "/v1/memories/{name:str}/classes",
    operation_id="listClasses",
    summary="How many examples carry each label",
    tags=TAGS,
    opt={"role": "read"},
    responses=problems(),
)
async def list_classes(name: FromPath[str], service: UsesService) -> wire.Classes:
    """By label."""
    async with service.memories.use(name) as held:
        return wire.Classes(classes=await service.disk.run(held.memory.classes))


@get(
    "/v1/memories/{name:str}/examples",
    operation_id="listExamples",
    summary="The remembered examples",
    tags=TAGS,
    opt={"role": "read"},
    responses=problems(also=(422,)),
)
async def list_examples(
    name: FromPath[str],
    service: UsesService,
    label: Annotated[str | None, QueryParameter(description="Of this label.")] = None,
    subject: Annotated[str | None, QueryParameter(description="Of this subject.")] = None,
    after: Annotated[str | None, QueryParameter(description="Go on after this id.")] = None,
    limit: Limit = 100,
) -> wire.Examples:
    """By id; of one label or one subject if asked."""
    async with service.memories.use(name) as held:
        page = list(await service.disk.run(held.memory.examples, label, subject, after, limit + 1))
    rest = len(page) > limit
    return wire.Examples(
        examples=[record_out(one, wire.Example) for one in page[:limit]], next=page[limit - 1].id if rest else None
    )


@get(
    "/v1/memories/{name:str}/receipts",
    operation_id="listReceipts",
    summary="The receipt of every change",
    tags=TAGS,
    opt={"role": "read"},
    responses=problems(also=(422,)),
)
async def list_receipts(
    name: FromPath[str],
    service: UsesService,
    after: Annotated[int, QueryParameter(ge=0, description="Go on after this sequence number.")] = 0,
    limit: Limit = 100,
) -> wire.Receipts:
    """Oldest first. They hold keyed hashes in place of ids."""
    async with service.memories.use(name) as held:
        receipts = await service.disk.run(held.memory.receipts, after, limit + 1)
    page = receipts[:limit]
    return wire.Receipts(
        receipts=[receipt_out(one) for one in page], next=page[-1].sequence if len(receipts) > limit else None
    )


@post(
    "/v1/memories/{name:str}/id-hash",
    operation_id="hashId",
    summary="The keyed hash by which receipts name an id",
    tags=TAGS,
    status_code=200,
    opt={"role": "read"},
    responses=problems(body=True),
)
async def hash_id(name: FromPath[str], service: UsesService, data: JSONBody[wire.IdToHash]) -> wire.IdHash:
    """Shows whose example a receipt is about."""
    async with service.memories.use(name) as held:
        return wire.IdHash(id_hash=held.memory.id_hash(data.id))


ROUTES = [list_classes, list_examples, list_receipts, hash_id]
