"""Federation: what a memory learned as a contribution, contributions merged, and clients taken out again.

A contribution goes as its bytes, in both directions: it says everything of itself and is signed as it is, so that what
one server answers is a file to keep, and the body of a merge. Base64 in JSON would be a third longer, and would be
taken apart in the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar import Request, get, post
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath, JSONBody, QueryParameter

import protomem
from protomem_api import wire
from protomem_api.conversions import receipt_out, record_out
from protomem_api.keys import Key
from protomem_api.problems import invalid, not_found, unsupported_media
from protomem_api.routes.documented import problems
from protomem_api.routes.learning import IdempotencyKey
from protomem_api.service import UsesService

__all__ = ["ROUTES"]

TAGS = ["federation"]

OCTETS: Final = "application/octet-stream"

Caller = Request[Key, Any, Any]

ClientKeys = Annotated[
    list[str] | None,
    QueryParameter(
        name="key",
        description="CLIENT=HEX, the public key of a client, which goes before the one it came with first; may come "
        "several times. If one is given, only those clients are merged. Not for keys with the role contribute.",
    ),
]


@dataclass
class TakesOctets(Operation):
    """An operation whose body is a contribution, as the document tells it."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, content_media_type=OCTETS)
        self.request_body = RequestBody(
            content={OCTETS: OpenAPIMediaType(schema=schema)},
            description="A contribution, as `contribute` answered it.",
            required=True,
        )


@post(
    "/v1/memories/{name:str}/contributions",
    operation_id="contribute",
    summary="What the memory learned, as signed sums to be merged into another",
    tags=TAGS,
    status_code=200,
    media_type=OCTETS,
    opt={"role": "write"},
    responses=problems(body=True),
)
async def contribute(name: FromPath[str], service: UsesService, data: JSONBody[wire.Contribute]) -> bytes:
    """After the first of a client it is the difference against the one before, which this memory keeps for it.

    If an answer was lost, so was its number: ask once more with `whole`.
    """
    async with service.memories.use(name) as held:
        return await service.disk.run(_contribution, held.memory, data)


@post(
    "/v1/memories/{name:str}/merge",
    operation_id="merge",
    summary="Add what a client learned",
    tags=TAGS,
    status_code=200,
    opt={"role": "contribute"},
    operation_class=TakesOctets,
    responses=problems(body=True),
)
async def merge(name: FromPath[str], request: Caller, service: UsesService, key: ClientKeys = None) -> wire.Receipt:
    """Durable when it is answered. The same contribution again changes nothing and gets the first receipt."""
    if request.content_type[0] != OCTETS:
        raise unsupported_media(f"the body must be a contribution: send the header Content-Type: {OCTETS}")
    keys = _pairs(key)
    document = await request.body()
    if request.user.clients is not None:
        if keys is not None:
            raise invalid("key is not for keys with the role contribute: whoever made this one has chosen the keys")
        keys = await service.disk.run(_chosen, request.user.clients, document)
    async with service.memories.use(name) as held:
        receipt = await service.disk.run(held.memory.merge, document, keys=keys)
    service.jobs.forgotten(name)  # a difference may subtract
    return receipt_out(receipt)


@post(
    "/v1/memories/{name:str}/withdraw",
    operation_id="withdraw",
    summary="Take out all that was merged of a client",
    tags=TAGS,
    status_code=200,
    opt={"role": "write"},
    responses=problems(body=True),
)
async def withdraw(
    name: FromPath[str], service: UsesService, data: JSONBody[wire.Withdraw], idempotency_key: IdempotencyKey = None
) -> wire.Receipt:
    """Afterwards the memory is, bit for bit, one that never had it. Nothing is needed of the client."""
    async with service.memories.use(name) as held:
        receipt = await service.disk.run(held.memory.withdraw, data.client, idempotency_key=idempotency_key)
    service.jobs.forgotten(name)
    return receipt_out(receipt)


@get(
    "/v1/memories/{name:str}/clients",
    operation_id="listClients",
    summary="The clients that were merged",
    tags=TAGS,
    opt={"role": "read"},
    responses=problems(),
)
async def list_clients(name: FromPath[str], service: UsesService) -> wire.Clients:
    """By name; those that were withdrawn too, since their numbers and keys stay known."""
    async with service.memories.use(name) as held:
        clients = await service.disk.run(held.memory.clients)
    return wire.Clients(clients=[record_out(client, wire.MergedClient) for client in clients])


def _contribution(memory: protomem.Memory, asked: wire.Contribute) -> bytes:
    found = memory.contribution(
        asked.client, asked.level, min_count=asked.min_count, whole=asked.whole, merged=asked.merged
    )
    return found.to_bytes()


def _chosen(clients: Mapping[str, str | None], document: bytes) -> dict[str, str] | None:
    """The public key that an API key names for the client of a contribution; None for the one that it comes with first.

    Raises the problem `not-found` for a client that the API key does not name, whatever there is.
    """
    client = protomem.Contribution.from_bytes(document).client
    if client not in clients:
        raise not_found()
    public_key = clients[client]
    return None if public_key is None else {client: public_key}


def _pairs(given: Sequence[str] | None) -> dict[str, str] | None:
    pairs = [pair.rpartition("=") for pair in given or ()]
    if not all(found for _, found, _ in pairs):
        raise invalid("key is to be CLIENT=HEX, such as clinic-7=ab12..., once for each client")
    return {client: public_key for client, _, public_key in pairs} or None


ROUTES = [contribute, merge, withdraw, list_clients]
