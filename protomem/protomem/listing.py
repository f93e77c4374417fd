"""What is remembered, as it is listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

from protomem.examples import Labels
from protomem.store import Row

__all__ = ["Example", "listed_examples"]


@final
@dataclass(frozen=True, slots=True)
class Example:
    """A remembered example as it is listed; `item` is its text where the memory retains items."""

    id: str
    subject: str | None
    labels: Labels
    item: str | None


def listed_examples(rows: Iterable[Row], label: str | None, subject: str | None) -> Iterator[Example]:
    """These examples by id; of one label or one subject if asked."""
    for row in sorted(rows, key=lambda row: row.id):
        if (label is None or label in row.labels) and (subject is None or subject == row.subject):
            yield Example(row.id, row.subject, row.labels, row.item)
