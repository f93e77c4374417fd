"""What a memory hands back after every change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, final

__all__ = ["Receipt"]


@final
@dataclass(frozen=True, slots=True)
class Receipt:
    """One change of a memory.

    `before` and `after` are the commitments (hex) to the multiset of remembered examples around the change, `count` the
    examples it added or removed, `at` the time in UTC as ISO 8601. `ids` are the examples learned or forgotten and
    `unchanged` those that a `learn` found remembered already with the same content; both are handed to the caller and
    never kept, so that a kept receipt holds no content.
    """

    id: str
    kind: Literal["learn", "forget"]
    count: int
    before: str
    after: str
    at: str
    ids: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    def without_ids(self) -> Receipt:
        """The receipt as it is kept."""
        return replace(self, ids=(), unchanged=())
