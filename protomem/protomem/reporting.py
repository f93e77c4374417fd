"""A report, put together: what is remembered, how its stream went, where it drifted, and what each head costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal, final

import numpy as np

from protomem.drift import rises
from protomem.errors import InvalidInput
from protomem.head_costs import HeadCosts, head_costs
from protomem.inputs import check_fraction, check_whole
from protomem.memory_report import Alarm, ClassSizes, Confusion, LabelCount, Report, StreamReport, Window
from protomem.progress import Progress
from protomem.space import Space
from protomem.store import Row
from protomem.streams import Outcome, replay

__all__ = ["Inventory", "Wanted", "report"]

STRANGE: Final = 0.05
"""An item with a novelty p-value of at most this is called strange: one in twenty of those like the remembered is."""

MOST_CONFUSED: Final = 10

LEAST_RECENT: Final = 50
"""Items below which a share of strange ones says little: 5 % are 2.5 of them."""

SIGNALS: Final = 2
"""Error and novelty are looked at, each with its half of the false alarms."""


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is to hold; see `Memory.report`."""

    windows: int
    false_alarm: float | None
    costs: bool

    def __post_init__(self) -> None:
        check_whole("windows", self.windows, 2)
        check_fraction("false_alarm", self.false_alarm)


@final
@dataclass(frozen=True, slots=True)
class Inventory:
    """What a memory holds at one moment: the number of its examples, that of each label, and the examples as a stream.

    A memory without examples has no `stream`, and knows the `costs` of its heads itself.
    """

    examples: int
    classes: Mapping[str, int]
    stream: Sequence[Row] | None
    costs: HeadCosts | None


def report(
    space: Space, held: Inventory, recent: Sequence[float | None], wanted: Wanted, progress: Progress | None
) -> Report:
    """The report of what is held. `recent` are the novelty p-values of items that came after it, oldest first."""
    stream, costs = held.stream, held.costs
    if stream is None:
        if recent:
            raise InvalidInput('recent= is compared with kept examples: this memory retains "nothing"')
        return Report(held.examples, _sizes(held.classes), None, costs if wanted.costs else None)
    tested = replay(space, stream, wanted.windows, progress)
    later = [1.0 if one is None else one for one in recent]
    if wanted.costs and stream:
        costs = head_costs(space, stream)
    return Report(held.examples, _sizes(held.classes), _stream(len(stream), tested, later, wanted), costs)


def _sizes(classes: Mapping[str, int]) -> ClassSizes:
    by_size = sorted(classes.items(), key=lambda entry: (-entry[1], entry[0]))
    least = min(classes.values(), default=0)
    smallest = next((LabelCount(*entry) for entry in by_size if entry[1] == least), None)
    largest = LabelCount(*by_size[0]) if by_size else None
    return ClassSizes(len(classes), largest, smallest, sum(count == 1 for count in classes.values()))


def _stream(length: int, tested: Sequence[Outcome], recent: Sequence[float], wanted: Wanted) -> StreamReport:
    known = [one.is_right for one in tested if one.is_known]
    alarms = None if wanted.false_alarm is None else _alarms(length, tested, recent, wanted.false_alarm / SIGNALS)
    return StreamReport(
        length=length,
        tested=len(tested),
        accuracy=float(np.mean([one.is_right for one in tested])) if tested else None,
        accuracy_known=float(np.mean(known)) if known else None,
        windows=tuple(_window(list(some)) for _, some in groupby(tested, key=lambda one: one.window)),
        recent=_recent(length, recent, wanted.windows),
        confused=_confused(tested),
        alarms=alarms,
        false_alarm=wanted.false_alarm,
    )


def _window(tested: Sequence[Outcome]) -> Window:
    novelty = np.array([one.novelty for one in tested])
    return Window(
        start=tested[0].position,
        end=tested[-1].position + 1,
        tested=len(tested),
        accuracy=float(np.mean([one.is_right for one in tested])),
        new_labels=sum(not one.is_known for one in tested),
        novelty=float(novelty.mean()),
        strange=float((novelty <= STRANGE).mean()),
    )


def _recent(length: int, novelty: Sequence[float], windows: int) -> tuple[Window, ...]:
    """The items after the stream, in at most so many equal parts, of no less than LEAST_RECENT if there are as many."""
    parts = np.array_split(np.array(novelty), max(1, min(windows, len(novelty) // LEAST_RECENT)))
    ends = np.cumsum([length, *map(len, parts)]).tolist()
    return tuple(
        Window(start, end, len(part), None, None, float(part.mean()), float((part <= STRANGE).mean()))
        for start, end, part in zip(ends[:-1], ends[1:], parts, strict=True)
        if len(part)
    )


def _confused(tested: Sequence[Outcome]) -> tuple[Confusion, ...]:
    mistakes = Counter((one.labels, one.answer) for one in tested if one.is_known and not one.is_right)
    most = sorted(mistakes.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_CONFUSED]
    return tuple(Confusion(labels, answer, count) for (labels, answer), count in most)


def _alarms(length: int, tested: Sequence[Outcome], recent: Sequence[float], false_alarm: float) -> tuple[Alarm, ...]:
    positions = [*(one.position for one in tested), *range(length, length + len(recent))]
    errors = [float(not one.is_right) for one in tested]
    strange = [float(novelty <= STRANGE) for novelty in [*(one.novelty for one in tested), *recent]]
    signals: tuple[tuple[Literal["error", "novelty"], list[float]], ...] = (("error", errors), ("novelty", strange))
    return tuple(
        Alarm(name, positions[rise.began], positions[rise.found], rise.before, rise.after)
        for name, values in signals
        for rise in rises(values, false_alarm)
    )
