"""What goes over the wire: typed bodies of requests, which refuse unknown fields, and of answers.

Field names are those of the embedded library (`protomem.Memory`), so that what is said of one holds for the other.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

__all__ = [
    "NAME_PATTERN",
    "Answer",
    "Answers",
    "Check",
    "Classes",
    "CreateKey",
    "CreateMemory",
    "Evidence",
    "Example",
    "Examples",
    "Explanation",
    "Forget",
    "Health",
    "IdHash",
    "IdToHash",
    "Image",
    "Item",
    "KeyEvidence",
    "KeyInfo",
    "Keys",
    "Learn",
    "Memories",
    "MemoryInfo",
    "NewKey",
    "Part",
    "Predict",
    "Probability",
    "Problem",
    "PrototypeEvidence",
    "Receipt",
    "Receipts",
    "Role",
    "Suggest",
    "Suggestion",
    "Suggestions",
    "Taught",
    "Trim",
]

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,63}$"
"""A memory's name is a file's name on every system, and a label of nothing else."""

Role = Literal["read", "write", "admin"]
Retain = Literal["codes", "items", "nothing"]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request."""


class Reply(msgspec.Struct, frozen=True):
    """The body of an answer."""


MemoryName: TypeAlias = Annotated[
    str, Meta(pattern=NAME_PATTERN, description="The memory's name.", examples=["support"])
]


class Image(Body, frozen=True):
    """A picture, as base64 of its PNG, JPEG or WebP file."""

    image: bytes


Item: TypeAlias = str | list[float] | Image

Items: TypeAlias = Annotated[
    list[Item],
    Meta(
        description="What the memory's encoder takes: texts, vectors of its dimension, or images; all of one kind.",
        examples=[["Where is my parcel?", "I want my money back"]],
    ),
]

Labels: TypeAlias = Annotated[
    list[str | list[str]],
    Meta(description="For each item its label, or a list of several.", examples=[["delivery", ["refund", "card"]]]),
]

Ids: TypeAlias = Annotated[list[str], Meta(description="Identifiers of examples.", examples=[["m-1", "m-2"]])]

Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1)]
Likelihood: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Width: TypeAlias = Annotated[int, Meta(ge=1, le=16_384)]

MOST = 1_000_000
"""Of labels in a ranking, examples of evidence, suggestions: more than anyone means, and less than overflows."""


class CreateMemory(Body, frozen=True):
    """The settings of a new memory. They are fixed for good."""

    name: MemoryName
    encoder: Annotated[
        str,
        Meta(
            description='"vectors:384" for vectors that the caller brings, or the name of an encoder of this server.',
            examples=["vectors:384"],
        ),
    ]
    retain: Annotated[Retain, Meta(description="What is kept of an item besides sums.")] = "codes"
    width: Annotated[Width | None, Meta(description="Features of the lift; 2,048 by default.")] = None
    kernel_rows: Annotated[
        int, Meta(ge=0, le=16_384, description="Up to so many examples are answered by one kernel over all of them.")
    ] = 0


class Learn(Body, frozen=True):
    """Examples to remember; see `Memory.learn`."""

    items: Items
    labels: Labels
    ids: Ids | None = None
    subjects: Annotated[
        list[str | None] | None,
        Meta(description="Whose data each item is, or null.", examples=[["customer-1", None]]),
    ] = None
    relearn: Annotated[bool, Meta(description="Teach ids anew that were forgotten.")] = False


class Taught(Reply, frozen=True, forbid_unknown_fields=True):
    """An example as the receipt of a memory that keeps nothing hands it back."""

    id: str
    labels: list[str]
    codes: str


class Receipt(Reply, frozen=True, forbid_unknown_fields=True):
    """A change of a memory, signed; see `protomem.Receipt`. `ids`, `unchanged` and `content` are told once."""

    id: str
    kind: Literal["learn", "forget", "purge"]
    sequence: int
    count: int
    before: str
    after: str
    at: str
    previous: str = ""
    id_hashes: list[str] = []
    request: str = ""
    signature: str = ""
    ids: list[str] = []
    unchanged: list[str] = []
    content: list[Taught] = []
    version: int = 1


