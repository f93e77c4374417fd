"""Structured logs: one JSON object a line on stderr, with the request's id and never with content."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

__all__ = ["configure_logs", "log"]

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def configure_logs(level: int) -> None:
    """Send everything of at least this level to stderr as lines of JSON, and what uvicorn says of its life too."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        _stamped,
        _where_it_failed,
    ]
    structlog.configure(
        processors=[*shared, _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    last: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_text]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(level)


def _stamped(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """With the time as it is, which the encoder writes in ISO 8601: structlog's own stamp takes 2 of 7 µs a line."""
    event["timestamp"] = datetime.now(UTC)
    return event


def _where_it_failed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The lines of a traceback, without the message of the error: it may quote what a caller sent."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return msgspec.json.encode(event)


def _as_text(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    return _as_json(logger, method, event).decode()
