"""Bodies of answers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from protomem_api.problem_kinds import KINDS
from protomem_api.wire.shared import ClientKeys, Receipt, Reply, Retain, Role

__all__ = [
    "Answer",
    "Answers",
    "Check",
    "Classes",
    "Evidence",
    "Example",
    "Examples",
    "Explanation",
    "Health",
    "IdHash",
    "KeyEvidence",
    "KeyInfo",
    "Keys",
    "Memories",
    "MemoryInfo",
    "MemorySummary",
    "NewKey",
    "Part",
    "Probability",
    "Problem",
    "PrototypeEvidence",
    "Receipts",
    "Suggestion",
    "Suggestions",
]


class MemoryInfo(Reply, frozen=True):
    """A memory as it is now. `digest` names everything learned, `public_key` verifies its receipts.

    What stands before `examples` is fixed for good: the memory's settings, as the library has them.
    """

    name: str
    encoder: str
    retain: Retain
    dimension: int
    width: int
    kernel_rows: int
    encoder_fingerprint: str
    books: int
    keys: int
    modes: int
    seed: int
    examples: int
    classes: Annotated[int, Meta(description="How many labels there are.")]
    digest: str
    public_key: str


class MemorySummary(Reply, frozen=True):
    """A memory in a list, as far as it can be told without opening it.

    `examples` and `classes` (how many labels there are) are null of a memory that is not open, and may be some moments
    old of one that a job works on; `encoder` and `retain` are null of one brought from elsewhere until it is opened.
    """

    name: str
    encoder: str | None
    retain: Retain | None
    is_open: bool
    examples: int | None
    classes: int | None


class Memories(Reply, frozen=True):
    """The memories that the key may read, by name; `next` goes on as `after`."""

    memories: list[MemorySummary]
    next: str | None = None


class Probability(Reply, frozen=True):
    """A label and how probable it is."""

    label: str
    probability: float


class Evidence(Reply, frozen=True):
    """A remembered example that speaks for an answer."""

    id: str
    labels: list[str]
    similarity: float
    item: str | None = None


class PrototypeEvidence(Reply, frozen=True):
    """A prototype of the best label; `mode` null is the mean of all its examples."""

    mode: int | None
    similarity: float
    count: int


class KeyEvidence(Reply, frozen=True):
    """A codebook key that speaks for the best label."""

    book: int
    key: int
    count: int
    total: int


class Part(Reply, frozen=True):
    """What one head added to the logarithm of the odds."""

    head: str
    log_odds: float


class Explanation(Reply, frozen=True):
    """Why this label and not the other; see `protomem.Explanation`."""

    label: str
    against: str | None
    log_odds: float | None
    parts: list[Part]
    prototypes: list[PrototypeEvidence]
    keys: list[KeyEvidence]


class Answer(Reply, frozen=True):
    """The answer for one item; see `protomem.Answer`."""

    label: str | None
    probability: float
    ranking: list[Probability]
    label_set: list[str] | None
    novelty: float | None
    abstained: bool
    evidence: list[Evidence]
    heads: list[str]
    explanation: Explanation | None = None


class Answers(Reply, frozen=True):
    """An answer for each item, in their order."""

    answers: list[Answer]


class Suggestion(Reply, frozen=True):
    """An item worth labelling; see `protomem.Suggestion`."""

    position: int
    value: float
    answer: str | None
    probability: float | None
    novelty: float | None


class Suggestions(Reply, frozen=True):
    """Items worth labelling, best first."""

    suggestions: list[Suggestion]


class Classes(Reply, frozen=True):
    """How many remembered examples carry each label."""

    classes: dict[str, int]


class Example(Reply, frozen=True):
    """A remembered example; `item` is its text where the memory retains items."""

    id: str
    subject: str | None
    labels: list[str]
    item: str | None


class Examples(Reply, frozen=True):
    """Remembered examples by id; `next` goes on as `after`."""

    examples: list[Example]
    next: str | None = None


class Receipts(Reply, frozen=True):
    """Receipts, oldest first; `next` goes on as `after`."""

    receipts: list[Receipt]
    next: int | None = None


class IdHash(Reply, frozen=True):
    """The keyed hash (hex) by which receipts name an id."""

    id_hash: str


class KeyInfo(Reply, frozen=True):
    """An API key without its secret. `memories` null means all; `clients` are those of the role `contribute`."""

    id: str
    name: str
    role: Role
    memories: list[str] | None
    created: str
    clients: ClientKeys | None


class NewKey(KeyInfo, frozen=True):
    """A new API key with its secret, which is told this once."""

    secret: str


class Keys(Reply, frozen=True):
    """The API keys, in the order in which they were made."""

    keys: list[KeyInfo]


class Check(Reply, frozen=True):
    """One check and what it found."""

    name: str
    ok: bool
    detail: str


class Health(Reply, frozen=True):
    """Whether the server runs, and what it looked at."""

    status: Literal["ok"]
    checks: list[Check]


class Problem(Reply, frozen=True, omit_defaults=True):
    """What went wrong, after RFC 9457. `path` is the JSON path of the wrong value in the request's body."""

    type: Annotated[
        str,
        Meta(
            description="Its kind, and the page that says what to try.", examples=[one.type for one in KINDS.values()]
        ),
    ]
    title: str
    status: int
    detail: str
    path: Annotated[str | None, Meta(examples=["$.items[3]"])] = None
