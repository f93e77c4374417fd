"""How often a caller may ask: a token bucket each."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import final

from protomem_api.problems import too_many_requests

__all__ = ["Rates"]

MOST_CALLERS = 10_000
"""Buckets that are kept; the one used least recently is full by then, as one that was never used."""


@final
class Rates:
    """`rate` requests a second for each caller, and as many at once; 0 is no limit.

    In memory, by the clock of one process, at the cost of two look-ups. `limits` and Litestar's limiter keep windows in
    place of buckets, which let twice the rate through at their borders, and start timers or cost four times a request.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request. Raises the problem `too-many-requests`, with the seconds to wait."""
        if not self._rate:
            return
        now = time.monotonic()
        tokens, then = self._buckets.pop(caller, (float(self._rate), now))
        tokens = min(self._rate, tokens + (now - then) * self._rate)
        enough = tokens >= 1
        self._buckets[caller] = (tokens - enough, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        if not enough:
            raise too_many_requests(max(1, math.ceil((1 - tokens) / self._rate)))
