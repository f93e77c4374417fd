"""The console at /: a page to look at memories and try them. It asks the same routes as any other caller."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from protomem_api.assets import Asset, console
from protomem_api.problems import not_found

__all__ = ["ROUTES"]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""No script or style in the page or from elsewhere, and no text that becomes HTML: browsers refuse every such sink."""

PAGE_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}

FILE_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@get("/", include_in_schema=False)
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page, asked about every time: it names the files of this release."""
    return _answer(request, console().page, PAGE_HEADERS)


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


ROUTES = [page, file]
