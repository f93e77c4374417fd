"""Bodies of requests; unknown fields are refused."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protomem_api.wire.shared import (
    MOST,
    Body,
    ClientKeys,
    Ids,
    Items,
    Labels,
    Likelihood,
    MemoryName,
    Receipt,
    Retain,
    Role,
    Share,
    Width,
)

__all__ = [
    "CreateKey",
    "CreateMemory",
    "Forget",
    "IdToHash",
    "Learn",
    "Predict",
    "Suggest",
    "Trim",
]


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


class CreateKey(Body, frozen=True):
    """A new API key: its name, its role, and for which memories; for all if none are named.

    One with the role `contribute` may merge what these `clients` sent, and nothing else.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S", examples=["website"])]
    role: Role
    memories: list[MemoryName] | None = None
    clients: ClientKeys | None = None
