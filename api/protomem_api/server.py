"""The process that serves: uvicorn on the application, until it is told to stop."""

from __future__ import annotations

import logging

import uvicorn
from litestar import Litestar

from protomem_api.app import create_app
from protomem_api.logs import configure_logs
from protomem_api.settings import Settings

__all__ = ["serve", "server_config"]


def serve(settings: Settings) -> None:
    """Serve until a signal says to stop; requests under way are finished.

    Raises `MemoryLocked` where another server has the folder.
    """
    configure_logs(getattr(logging, settings.log_level.upper()))
    app = create_app(settings)
    app.state.service.hold.take()
    uvicorn.Server(server_config(settings, app)).run()


def server_config(settings: Settings, app: Litestar) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who connects: a header could say anything
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
