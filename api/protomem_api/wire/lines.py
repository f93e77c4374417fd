"""What goes over the wire in bulk: one item a line in, one status a line out, and totals at the end."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

from protomem_api.wire.answers import Answer, Problem
from protomem_api.wire.shared import Body, Item, Receipt, Reply

__all__ = [
    "ForgetLine",
    "LearnLine",
    "LineDone",
    "LineReceipt",
    "LinesEnd",
    "OptionsLine",
    "PredictLine",
    "RelearnOption",
    "Totals",
]

Number: TypeAlias = Annotated[int, Meta(description="The line of the request, from 1 on.")]


class LearnLine(Body, frozen=True):
    """An example to remember. Without an id it gets one, which is in its answer."""

    item: Item
    labels: Annotated[str | list[str], Meta(description="Its label, or a list of several.")]
    id: str | None = None
    subject: str | None = None


class PredictLine(Body, frozen=True):
    """An item to answer for."""

    item: Item


class ForgetLine(Body, frozen=True):
    """An example to forget."""

    id: str


class OptionsLine(Body, frozen=True):
    """May be the first line, and holds for all others: `relearn` to learn, every option of `predict` to predict."""

    options: dict[str, Any]


class RelearnOption(Body, frozen=True):
    """The option of learning."""

    relearn: bool = False


class LineDone(Reply, frozen=True, omit_defaults=True):
    """What came of a line: `error` has a `problem`, `answered` an `answer`; the others an `id`."""

    line: Number
    status: Literal["learned", "unchanged", "forgotten", "answered", "error"]
    id: str | None = None
    answer: Answer | None = None
    problem: Problem | None = None


class LineReceipt(Reply, frozen=True):
    """The receipt of the lines just answered, from a memory that keeps nothing: without it they cannot be forgotten."""

    receipt: Receipt


class Totals(Reply, frozen=True, omit_defaults=True):
    """How many lines came to what."""

    learned: int = 0
    unchanged: int = 0
    forgotten: int = 0
    answered: int = 0
    error: int = 0


class LinesEnd(Reply, frozen=True, omit_defaults=True):
    """The last line of an answer. With a `problem` the lines after the last one answered were not looked at."""

    totals: Totals
    problem: Problem | None = None
