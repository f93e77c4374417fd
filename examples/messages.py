"""The support messages of this folder, as the examples read them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Messages:
    """Texts, the label of each, and the customer who wrote it."""

    texts: list[str]
    labels: list[str]
    subjects: list[str]

    def of(self, *labels: str) -> Messages:
        """Those with one of these labels."""
        return self._picked([number for number, label in enumerate(self.labels) if label in labels])

    def by(self, subjects: Iterable[str]) -> Messages:
        """Those that one of these customers wrote."""
        wanted = set(subjects)
        return self._picked([number for number, subject in enumerate(self.subjects) if subject in wanted])

    def __add__(self, other: Messages) -> Messages:
        """These and those."""
        return Messages(self.texts + other.texts, self.labels + other.labels, self.subjects + other.subjects)

    def _picked(self, numbers: list[int]) -> Messages:
        return Messages(
            *([column[number] for number in numbers] for column in (self.texts, self.labels, self.subjects))
        )


def load(split: Literal["learn", "ask"]) -> Messages:
    """The messages to learn from, or those to ask about."""
    with Path(__file__).with_name("support_messages.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    return Messages(*([row[name] for row in rows] for name in ("text", "label", "subject")))
