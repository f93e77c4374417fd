"""What goes over the wire about federation: what is sent, who was merged, who is taken out."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from protomem.federation.levels import Level
from protomem_api.wire.shared import Body, ClientName, Reply

__all__ = ["Clients", "Contribute", "MergedClient", "Withdraw"]


class Contribute(Body, frozen=True):
    """What to send of what a memory learned; see `Memory.contribution`."""

    client: ClientName
    level: Annotated[Level, Meta(description="How much goes; at full, merging gives the central memory.")] = "full"
    min_count: Annotated[
        int, Meta(ge=1, le=2**53, description="Hold back examples with a label that fewer examples than this carry.")
    ] = 1
    whole: Annotated[bool, Meta(description="Everything, not the difference against the one before.")] = False
    merged: Annotated[bool, Meta(description="With what is merged here of others.")] = False


class Withdraw(Body, frozen=True):
    """Whom to take out; see `Memory.withdraw`."""

    client: ClientName


class MergedClient(Reply, frozen=True):
    """What a memory knows of a client; see `protomem.MergedClient`. `merged` says whether it is part of it now."""

    name: str
    public_key: str
    sequence: int
    level: Level
    merged: bool
    count: int
    digest: str
    receipt: int
    joined: int


class Clients(Reply, frozen=True):
    """Every client that was ever merged, by name."""

    clients: list[MergedClient]
