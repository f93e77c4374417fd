"""Drift: where a rate of the stream rises more than chance explains, by river's ADWIN (Bifet and Gavaldà 2007).

ADWIN keeps a window of the latest values and cuts off its older part when the means of the two parts differ by more
than a bound that a constant mean passes with probability at most δ at one check. A stream of n values is checked
n / CLOCK times, so δ = `false_alarm` · CLOCK / n bounds the probability of any alarm in the whole stream (union bound).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from protomem.errors import MissingExtra

__all__ = ["Rise", "rises"]

CLOCK = 32
"""Values between two checks: river's own default."""


@final
@dataclass(frozen=True, slots=True)
class Rise:
    """A rate that rose, found at the value number `found`, counted from 0.

    It most likely `began` with that number: of all places in the detector's window the one where the means before and
    after differ most beside their errors. They are `before` and `after`.
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
            rise = _change(values, start, number)
            if rise.after > rise.before:
                found.append(rise)
            start = number + 1  # with the next value river's ADWIN begins a new window
    return found


def _change(values: Sequence[float], start: int, end: int) -> Rise:
    """Where the values from `start` to `end` most likely changed: the least squares split in two means."""
    sums = np.cumsum(values[start : end + 1])
    left = np.arange(1, len(sums))
    distance = np.square(sums[-1] * left / len(sums) - sums[:-1]) / (left * (len(sums) - left))
    cut = int(distance.argmax())
    before, after = sums[cut] / left[cut], (sums[-1] - sums[cut]) / (len(sums) - left[cut])
    return Rise(start + cut + 1, end, float(before), float(after))


def _detector(delta: float) -> Any:
    try:
        from river import drift
    except ImportError as error:
        raise MissingExtra("looking for drift, which report(false_alarm=None) leaves out,", "streams") from error
    adwin: Any = drift.ADWIN  # river's detectors have no types
    return adwin(delta=delta, clock=CLOCK)
