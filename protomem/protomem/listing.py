"""What is remembered, as it is listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from protomem.errors import InvalidId, InvalidLabel
from protomem.examples import Labels
from protomem.inputs import check_name, check_whole

__all__ = ["Example", "Page", "check_span"]


@final
@dataclass(frozen=True, slots=True)
class Example:
    """A remembered example as it is listed; `item` is its text where the memory retains items."""

    id: str
    subject: str | None
    labels: Labels
    item: str | None


@final
@dataclass(frozen=True, slots=True)
class Page:
    """Which examples are to be listed: of this label, of this subject, after this id, at most so many; None: any.

    Raises `InvalidInput` for what no example could have, and a limit that is no whole number from 1.
    """

    label: str | None = None
    subject: str | None = None
    after: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        for name, error in (("label", InvalidLabel), ("subject", InvalidId), ("after", InvalidId)):
            if (value := getattr(self, name)) is not None:
                check_name(value, name, error)
        check_span(0, self.limit)

    def takes(self, example: Example) -> bool:
        """Whether it is one of them, the limit aside."""
        return (
            (self.label is None or self.label in example.labels)
            and (self.subject is None or self.subject == example.subject)
            and (self.after is None or self.after < example.id)
        )


def check_span(after: int, limit: int | None) -> None:
    """Which numbers are to be listed: those after this one, at most so many."""
    check_whole("after", after, 0)
    if limit is not None:
        check_whole("limit", limit, 1)
