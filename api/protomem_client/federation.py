"""What a memory of a server sends and merges, as steps; `path` is the memory's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import msgspec

from protomem.errors import InvalidId
from protomem.federation.acceptance import MergedClient, check_key
from protomem.federation.contribution import Contribution
from protomem.federation.levels import Level
from protomem.inputs import check_name
from protomem.receipts import Receipt
from protomem.requests import contribute
from protomem.requests import merge as request_of
from protomem_client.reading import read, read_contribution
from protomem_client.replies import Clients
from protomem_client.steps import OCTETS, Request, Steps

__all__ = ["clients", "contribution", "merge", "withdraw"]

LOST: Final = "; a contribution that was lost on the way counts as sent: the next one has to be everything (whole=True)"
UNKNOWN: Final = "; whether it was merged is not known: merge it again, which changes nothing if it was"


def contribution(
    path: str, client: str, level: Level, min_count: int, *, whole: bool, merged: bool
) -> Steps[Contribution]:
    """From the second attempt on everything: the first may have been counted as sent, and its answer lost.

    A difference against a contribution that nobody has could not be merged.
    """
    asked = asdict(contribute(client, level, min_count, whole=whole, merged=merged))
    first, again = (msgspec.json.encode({**asked, "whole": all_of_it}) for all_of_it in (whole, True))
    return read_contribution((yield Request("POST", f"{path}/contributions", first, again=again, unanswered=LOST)))


def merge(path: str, contribution: Contribution | bytes, keys: Mapping[str, str] | None) -> Steps[Receipt]:
    """The contribution itself names the request: sent again it is merged once."""
    asked = request_of(contribution, keys)
    one = asked.contribution
    params = {}
    if asked.keys is not None:
        check_key(one, None, asked.keys)
        params = {"key": f"{one.client}={one.public_key}"}
    request = Request("POST", f"{path}/merge", one.to_bytes(), params=params, media_type=OCTETS, unanswered=UNKNOWN)
    return read((yield request), Receipt)


def withdraw(path: str, client: str, idempotency_key: str) -> Steps[Receipt]:
    """Everything of a client."""
    content = msgspec.json.encode({"client": check_name(client, "client", InvalidId)})
    return read((yield Request("POST", f"{path}/withdraw", content, idempotency_key=idempotency_key)), Receipt)


def clients(path: str) -> Steps[list[MergedClient]]:
    """By name."""
    return read((yield Request("GET", f"{path}/clients")), Clients).clients
