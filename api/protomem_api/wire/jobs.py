"""What goes over the wire about jobs: long work that is asked for, watched and cancelled."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta

import protomem
from protomem_api.wire.answers import Check, Problem
from protomem_api.wire.shared import Body, Item, Receipt, Reply

__all__ = ["RESULTS", "AskReport", "Job", "JobEvent", "JobKind", "JobState", "Jobs", "Verification"]

JobKind = Literal["verify", "purge", "report"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class Verification(Reply, frozen=True):
    """What recomputing a memory found: `ok` if every check held; see `protomem.Verification`."""

    ok: bool
    checks: list[Check]
    digest: str
    examples: int


RESULTS: Final[tuple[type, ...]] = (Verification, Receipt, protomem.Report)
"""What a job of each kind comes to, in the order of `JobKind`."""

Result: TypeAlias = Annotated[
    dict[str, Any],
    Meta(extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{one.__name__}"} for one in RESULTS]}),
]


class AskReport(Body, frozen=True):
    """What a report is to look at; see `Memory.report`."""

    windows: Annotated[int, Meta(ge=2, le=1_000, description="Equal parts in which the stream is played.")] = 10
    false_alarm: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="How often a steady stream may raise an alarm; null looks for no drift."),
    ] = 0.01
    costs: Annotated[bool, Meta(description="Whether to measure what each head costs and gives.")] = True
    recent: Annotated[
        list[Item] | None,
        Meta(
            description="Unlabelled items that came since, oldest first. They are kept nowhere: a restart of the "
            "server before the report is made lets it fail."
        ),
    ] = None


class Job(Reply, frozen=True):
    """Long work: what it is, how far it is, and what came of it."""

    id: str
    kind: JobKind
    memory: str
    state: JobState
    created: str
    done: Annotated[int, Meta(description="Examples done.")] = 0
    total: Annotated[int, Meta(description="Examples in all; 0 until the first report of progress.")] = 0
    result: Annotated[
        Result | None, Meta(description="Once it is done: what `Memory.verify`, `purge` or `report` returns.")
    ] = None
    problem: Annotated[Problem | None, Meta(description="Why there is no result.")] = None
    ended: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing about it will change."""
        return self.state in ("done", "failed", "cancelled")


class JobEvent(Reply, frozen=True):
    """One event of a job's stream: `data` is the whole job as JSON, `id` goes on as `Last-Event-ID`."""

    id: str
    event: Literal["state", "progress"]
    data: str


class Jobs(Reply, frozen=True):
    """The jobs of the memories that the key may read, newest first; `next` goes on as `after`."""

    jobs: list[Job]
    next: str | None = None
