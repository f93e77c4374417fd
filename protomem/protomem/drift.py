"""Drift: where a rate of the stream rises more than chance explains, by river's ADWIN (Bifet and Gavaldà 2007).

ADWIN keeps a window of the latest values and cuts off its older part when the means of the two parts differ by more
than a bound that a constant mean passes with probability at most δ at one check. A stream of n values is checked
n / CLOCK times, so δ = `false_alarm` · CLOCK / n bounds the probability of any alarm in the whole stream (union bound).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from protomem.errors import MissingExtra

__all__ = ["Rise", "rises"]

CLOCK = 32
"""Values between two checks: river's own default."""


@final
@dataclass(frozen=True, slots=True)
class Rise:
    """A rate that rose, found at the value number `found`, counted from 0: since number `began` its mean is `after`, and
    had been `before`.
    """

    began: int
    found: int
    before: float
    after: float


def rises(values: Sequence[float], false_alarm: float) -> list[Rise]:
    """Where the mean of these values, each 0 to 1, rose. A mean that falls is no alarm.

    The probability that a stream of constant mean raises any is at most `false_alarm`. Raises `MissingExtra` without
    `protomem[streams]`.
    """
    detector = _detector(min(1.0, false_alarm * CLOCK / max(len(values), 1)))
    found, start = [], 0
    for number, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            began = number + 1 - int(detector.width)
            before, after = _mean(values[start:began]), _mean(values[began : number + 1])
            if after > before:
                found.append(Rise(began, number, before, after))
            start = number + 1  # with the next value river's ADWIN begins a new window
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _detector(delta: float) -> Any:
    try:
        from river.drift import ADWIN
    except ImportError as error:
        raise MissingExtra("looking for drift, which report(false_alarm=None) leaves out,", "streams") from error
    return ADWIN(delta=delta, clock=CLOCK)
