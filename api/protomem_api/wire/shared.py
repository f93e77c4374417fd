"""What bodies of requests and of answers share."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

__all__ = [
    "MOST",
    "NAME_PATTERN",
    "Body",
    "ClientKeys",
    "ClientName",
    "Ids",
    "Image",
    "Item",
    "Items",
    "Labels",
    "Likelihood",
    "MemoryName",
    "Receipt",
    "Reply",
    "Retain",
    "Role",
    "Share",
    "Taught",
    "Width",
]

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,63}$"
"""A memory's name is a file's name on every system, and a label of nothing else."""

Retain = Literal["codes", "items", "nothing"]
Role = Literal["read", "write", "admin", "contribute"]


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

ClientName: TypeAlias = Annotated[
    str, Meta(description="The name under which a client contributes.", examples=["clinic-7"])
]

ClientKeys: TypeAlias = Annotated[
    dict[str, str | None],
    Meta(description="By client name its public key (hex), or null for the one it comes with first."),
]

Ids: TypeAlias = Annotated[list[str], Meta(description="Identifiers of examples.", examples=[["m-1", "m-2"]])]

Share: TypeAlias = Annotated[float, Meta(gt=0, lt=1)]
Likelihood: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Width: TypeAlias = Annotated[int, Meta(ge=1, le=16_384)]

MOST = 1_000_000
"""Of labels in a ranking, examples of evidence, suggestions: more than anyone means, and less than overflows."""


class Taught(Reply, frozen=True, forbid_unknown_fields=True):
    """An example as the receipt of a memory that keeps nothing hands it back."""

    id: str
    labels: list[str]
    codes: str


class Receipt(Reply, frozen=True, forbid_unknown_fields=True):
    """A change of a memory, signed; see `protomem.Receipt`. `ids`, `unchanged` and `content` are told once."""

    id: str
    kind: Literal["learn", "forget", "purge", "merge", "withdraw"]
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
