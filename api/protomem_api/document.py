"""The OpenAPI document: the routes as Litestar sees them, the bodies as msgspec decodes them.

Litestar's own schemas leave out that unknown fields are refused, and the bounds of what may be null; msgspec's are made
from the very types that it decodes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec
from litestar import Litestar, MediaType, Request
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from protomem_api import wire
from protomem_api.ndjson import MEDIA_TYPE

__all__ = ["OPENAPI", "exact_document"]

BODIES: Final = [
    *(getattr(wire, name) for name in wire.__all__ if hasattr(getattr(wire, name), "__struct_fields__")),
    *wire.RESULTS,
]


BY_THE_LINE: Final[Mapping[str, Sequence[type]]] = {
    "learn": (wire.LearnLine, wire.OptionsLine),
    "forget": (wire.ForgetLine,),
    "predict": (wire.PredictLine, wire.OptionsLine),
}
"""What each line of a request is, of the routes that take lines; what answers is any of the next."""

ANSWERED_BY_THE_LINE: Final = (wire.LineDone, wire.LineReceipt, wire.LinesEnd)


def exact_document(app: Litestar) -> bytes:
    """The document of an application, as JSON that two runs write alike."""
    return _exact(app.openapi_schema.to_schema())


def _exact(document: dict[str, Any]) -> bytes:
    _, schemas = msgspec.json.schema_components(BODIES, ref_template="#/components/schemas/{name}")
    components = document["components"] | {"schemas": dict(sorted(schemas.items()))}
    paths = document["paths"] | {path: _with_lines(document["paths"][path], of) for path, of in _paths_of_lines()}
    whole = document | {"paths": paths, "components": components}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def _paths_of_lines() -> Iterator[tuple[str, Sequence[type]]]:
    return ((f"/v1/memories/{{name}}/{verb}", kinds) for verb, kinds in BY_THE_LINE.items())


def _with_lines(path: dict[str, Any], kinds: Sequence[type]) -> dict[str, Any]:
    """A path whose POST takes and answers lines too."""
    post = path["post"]
    body, answer = post["requestBody"], post["responses"]["200"]
    responses = post["responses"] | {"200": _with_content(answer, ANSWERED_BY_THE_LINE)}
    return path | {"post": post | {"requestBody": _with_content(body, kinds), "responses": responses}}


def _with_content(told: dict[str, Any], kinds: Sequence[type]) -> dict[str, Any]:
    each = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in kinds]
    schema = {"description": "Each line is one of these.", "anyOf": each}
    return told | {"content": told["content"] | {MEDIA_TYPE: {"schema": schema}}}


class ExactJson(OpenAPIRenderPlugin):
    """Serves the document."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002  # Litestar's
        """The document with msgspec's schemas."""
        return _exact(openapi_schema)


OPENAPI: Final = OpenAPIConfig(
    title="protomem",
    version=version("protomem"),
    description="A classifier that is taught, corrected and made to forget exactly, while it serves.",
    path="/schema",
    use_handler_docstrings=True,
    render_plugins=[ExactJson(path="/openapi.json", media_type=MediaType.JSON)],
    components=Components(
        security_schemes={"key": SecurityScheme(type="http", scheme="bearer", bearer_format="pm_...")}
    ),
    security=[{"key": []}],
)
"""Litestar's configuration of it."""
