"""What a caller asks of a memory that changes it: checked, encoded, and ready to be carried out by any thread.

`key` is the keyed hash of the idempotency key, empty without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from protomem.errors import InvalidId, InvalidInput, InvalidLabel
from protomem.federation.contribution import Contribution
from protomem.federation.levels import Level, check_level
from protomem.inputs import check_flag, check_ids, check_name, check_receipt, check_whole
from protomem.receipts import Receipt
from protomem.store import Row

__all__ = ["Contribute", "Forget", "Learn", "Merge", "Request", "Trim", "Withdraw", "contribute", "forget", "merge"]


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


@final
@dataclass(frozen=True, slots=True)
class Merge:
    """A client's contribution is to be taken over; `keys` are the public keys (hex) of clients, where given."""

    contribution: Contribution
    keys: Mapping[str, str] | None

    @property
    def key(self) -> str:
        """What names it in its receipt."""
        return self.contribution.id


@final
@dataclass(frozen=True, slots=True)
class Withdraw:
    """All that is merged of a client is to be taken out."""

    client: str
    key: str


Request = Learn | Forget | Trim | Merge | Withdraw


def forget(key: str, ids: Any, subject: Any, label: Any, receipt: Any) -> Forget:
    """What is to be forgotten, as the caller passed it."""
    if sum(choice is not None for choice in (ids, subject, label, receipt)) != 1:
        raise InvalidInput("forget takes exactly one of ids=, subject=, label= and receipt=")
    return Forget(
        key=key,
        ids=None if ids is None else check_ids(ids),
        subject=None if subject is None else check_name(subject, "subject", InvalidId),
        label=None if label is None else check_name(label, "label", InvalidLabel),
        receipt=None if receipt is None else check_receipt(receipt),
    )


def merge(contribution: Any, keys: Any) -> Merge:
    """A merge of a contribution, or of the bytes of one, as the caller passed it."""
    if keys is not None:
        if not isinstance(keys, Mapping) or not all(isinstance(key, str) for key in keys.values()):
            raise InvalidInput('keys must be a mapping of client names to public keys, such as {"clinic-7": "ab12..."}')
        keys = {check_name(client, "a client of keys", InvalidId): key for client, key in keys.items()}
    # A contribution as an object may have been put together by hand: what is checked are its bytes.
    document = contribution.to_bytes() if isinstance(contribution, Contribution) else contribution
    return Merge(Contribution.from_bytes(document), keys)


def contribute(client: Any, level: Any, min_count: Any, *, whole: bool, merged: bool) -> Contribute:
    """What is to be sent, as the caller asked for it."""
    check_flag("whole", whole)
    check_flag("merged", merged)
    check_whole("min_count", min_count, 1)
    return Contribute(
        check_name(client, "client", InvalidId), check_level(level), int(min_count), whole=whole, merged=merged
    )


@final
@dataclass(frozen=True, slots=True)
class Contribute:
    """What is to be sent under a name: at a level, without labels of fewer than `min_count` examples; everything if
    `whole`, and with what is `merged` of others if so. Changes nothing that is remembered.
    """

    client: str
    level: Level
    min_count: int
    whole: bool
    merged: bool
