"""What a prediction says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["Answer", "Evidence"]


@final
@dataclass(frozen=True, slots=True)
class Evidence:
    """A remembered example that speaks for an answer: its cosine similarity to the item, its text where retained."""

    id: str
    labels: tuple[str, ...]
    similarity: float
    item: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one item.

    `ranking` holds (label, probability) pairs, best first, and `label` and `probability` its first, or None and that
    probability where the memory `abstained`. `label_set` holds the labels that together reach the coverage asked for
    (conformal; None if none was asked). `novelty` is a p-value: the share of remembered examples that would look at
    least as strange had they not been learned; None where no example is kept to compare with. `heads` names what the
    answer rests on.
    """

    label: str | None
    probability: float
    ranking: tuple[tuple[str, float], ...]
    label_set: frozenset[str] | None
    novelty: float | None
    abstained: bool
    evidence: tuple[Evidence, ...]
    heads: tuple[str, ...]
