"""What a person opens: the console at /, to look at memories and try them, the HTTP API's own pages at /docs, and one
for each kind of problem.

They ask the same routes as any other caller.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from protomem_api.assets import Asset, console
from protomem_api.problems import not_found

__all__ = ["ROUTES"]

OWN_FILES: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""No script or style in the page or from elsewhere: browsers refuse it."""

CONSOLE: Final = f"{OWN_FILES}; img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
"""And no text that becomes HTML, as nothing in it is known beforehand: browsers refuse every such sink."""

DOCS: Final = f"{OWN_FILES}; img-src 'self' data:"
"""Swagger UI has pictures in its style sheet, and writes HTML; what it shows is this server's own document."""

PAGE_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}

FILE_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@get("/", include_in_schema=False)
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page, asked about every time: it names the files of this release."""
    return _answer(request, console().pages["index.html"], PAGE_HEADERS | {"Content-Security-Policy": CONSOLE})


@get("/docs", include_in_schema=False)
async def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Every route of this release, to be read and tried."""
    return _answer(request, console().pages["docs.html"], PAGE_HEADERS | {"Content-Security-Policy": DOCS})


@get("/problems/{name:str}", include_in_schema=False)
async def problem(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """What a kind of problem means, and what to try: its `type` refers to this."""
    found = console().problems.get(name)
    if found is None:
        raise not_found()
    return _answer(request, found, PAGE_HEADERS | {"Content-Security-Policy": CONSOLE})


@get("/console/{version:str}/{path:path}", include_in_schema=False)
async def file(version: FromPath[str], path: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """A file of this release, which a browser may keep for good."""
    found = console().files.get(path.lstrip("/")) if version == console().version else None
    if found is None:
        raise not_found()
    return _answer(request, found, FILE_HEADERS)


def _answer(request: Request[Any, Any, Any], asset: Asset, headers: dict[str, str]) -> Response[bytes]:
    headers = headers | {"ETag": asset.tag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


ROUTES = [page, docs, problem, file]
