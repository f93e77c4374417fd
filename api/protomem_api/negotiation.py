"""One path for a body of JSON and for lines of it: the type of the content tells which route is meant."""

from __future__ import annotations

import re
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from protomem_api.ndjson import has_lines

__all__ = ["routed_by_content"]

BY_THE_LINE: Final = re.compile(r"/v1/memories/[^/]+/(?:learn|forget|predict)")


def routed_by_content(app: ASGIApp) -> ASGIApp:
    """The application, with lines sent to the routes that take them."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == ScopeType.HTTP
            and BY_THE_LINE.fullmatch(scope["path"])
            and has_lines(dict(scope["headers"]))
        ):
            scope["path"] += "/lines"
        await app(scope, receive, send)

    return routed
