"""The errors of a route, as its OpenAPI document tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.openapi.datastructures import ResponseSpec

from protomem_api import wire
from protomem_api.problems import MEDIA_TYPE

__all__ = ["problems"]

MEANINGS: Final[Mapping[int, str]] = {
    400: "The request is malformed.",
    401: "The API key is missing or not known.",
    403: "A page of another origin sent the request.",
    404: "It is not there, or not for this key.",
    408: "The body did not come in time.",
    409: "It contradicts what is there.",
    413: "It is more than the server takes at once.",
    415: "The body is no JSON, or compressed.",
    422: "A value cannot be used; `path` says which.",
    429: "The key has sent too many requests; `Retry-After` says how long to wait.",
    500: "The server failed, or the memory's file is damaged.",
    501: "An optional part of the server is not installed.",
    503: "The server is busy, or the disk refuses; try again.",
}

ALWAYS: Final = (400, 401, 403, 404, 429, 500, 503)
WITH_BODY: Final = (408, 409, 413, 415, 422, 501)


def problems(*, body: bool = False, also: tuple[int, ...] = ()) -> dict[int, ResponseSpec]:
    """The problems that a route may answer with: those of all, those of routes with a body, and these."""
    statuses = sorted({*ALWAYS, *(WITH_BODY if body else ()), *also})
    return {
        status: ResponseSpec(wire.Problem, generate_examples=False, description=MEANINGS[status], media_type=MEDIA_TYPE)
        for status in statuses
    }
