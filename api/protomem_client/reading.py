"""Replies read: what was asked for, or the library's error that the server tells."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from protomem import errors
from protomem.errors import (
    Conflict,
    ContributionRefused,
    InvalidInput,
    MissingExtra,
    NotAMemory,
    ProtomemError,
    ServerError,
    ServerUnavailable,
    Unauthorised,
)
from protomem.federation.contribution import Contribution
from protomem_client.steps import JSON, OCTETS, Reply

__all__ = ["Problem", "converted", "error_of", "read", "read_contribution", "require_ok"]

T = TypeVar("T")

PROBLEM: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, after RFC 9457."""

    type: str
    detail: str
    status: int = 0


def read(reply: Reply, kind: type[T]) -> T:
    """The body of a reply as this type. Raises the library's error that the server tells, or `ServerError`."""
    _require(reply, JSON)
    try:
        return msgspec.json.decode(reply.content, type=kind)
    except msgspec.MsgspecError as error:
        raise _unreadable(error) from error


def read_contribution(reply: Reply) -> Contribution:
    """The body of a reply as a contribution. Raises as `read` does."""
    _require(reply, OCTETS)
    try:
        return Contribution.from_bytes(reply.content)
    except ContributionRefused as error:
        raise _unreadable(error) from error


def converted(found: Any, kind: type[T]) -> T:
    """What was read already, as this type. Raises `ServerError` for anything else."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from error


def _require(reply: Reply, media_type: str) -> None:
    require_ok(reply)
    if reply.media_type != media_type:
        raise ServerError(NOT_OURS.format(f"{reply.status} {reply.media_type}"))


def require_ok(reply: Reply) -> None:
    """Raise the library's error that the server tells, if it tells one."""
    if 200 <= reply.status < 300:
        return
    try:
        problem = msgspec.json.decode(reply.content, type=Problem) if reply.media_type == PROBLEM else None
    except msgspec.MsgspecError:
        problem = None
    if problem is not None:
        raise error_of(problem)
    kind = ServerUnavailable if reply.status in GATEWAY else ServerError
    raise kind(NOT_OURS.format(f"{reply.status} {reply.media_type}"))


GATEWAY: Final = (502, 503, 504)
"""Of a proxy before a server that does not answer it."""

NOT_OURS: Final = "the answer ({}) is not that of a protomem server: check the url"


def error_of(problem: Problem) -> ProtomemError:
    """The error that this problem was on the server, or what its status means where only a service can have it."""
    name = problem.type.rpartition("/")[2]
    if name == "missing-extra":
        return _missing_extra(problem.detail)
    return (BY_NAME.get(name) or BY_STATUS.get(problem.status) or ServerError)(problem.detail)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


BY_NAME: Final[dict[str, type[ProtomemError]]] = {_kebab(name): getattr(errors, name) for name in errors.__all__}

BY_STATUS: Final[dict[int, type[ProtomemError]]] = {
    400: InvalidInput,
    401: Unauthorised,
    404: NotAMemory,  # it is not there, or not for this key
    408: ServerUnavailable,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: ServerUnavailable,
    503: ServerUnavailable,
}


def _missing_extra(detail: str) -> MissingExtra:
    """Of an extra that the server lacks."""
    found = re.search(r"^(.*?) needs .*protomem\[([\w-]+)\]", detail)
    return MissingExtra(f"on the server, {found[1]}", found[2]) if found else MissingExtra("this server", "server")


def _unreadable(error: Exception) -> ServerError:
    return ServerError(f"the server's answer cannot be read ({error}): client and server may be of different releases")
