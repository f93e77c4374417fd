"""What congruence is tried with: kinds of memories, items for them, what is asked, and what clients contribute."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from tests.api.congruence import Trio
from tests.api.serving import Served
from tests.conftest import LetterEncoder

import protomem

WIDTH = 32
DICE = np.random.default_rng(4)
VECTORS = [*DICE.standard_normal((12, 3)).astype(np.float32), np.array([1e30, 1e-30, 0], np.float32)]
TEXTS = [
    "where is my parcel",
    "the parcel is late",
    "give me my money",
    "refund, please",
    "où est-ce ?",
    "名前",
    "a",
    "😀",
]
KINDS = {
    "vectors": {"encoder": "vectors:3", "retain": "codes", "width": WIDTH},
    "texts": {"encoder": "letters", "retain": "items", "width": WIDTH},
    "sums": {"encoder": "vectors:3", "retain": "nothing", "width": WIDTH},
}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"top_k": 1, "evidence": 0},
    {"top_k": np.int64(2), "coverage": np.float64(0.5)},
    {"coverage": 0.9, "per_class": True},
    {"false_alarm": 0.3, "explain": True},
    {"among": "card"},
    {"among": "card/"},
    {"among": ["refund", "名前"]},
    {"among": {"refund"}, "evidence": 2},
    {"thresholds": {"refund": 0.9, "card/lost": 0.5}},
    {"certainty": 0.6},
    {"certainty": 0.9, "separator": "u"},
    {"multi_label": True, "explain": True},
    {"top_k": 0},
    {"top_k": 1.5},
    {"evidence": -1},
    {"coverage": 1.0},
    {"false_alarm": "often"},
    {"per_class": True},
    {"per_class": 1},
    {"multi_label": True, "coverage": 0.5},
    {"among": []},
    {"among": [None]},
    {"among": "nothing"},
    {"among": ["nothing"]},
    {"thresholds": {"nothing": 0.5}},
    {"thresholds": {"refund": 2}},
    {"thresholds": ["refund"]},
    {"separator": ""},
    {"name_prior": True},
    {"name_prior": True, "coverage": 0.5},
]


def trio(server: Served, key: str, kind: str) -> Trio:
    given = KINDS[kind]
    encoder: Any = LetterEncoder() if kind == "texts" else given["encoder"]
    return Trio(server, key, protomem.open(None, **{**given, "encoder": encoder}), **given)


@cache
def contributions(kind: str) -> list[bytes]:
    """What two clients send to memories of a kind: each everything, a difference, and less of it."""
    found = []
    for client, rows in (("clinic", [0, 1]), ("名前", [2, 3])):
        given = {**KINDS[kind], "encoder": LetterEncoder() if kind == "texts" else "vectors:3"}
        with protomem.open(None, **given) as memory:
            for row in rows:
                pool: list[Any] = TEXTS if kind == "texts" else VECTORS
                memory.learn([pool[row], pool[row + 1]], ["refund", "card/lost"])
                found.append(memory.contribution(client).to_bytes())
            found.append(memory.contribution(client, "prototypes").to_bytes())
    return found


def assert_same_receipts(found: list[protomem.Receipt], expected: list[protomem.Receipt]) -> None:
    assert [receipt.id for receipt in found] == [receipt.id for receipt in expected]
