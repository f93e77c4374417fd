"""What `Memory.report` says, as frozen records that a table, a plot or a console can show."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from protomem.head_costs import HeadCosts

__all__ = ["Alarm", "ClassSizes", "Confusion", "LabelCount", "Report", "StreamReport", "Window"]


@final
@dataclass(frozen=True, slots=True)
class LabelCount:
    """A label and how many examples carry it."""

    label: str
    count: int


@final
@dataclass(frozen=True, slots=True)
class ClassSizes:
    """How many labels are remembered, the one with the most and the one with the fewest examples (of equals the first
    by name; None of an empty memory), and how many labels have a single example.
    """

    count: int
    largest: LabelCount | None
    smallest: LabelCount | None
    singletons: int


@final
@dataclass(frozen=True, slots=True)
class Window:
    """The part of a stream from position `start` to before `end`, of which `tested` items were asked about.

    `accuracy` is the share answered rightly, and `new_labels` how many of them carried a label that was not remembered
    then; both None of items without labels. `novelty` is their mean p-value, 0.5 where nothing is strange, and
    `strange` the share of p-values of at most 0.05.
    """

    start: int
    end: int
    tested: int
    accuracy: float | None
    new_labels: int | None
    novelty: float
    strange: float


@final
@dataclass(frozen=True, slots=True)
class Alarm:
    """A rise that chance does not explain: of the share of wrong answers ("error") or of strange items ("novelty").

    It was `found` at that position of the stream; since position `began` the share is `after`, and was `before`.
    """

    of: Literal["error", "novelty"]
    began: int
    found: int
    before: float
    after: float


@final
@dataclass(frozen=True, slots=True)
class Confusion:
    """How often examples with these labels were answered with another one, though their labels were remembered."""

    labels: tuple[str, ...]
    answer: str
    count: int


@final
@dataclass(frozen=True, slots=True)
class StreamReport:
    """The remembered examples as a stream of `length`, each asked about before it was learned.

    `accuracy` is prequential, over all `tested`; `accuracy_known` over those whose labels were remembered already; None
    where none were. `windows` are the parts of the stream, `recent` those of the items that were passed to the report,
    whose positions go on from the stream's. `confused` lists the most frequent mistakes, at most ten.

    `alarms` are None where drift was not looked for; a steady stream raises any with probability at most `false_alarm`.
    """

    length: int
    tested: int
    accuracy: float | None
    accuracy_known: float | None
    windows: tuple[Window, ...]
    recent: tuple[Window, ...]
    confused: tuple[Confusion, ...]
    alarms: tuple[Alarm, ...] | None
    false_alarm: float | None


@final
@dataclass(frozen=True, slots=True)
class Report:
    """A memory in numbers: a pure function of what is remembered and of the order in which it came.

    `stream` is None where the memory retains "nothing", `costs` where they were not asked for or nothing is remembered.
    """

    examples: int
    classes: ClassSizes
    stream: StreamReport | None
    costs: HeadCosts | None

    def to_dict(self) -> dict[str, Any]:
        """The report as dictionaries, tuples, strings, numbers and None."""
        return asdict(self)

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
