"""A map; the fields are those of `protomem.Map`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protomem_api.wire.shared import Reply

__all__ = ["Map", "MappedClass", "MappedExample", "Neighbour"]


class Neighbour(Reply, frozen=True):
    """Another class, and the cosine of the two class means."""

    label: str
    similarity: float


class MappedClass(Reply, frozen=True):
    """A class at the mean of its examples, and the classes nearest to it in all dimensions."""

    label: str
    count: int
    x: float
    y: float
    nearest: list[Neighbour]


class MappedExample(Reply, frozen=True):
    """A remembered example where it lies."""

    id: str
    labels: list[str]
    x: float
    y: float


class Map(Reply, frozen=True):
    """Classes and examples in the plane in which the class means differ most."""

    classes: list[MappedClass]
    examples: list[MappedExample]
    shown: Annotated[
        float, Meta(description="The share of the squared distances between class means that the plane shows.")
    ]
