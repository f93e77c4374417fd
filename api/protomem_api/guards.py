"""Who may do what: the guard of every route.

A route names the role it needs in `opt["role"]`; one without a role is open. A caller without a known key is told 401,
whatever was asked. A caller whose key has not the right is told the same 404 as one who asks for what is not there.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from protomem_api.keys import Key
from protomem_api.problems import not_found, unauthorised
from protomem_api.service import Service

__all__ = ["OWNER", "guard", "is_known_still", "known_key"]

OWNER = Key(id="", name="the owner of this machine", role="admin", memories=None, created="", sha256="")
"""Who calls a server that asks for no keys."""

SCHEME = "bearer "


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Let a request pass, with its key as `request.user`, or raise a problem.

    A coroutine that awaits nothing: Litestar would give a plain function a thread for each request.
    """
    role = handler.opt.get("role")
    if role is None:
        return
    service: Service = connection.app.state.service
    key = _key(service, connection)
    if "name" in connection.path_params:
        allowed = key.may(role, connection.path_params["name"])
    else:  # a list of what the key may see, or what is of no single memory
        allowed = key.may(role) or handler.opt.get("filtered", False)
    if not allowed:
        raise not_found()
    connection.scope["user"] = key


def is_known_still(service: Service, key: Key) -> bool:
    """Whether a caller whose answer goes on and on may have more of it: a key that is deleted ends it."""
    return not service.settings.auth or service.keys.holds(key)


def known_key(service: Service, authorization: str) -> Key | None:
    """The key that this header shows, if the server knows it; the owner's where none is asked for."""
    if not service.settings.auth:
        return OWNER
    secret = authorization[len(SCHEME) :] if authorization[: len(SCHEME)].lower() == SCHEME else ""
    return service.keys.known(secret) if secret else None


def _key(service: Service, connection: ASGIConnection[Any, Any, Any, Any]) -> Key:
    key = known_key(service, connection.headers.get("authorization", ""))
    if key is OWNER:
        return key
    service.rates.take(key.id if key else f"host {connection.client.host if connection.client else ''}")
    if key is None:
        raise unauthorised()
    return key
