"""The OpenAPI document: the routes as Litestar sees them, the bodies as msgspec decodes them.

Litestar's own schemas leave out that unknown fields are refused, and the bounds of what may be null; msgspec's are made
from the very types that it decodes by.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

import msgspec
from litestar import Litestar, MediaType, Request
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from protomem_api import wire

__all__ = ["OPENAPI", "exact_document"]

BODIES: Final = [getattr(wire, name) for name in wire.__all__ if hasattr(getattr(wire, name), "__struct_fields__")]


def exact_document(app: Litestar) -> bytes:
    """The document of an application, as JSON that two runs write alike."""
    return _exact(app.openapi_schema.to_schema())


def _exact(document: dict[str, Any]) -> bytes:
    _, schemas = msgspec.json.schema_components(BODIES, ref_template="#/components/schemas/{name}")
    components = document["components"] | {"schemas": dict(sorted(schemas.items()))}
    return msgspec.json.format(msgspec.json.encode(document | {"components": components}), indent=1) + b"\n"


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
