"""What a prediction says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

__all__ = ["Answer", "Evidence", "Explanation", "KeyEvidence", "PrototypeEvidence", "with_texts"]


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
class PrototypeEvidence:
    """A prototype of the best label: the mean of its examples (`mode` None), or of those in one frozen mode.

    `similarity` is the cosine with the item, `count` how many examples the mean is of.
    """

    mode: int | None
    similarity: float
    count: int


@final
@dataclass(frozen=True, slots=True)
class KeyEvidence:
    """A codebook key of the item that speaks for the best label: `count` of its `total` examples have it too."""

    book: int
    key: int
    count: int
    total: int


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """Why `label`, the first of the ranking, and not `against`, the second.

    `parts` says what each head adds to the natural logarithm of their odds, and "balance" what the label gains for
    being the rarer; their sum is `log_odds`. With `multi_label` a label stands against its own absence: `against` is
    None, and the part "shift" is that of the curve.
    Where no other label could be answered there is nothing to stand against: no parts, and `log_odds` is None.

    `prototypes` are the label's nearest, best first; `keys` those that speak most for it, against the other label or,
    where there is none, by the share of the label's examples.
    """

    label: str
    against: str | None
    log_odds: float | None
    parts: tuple[tuple[str, float], ...]
    prototypes: tuple[PrototypeEvidence, ...]
    keys: tuple[KeyEvidence, ...]


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one item.

    `ranking` holds (label, probability) pairs, best first; their probabilities add up to 1 over all labels, or stand
    alone where `multi_label` was asked for. `label` is the best of them, or the level above it where `certainty` was
    asked for, and `probability` is its own; None where the memory `abstained`, with the probability of the best label.
    `label_set` holds the labels that together reach the coverage asked for (conformal), or every label that is likely
    by itself (`multi_label`); None if neither was asked. `novelty` is a p-value: the share of remembered examples that
    would look at least as strange had they not been learned; None where no example is kept to compare with.
    `explanation` is None unless asked for. `heads` names what the answer rests on.
    """

    label: str | None
    probability: float
    ranking: tuple[tuple[str, float], ...]
    label_set: frozenset[str] | None
    novelty: float | None
    abstained: bool
    evidence: tuple[Evidence, ...]
    heads: tuple[str, ...]
    explanation: Explanation | None = None


def with_texts(answers: Sequence[Answer], texts: Mapping[str, str | None]) -> list[Answer]:
    """The answers with these texts of their evidence, by id."""
    return [
        replace(answer, evidence=tuple(replace(one, item=texts.get(one.id)) for one in answer.evidence))
        for answer in answers
    ]
