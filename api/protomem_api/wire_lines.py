"""What goes over the wire in bulk: one item a line in, one status a line out, and totals at the end."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from protomem_api import wire

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


class LearnLine(wire.Body, frozen=True):
    """An example to remember. Without an id it gets one, which is in its answer."""

    item: wire.Item
    labels: Annotated[str | list[str], Meta(description="Its label, or a list of several.")]
    id: str | None = None
    subject: str | None = None


class PredictLine(wire.Body, frozen=True):
    """An item to answer for."""

    item: wire.Item


class ForgetLine(wire.Body, frozen=True):
    """An example to forget."""

    id: str


class OptionsLine(wire.Body, frozen=True):
    """May be the first line, and holds for all others: `relearn` to learn, every option of `predict` to predict."""

    options: dict[str, Any]


class RelearnOption(wire.Body, frozen=True):
    """The option of learning."""

    relearn: bool = False


class LineDone(wire.Reply, frozen=True, omit_defaults=True):
    """What came of a line: `error` has a `problem`, `answered` an `answer`; the others an `id`."""

    line: Number
    status: Literal["learned", "unchanged", "forgotten", "answered", "error"]
    id: str | None = None
    answer: wire.Answer | None = None
    problem: wire.Problem | None = None


class LineReceipt(wire.Reply, frozen=True):
    """The receipt of the lines just answered, from a memory that keeps nothing: without it they cannot be forgotten."""

    receipt: wire.Receipt


class Totals(wire.Reply, frozen=True, omit_defaults=True):
    """How many lines came to what."""

    learned: int = 0
    unchanged: int = 0
    forgotten: int = 0
    answered: int = 0
    error: int = 0


class LinesEnd(wire.Reply, frozen=True, omit_defaults=True):
    """The last line of an answer. With a `problem` the lines after the last one answered were not looked at."""

    totals: Totals
    problem: wire.Problem | None = None
