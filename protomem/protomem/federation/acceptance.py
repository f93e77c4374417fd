"""Whether a coordinator may take a contribution over: C7 to C9 of `protomem/CONTRIBUTIONS.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from protomem.errors import ContributionOutOfOrder, ContributionRefused
from protomem.federation.contribution import Contribution
from protomem.federation.levels import Level
from protomem.federation.plausibility import check_sums
from protomem.federation.sums import Sums
from protomem.space import Space

__all__ = ["MergedClient", "check_key", "check_place", "sums_after"]


@final
@dataclass(frozen=True, slots=True)
class MergedClient:
    """What a memory knows of a client that it merged.

    `sequence` is the number of its last contribution, `count` the examples that are merged of it and `digest` that of
    their sums, at this `level`; `public_key` (hex) signs what it sends. `receipt` is the number of the receipt by which
    its sums came as they are, and 0 once it was withdrawn; `joined` that of its first since it was withdrawn last.
    """

    name: str
    public_key: str
    sequence: int
    level: Level
    count: int
    digest: str
    receipt: int
    joined: int

    @property
    def merged(self) -> bool:
        """Whether what it learned is part of the memory now."""
        return self.receipt > 0


def check_key(contribution: Contribution, known: MergedClient | None, keys: Mapping[str, str] | None) -> None:
    """Raise `ContributionRefused` for a public key that is not the client's own.

    That is the one in `keys`, by client name, where the caller gives them; else the one that came first.
    """
    name = contribution.client
    if keys is not None and name not in keys:
        raise ContributionRefused(f"C7: no public key was given for the client {name!r}: add it to keys= to merge it")
    own = keys[name] if keys is not None else known.public_key if known else contribution.public_key
    if own != contribution.public_key:
        raise ContributionRefused(
            f"C7: the contribution is signed with the key {contribution.public_key[:16]}…, and the client {name!r} has "
            f"{own[:16]}…: someone else uses its name, or give its new key in keys="
        )


def check_place(contribution: Contribution, known: MergedClient | None) -> None:
    """Raise `ContributionOutOfOrder` unless the contribution follows what is known of its client."""
    name, sequence, since = contribution.client, contribution.sequence, contribution.since
    if known is not None and sequence <= known.sequence:
        raise ContributionOutOfOrder(
            f"C7: contribution {sequence} of {name!r} came when its contribution {known.sequence} was known already: "
            "merge a later one"
        )
    if since == 0:
        return
    merged = known.sequence if known is not None and known.merged else 0
    if known is None or since != merged:
        here = f"contribution {merged}" if merged else "nothing of it"
        raise ContributionOutOfOrder(
            f"C7: contribution {sequence} of {name!r} is the difference against its contribution {since}, and "
            f"{here} is merged here: merge what lies between, or have the client send everything (whole=True)"
        )
    if contribution.level != known.level:
        raise ContributionRefused(
            f"C7: contribution {sequence} of {name!r} is a difference at level {contribution.level}, and what is "
            f"merged is at level {known.level}: have the client send everything (whole=True)"
        )


def sums_after(contribution: Contribution, merged: Sums | None, space: Space) -> Sums:
    """All the client's sums after this contribution; `merged` are those before it, against which a difference is.

    Raises `ContributionRefused` unless they have the digest that the client says (C8), and could be true (C9).
    """
    sums = contribution.sums(space)
    after = sums if merged is None or not contribution.since else merged + sums
    if after.digest() != contribution.digest:
        raise ContributionRefused(
            f"C8: the sums of {contribution.client!r} after contribution {contribution.sequence} have another digest "
            "than it says: have the client send everything (whole=True)"
        )
    check_sums(after)
    return after
