"""What a server answers, as the library's records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import msgspec

from protomem.answers import Answer, Evidence, Explanation, KeyEvidence, PrototypeEvidence
from protomem.federation.acceptance import MergedClient
from protomem.listing import Example
from protomem.receipts import Receipt
from protomem.settings import MemorySettings, Retain
from protomem.space import SpaceSettings
from protomem.suggestions import Suggestion

__all__ = [
    "Answers",
    "Classes",
    "Clients",
    "Examples",
    "IdHash",
    "Memories",
    "MemoryInfo",
    "MemorySummary",
    "Receipts",
    "Suggestions",
]


@final
@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """A memory as its server describes it. `classes` is the number of labels, `digest` names everything learned."""

    name: str
    encoder: str
    encoder_fingerprint: str
    retain: Retain
    dimension: int
    width: int
    books: int
    keys: int
    modes: int
    seed: int
    kernel_rows: int
    examples: int
    classes: int
    digest: str
    public_key: str

    def settings(self) -> MemorySettings:
        """The settings, as the embedded library has them."""
        space = SpaceSettings(
            dimension=self.dimension,
            encoder=self.encoder_fingerprint,
            width=self.width,
            books=self.books,
            keys=self.keys,
            modes=self.modes,
            seed=self.seed,
        )
        return MemorySettings(self.encoder, self.retain, space)


@final
@dataclass(frozen=True, slots=True)
class MemorySummary:
    """A memory in a server's list, as far as it can be told without opening it; what cannot is None.

    `examples` and `classes` (the number of labels) are known of memories that are open on the server.
    """

    name: str
    encoder: str | None
    retain: Retain | None
    is_open: bool
    examples: int | None
    classes: int | None


class Memories(msgspec.Struct, frozen=True):
    """A page of memories."""

    memories: list[MemorySummary]
    next: str | None = None


class Classes(msgspec.Struct, frozen=True):
    """Examples by label."""

    classes: dict[str, int]


class Clients(msgspec.Struct, frozen=True):
    """Clients that were merged."""

    clients: list[MergedClient]


class Examples(msgspec.Struct, frozen=True):
    """A page of examples."""

    examples: list[Example]
    next: str | None = None


class Receipts(msgspec.Struct, frozen=True):
    """A page of receipts."""

    receipts: list[Receipt]
    next: int | None = None


class IdHash(msgspec.Struct, frozen=True):
    """The keyed hash of an id."""

    id_hash: str


class Suggestions(msgspec.Struct, frozen=True):
    """Items to label next."""

    suggestions: list[Suggestion]


class Probability(msgspec.Struct, frozen=True):
    """A pair of a ranking."""

    label: str
    probability: float


class Part(msgspec.Struct, frozen=True):
    """A pair of an explanation."""

    head: str
    log_odds: float


class ExplanationReply(msgspec.Struct, frozen=True):
    """An explanation, whose pairs are objects."""

    label: str
    against: str | None
    log_odds: float | None
    parts: list[Part]
    prototypes: tuple[PrototypeEvidence, ...]
    keys: tuple[KeyEvidence, ...]

    def record(self) -> Explanation:
        """As the library has it."""
        parts = tuple((part.head, part.log_odds) for part in self.parts)
        return Explanation(self.label, self.against, self.log_odds, parts, self.prototypes, self.keys)


class AnswerReply(msgspec.Struct, frozen=True):
    """An answer, whose pairs are objects."""

    label: str | None
    probability: float
    ranking: list[Probability]
    label_set: frozenset[str] | None
    novelty: float | None
    abstained: bool
    evidence: tuple[Evidence, ...]
    heads: tuple[str, ...]
    explanation: ExplanationReply | None = None

    def record(self) -> Answer:
        """As the library has it."""
        return Answer(
            label=self.label,
            probability=self.probability,
            ranking=tuple((pair.label, pair.probability) for pair in self.ranking),
            label_set=self.label_set,
            novelty=self.novelty,
            abstained=self.abstained,
            evidence=self.evidence,
            heads=self.heads,
            explanation=None if self.explanation is None else self.explanation.record(),
        )


class Answers(msgspec.Struct, frozen=True):
    """Answers, one for each item."""

    answers: list[AnswerReply]

    def records(self) -> list[Answer]:
        """As the library has them."""
        return [answer.record() for answer in self.answers]
