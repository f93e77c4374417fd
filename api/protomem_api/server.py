"""The process that serves: uvicorn on the application, until it is told to stop."""

from __future__ import annotations

import logging

import uvicorn

from protomem_api.app import create_app
from protomem_api.logs import configure_logs
from protomem_api.settings import Settings

__all__ = ["serve"]


def serve(settings: Settings) -> None:
    """Serve until a signal says to stop; requests under way are finished."""
    configure_logs(getattr(logging, settings.log_level.upper()))
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    uvicorn.Server(config).run()
