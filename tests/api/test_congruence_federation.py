"""A federation, embedded, by `Client` and by `AsyncClient`: contributions, refusals and digests are the same."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest
from tests.api.congruence import HAS_JOBS
from tests.api.congruence_material import KINDS, OPTIONS, TEXTS, VECTORS, assert_same_receipts, contributions, trio
from tests.api.serving import Served

import protomem
from protomem.federation.levels import LEVELS

NOT_CONTRIBUTED: list[dict[str, Any]] = [
    {"client": ""},
    {"client": None},
    {"client": "c", "level": "all"},
    {"client": "c", "min_count": 0},
    {"client": "c", "min_count": 1.5},
    {"client": "c", "whole": 1},
    {"client": "c", "merged": "yes"},
]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_federation_comes_to_the_same(server: Served, key: str, kind: str) -> None:
    """Contributions of these memories, and what they merge: repeated, out of order, under other keys, withdrawn."""
    pool: Any = TEXTS if kind == "texts" else np.array(VECTORS)
    parts = contributions(kind)
    first = protomem.Contribution.from_bytes(parts[0])
    with closing(trio(server, key, kind)) as three:
        for wrong in NOT_CONTRIBUTED:
            three.call("contribution", (), **wrong)
        for level in LEVELS:
            three.call("learn", (pool[:2], ["refund", "card/lost"], [f"{level} 1", f"{level} 2"]))
            for options in ({}, {}, {"whole": True}, {"min_count": 2}):
                three.call("contribution", ("c", level), **options)

        merged = three.call("merge", (parts[0],), keys={"clinic": first.public_key})
        assert_same_receipts(three.call("merge", (first,)), merged)
        three.call("merge", (parts[4],))
        assert three.call("merge", (parts[3],), keys={"clinic": first.public_key}) == [None] * 3
        assert three.call("merge", (parts[3],), keys={"名前": "ab" * 32}) == [None] * 3
        for wrong in (b"no contribution", parts[0][:-1], "text", None):
            three.call("merge", (wrong,))
        three.call("merge", (parts[1],), keys=["clinic"])
        three.call("merge", (parts[1],), keys={"clinic": 5})
        for part in (parts[3], parts[1]):
            three.call("merge", (part,))
        three.check_state()
        for options in OPTIONS:
            three.call("predict", (pool[2:8],), **options)

        [clients, *_] = three.call("clients", ())
        assert [(one.name, one.sequence, one.merged) for one in clients] == [("clinic", 2, True), ("名前", 1, True)]
        three.call("contribution", ("c",), merged=True)
        withdrawn = three.call("withdraw", ("clinic",), idempotency_key="gone")
        assert_same_receipts(three.call("withdraw", ("clinic",), idempotency_key="gone"), withdrawn)
        for client in ("clinic", "nobody", "", None):
            three.call("withdraw", (client,))
        three.call("withdraw", ("名前",), idempotency_key="gone")
        three.call("merge", (parts[0],))
        three.call("merge", (parts[2],))
        three.call("clients", ())
        if HAS_JOBS:
            three.call("verify", ())
        three.check_state()
