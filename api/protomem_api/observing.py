"""What is written down of a request: its route, its outcome and its time, and nothing that a caller chose."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram

from protomem_api.keys import Key
from protomem_api.logs import log
from protomem_api.metrics import REQUESTS, SECONDS

__all__ = ["observe"]

QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked for every few seconds by machines: logged for whoever logs everything."""


def observe(method: str, route: str, key: Key | None, id: str, status: int, seconds: float) -> None:
    """One request that has ended, of a route by its template; status 0 is a caller that went away."""
    count, timer = _series(method if method in METHODS else "other", route, status)
    count.inc()
    timer.observe(seconds)
    write = log.debug if route in QUIET else log.info
    write(
        "request",
        request_id=id,
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1_000, 2),
        key=key.id if key is not None else None,
    )


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)