class Forget(Body, frozen=True):
    """What to forget: exactly one of `ids`, `subject`, `label` and `receipt`; see `Memory.forget`."""

    ids: Ids | None = None
    subject: Annotated[str | None, Meta(description="Everything that is this subject's.")] = None
    label: Annotated[str | None, Meta(description="Every example that carries this label.")] = None
    receipt: Annotated[Receipt | None, Meta(description="What `learn` answered: everything it added is forgotten.")] = (
        None
    )
    purge: Annotated[bool, Meta(description="Take the bytes out of the files too.")] = False


class Trim(Body, frozen=True):
    """How many examples may stay; see `Memory.trim`."""

    to: Annotated[int, Meta(ge=1, le=2**53, description="Examples that stay at most.", examples=[50_000])]
    purge: Annotated[bool, Meta(description="Take the bytes of the others out of the files too.")] = False


class Predict(Body, frozen=True):
    """Items to answer for, and what is asked of each; see `Memory.predict`."""

    items: Items
    top_k: Annotated[int, Meta(ge=1, le=MOST, description="Labels in each ranking.")] = 5
    evidence: Annotated[int, Meta(ge=0, le=MOST, description="Nearest examples to show.")] = 3
    coverage: Annotated[Share | None, Meta(description="A label set that holds the true label this often.")] = None
    false_alarm: Annotated[Share | None, Meta(description="Abstain on items stranger than all but this share.")] = None
    among: Annotated[
        list[str] | str | None, Meta(description="Answer with one of these labels, or with those of this task.")
    ] = None
    per_class: Annotated[bool, Meta(description="Coverage for each label by itself.")] = False
    thresholds: Annotated[
        dict[str, Likelihood] | None,
        Meta(description="By label, the least probability at which it may be answered."),
    ] = None
    certainty: Annotated[Share | None, Meta(description="Answer at the deepest level that is this probable.")] = None
    separator: Annotated[str, Meta(min_length=1, description="What parts the levels of a label.")] = "/"
    multi_label: Annotated[bool, Meta(description="A probability for each label by itself.")] = False
    explain: Annotated[bool, Meta(description="Say what each head added.")] = False
    name_prior: Annotated[bool, Meta(description="Let the labels' names help those with few examples.")] = False


class Suggest(Body, frozen=True):
    """Unlabelled items to choose from; see `Memory.suggest`."""

    items: Items
    count: Annotated[int, Meta(ge=1, le=MOST, description="How many to suggest.")] = 10


class IdToHash(Body, frozen=True):
    """An id whose keyed hash is asked for."""

    id: Annotated[str, Meta(examples=["m-1"])]


class MemoryInfo(Reply, frozen=True):
    """A memory as it is now. `digest` names everything learned, `public_key` verifies its receipts.

    What is between `encoder` and `seed` is fixed for good: the memory's settings, as the library has them.
    """

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
    classes: Annotated[int, Meta(description="How many labels there are.")]
    digest: str
    public_key: str


class Memories(Reply, frozen=True):
    """The memories that the key may read, by name; `next` goes on as `after`."""

    memories: list[MemoryInfo]
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


class CreateKey(Body, frozen=True):
    """A new API key: its name, its role, and for which memories; for all if none are named."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S", examples=["website"])]
    role: Role
    memories: list[MemoryName] | None = None


class KeyInfo(Reply, frozen=True):
    """An API key without its secret. `memories` null means all."""

    id: str
    name: str
    role: Role
    memories: list[str] | None
    created: str


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
    checks: list[Check] = []


class Problem(Reply, frozen=True, omit_defaults=True):
    """What went wrong, after RFC 9457. `path` is the JSON path of the wrong value in the request's body."""

    type: Annotated[str, Meta(examples=["/problems/invalid-item"])]
    title: str
    status: int
    detail: str
    path: Annotated[str | None, Meta(examples=["$.items[3]"])] = None
