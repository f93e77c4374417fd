"""Operations on a memory as plain data, a dictionary that follows them, and random sequences of them."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import protomem

DIMENSION, WIDTH = 8, 16

SWEEP = os.environ.get("HYPOTHESIS_PROFILE") == "sweep"
"""Whether this is the long run; tests/conftest.py reads the same name."""

LABELS = ["refund", "card lost", "où est-ce", "名前"]
SUBJECTS = ["ann", "bob", "tenant-7", None]

Operation = dict[str, Any]
"""`do` and what it needs, as JSON: learn (ids, texts, labels, subjects, relearn), forget (one of ids, subject, label),
together (operations, carried out in threads as one group), merge (client, its document in hex, and the texts and
labels that the client knew), withdraw and contribute (client), purge, reopen, close."""

Kept = tuple[str | None, tuple[str, ...], str]
"""Subject, labels and text of one remembered example."""


def vector_of(text: str, dimension: int = DIMENSION) -> npt.NDArray[np.float64]:
    """The embedding of a text: random, and always the same."""
    stream = hashlib.shake_256(text.encode()).digest(2 * dimension)
    return np.frombuffer(stream, dtype="<u2") / 32_767.5 - 1.0


def vectors_of(texts: Sequence[str], dimension: int = DIMENSION) -> npt.NDArray[np.float64]:
    return np.array([vector_of(text, dimension) for text in texts]).reshape(-1, dimension)


@dataclass(frozen=True)
class Model:
    """What a memory must be after some operations: its examples, the kinds of its receipts, what it forgot, and by
    client the labels and texts of what is merged.
    """

    examples: dict[str, Kept] = field(default_factory=dict)
    receipts: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    merged: dict[str, list[tuple[list[str], str]]] = field(default_factory=dict)

    def after(self, operation: Operation) -> Model:
        """The model after one more operation."""
        do = operation["do"]
        if do == "together":
            return self.after_all(operation["operations"])
        if do == "learn":
            rows = zip(operation["subjects"], map(tuple, operation["labels"]), operation["texts"], strict=True)
            new = dict(zip(operation["ids"], rows, strict=True))
            return replace(self, examples=self.examples | new, gone=self.gone - new.keys())._with(do)
        if do == "forget":
            out = set(self.meant(operation))
            left = {id: kept for id, kept in self.examples.items() if id not in out}
            return replace(self, examples=left, gone=self.gone | out)._with(do)
        if do == "merge":
            rows = list(zip(operation["labels"], operation["texts"], strict=True))
            return replace(self, merged=self.merged | {operation["client"]: rows})._with(do)
        if do == "withdraw":
            left_in = {client: rows for client, rows in self.merged.items() if client != operation["client"]}
            return replace(self, merged=left_in)._with(do)
        return self._with(do) if do == "purge" else self

    def _with(self, kind: str) -> Model:
        return replace(self, receipts=(*self.receipts, kind))

    def after_all(self, operations: Sequence[Operation]) -> Model:
        """The model after these operations."""
        model = self
        for operation in operations:
            model = model.after(operation)
        return model

    def meant(self, operation: Operation) -> list[str]:
        """The ids that a forget operation means."""
        if "subject" in operation:
            return [id for id, (subject, _, _) in self.examples.items() if subject == operation["subject"]]
        if "label" in operation:
            return [id for id, (_, labels, _) in self.examples.items() if operation["label"] in labels]
        return list(operation["ids"])


def learn(ids: Sequence[str], dice: random.Random, *, relearn: bool = False) -> Operation:
    """A learn operation of these ids with random texts, labels and subjects."""
    return {
        "do": "learn",
        "ids": list(ids),
        "texts": [f"text {id} {dice.getrandbits(64):x}" for id in ids],
        "labels": [sorted(dice.sample(LABELS, dice.choice([1, 1, 2]))) for _ in ids],
        "subjects": [dice.choice(SUBJECTS) for _ in ids],
        "relearn": relearn,
    }


def merges(client: str, counts: Sequence[int], dice: random.Random) -> list[Operation]:
    """Merges of what a client sends one after another: everything at first, then what it learned since."""
    done: list[Operation] = []
    texts: list[str] = []
    labels: list[list[str]] = []
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH) as memory:
        for count in counts:
            new = learn([f"{client} {len(texts) + number}" for number in range(count)], dice)
            memory.learn(vectors_of(new["texts"]), new["labels"], new["ids"])
            texts, labels = [*texts, *new["texts"]], [*labels, *new["labels"]]
            document = memory.contribution(client).to_bytes().hex()
            done.append({"do": "merge", "client": client, "document": document, "texts": texts, "labels": labels})
    return done


def sequence(model: Model, length: int, dice: random.Random) -> list[Operation]:
    """This many operations that a memory in this state can carry out, one after another."""
    operations: list[Operation] = []
    for _ in range(length):
        operation = _next(model, dice)
        operations.append(operation)
        model = model.after(operation)
    return operations


def _next(model: Model, dice: random.Random) -> Operation:
    many = len(model.examples) > 150
    do = dice.choices(["one", "batch", "again", "forget", "purge", "reopen"], [3, 3, 1, 3 + 4 * many, 2, 2])[0]
    if do == "again" and model.gone:
        return learn(dice.sample(sorted(model.gone), 1), dice, relearn=True)
    if do == "forget" and model.examples:
        return _forget(model, dice)
    if do in ("purge", "reopen"):
        return {"do": do}
    count = 1 if do == "one" else dice.choice([2, 5, 23, 24, 60])  # single rows and blocks go different ways
    return learn([f"id-{dice.getrandbits(48):012x}" for _ in range(count)], dice)


def _forget(model: Model, dice: random.Random) -> Operation:
    id = dice.choice(sorted(model.examples))
    subject, labels, _ = model.examples[id]
    way = dice.choice(["ids", "ids", "subject", "label"])
    if way == "subject" and subject is not None:
        return {"do": "forget", "subject": subject}
    if way == "label":
        return {"do": "forget", "label": labels[0]}
    count = min(len(model.examples), dice.choice([1, 1, 3, 30]))
    return {"do": "forget", "ids": sorted({id, *dice.sample(sorted(model.examples), count)})}
