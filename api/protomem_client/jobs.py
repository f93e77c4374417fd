"""Work that takes longer than a request: begun, looked at until it is done, and its result taken."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec

from protomem.errors import ServerError
from protomem.progress import Progress
from protomem_client.reading import Problem, converted, error_of, read
from protomem_client.steps import Request, Steps

__all__ = ["job"]

T = TypeVar("T")

FIRST_LOOK: Final = 0.02
LATER: Final = 1.5
LAST_LOOK: Final = 1.0
"""Seconds before a job is looked at again: soon, for short ones, and each time half as long again up to a second."""


class Job(msgspec.Struct, frozen=True):
    """A job as the server tells of it."""

    id: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int = 0
    total: int = 0
    result: Any = None
    problem: Problem | None = None


def job(start: Request, kind: type[T], progress: Progress | None) -> Steps[T]:
    """The result of the job that this request begins. Raises what made it fail, and `ServerError` if it was cancelled.

    Whoever is interrupted while waiting leaves the job to its end.
    """
    found = read((yield start), Job)
    wait = FIRST_LOOK
    while found.state in ("queued", "running"):
        found = read((yield Request("GET", f"/v1/jobs/{found.id}", after=wait)), Job)
        wait = min(wait * LATER, LAST_LOOK)
        if progress is not None and found.total:
            progress(found.done, found.total)
    if found.problem is not None:
        raise error_of(found.problem)
    if found.state != "done":
        raise ServerError(f"the job {found.id} was {found.state}: ask for it again")
    return converted(found.result, kind)
