"""What a caller asks of a memory that changes it: checked, encoded, and ready to be carried out by any thread.

`key` is the keyed hash of the idempotency key, empty without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from protomem.receipts import Receipt
from protomem.store import Row

__all__ = ["Forget", "Learn", "Request", "Trim"]


@final
@dataclass(frozen=True, slots=True)
class Learn:
    """These rows are to be remembered.

    `named` says that their ids are the caller's own, `relearn` that forgotten ids are meant to come back.
    """

    rows: Sequence[Row]
    key: str
    named: bool
    relearn: bool


@final
@dataclass(frozen=True, slots=True)
class Forget:
    """What is to be forgotten: one of these is given."""

    key: str
    ids: list[str] | None = None
    subject: str | None = None
    label: str | None = None
    receipt: Receipt | None = None


@final
@dataclass(frozen=True, slots=True)
class Trim:
    """At most `to` examples are to stay."""

    key: str
    to: int


Request = Learn | Forget | Trim
