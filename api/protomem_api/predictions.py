"""Answers of a memory, several requests at a time.

An item's answer does not depend on the batch it is in, so requests that ask the same question of one memory while
another is being answered are answered together: a batch costs little more than one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

import protomem
from protomem_api import wire
from protomem_api.batching import Batcher
from protomem_api.conversions import items_in, vectors_in
from protomem_api.encoding import Encoded
from protomem_api.limits import check_items
from protomem_api.memories import Held
from protomem_api.metrics import ANSWER_BATCH
from protomem_api.service import Service

__all__ = ["Answers", "answered", "begun", "predict"]

Answers = Sequence[protomem.Answer]

Row = tuple[Any, npt.NDArray[np.floating]] | Any
"""An item with its embedding, or a vector."""

MOST_QUESTIONS = 64
"""Kinds of question of one memory that are batched at a time; more are answered each by itself."""


async def answered(service: Service, name: str, asked: wire.Predict) -> Answers:
    """The answers to what is asked of the memory of this name."""
    check_items(asked.items, service.settings)
    async with service.memories.use(name) as held:
        encoder = held.encoder
        ready = encoder.gives_back(asked.items)
        items = asked.items if ready else await encoder.encoded(items_in(asked.items, encoder))
        return await predict(service, held, asked, items)


def begun(service: Service, name: str, asked: wire.Predict) -> asyncio.Future[Answers]:
    """The same, to come: at less cost where a memory that is open is asked about vectors."""
    held = service.memories.open_one(name)
    if held is not None and held.encoder.gives_back(asked.items):
        check_items(asked.items, service.settings)
        batcher = _batcher(service, held, asked, len(asked.items))
        if batcher is not None:
            return batcher.begin(asked.items)
    return asyncio.ensure_future(answered(service, name, asked))


async def predict(service: Service, held: Held, asked: wire.Predict, items: Encoded | Sequence[wire.Item]) -> Answers:
    """The answers to what is asked about these items: encoded, or vectors that the encoder would give back."""
    rows: list[Row] = list(items)
    if isinstance(items, Encoded):
        vectors = list(items.embeddings)
        rows = vectors if held.encoder.takes_vectors else list(zip(items, vectors, strict=True))
    batcher = _batcher(service, held, asked, len(rows))
    if batcher is None:
        return await service.answering.run(_answers, held.memory, asked, rows)
    return await batcher.ask(rows)


def _batcher(service: Service, held: Held, asked: wire.Predict, count: int) -> Batcher[Any, protomem.Answer] | None:
    """What answers this question of several callers at once, unless it is about too many items or one too many."""
    if count > service.settings.batch:
        return None
    question = msgspec.structs.replace(asked, items=[])
    key = msgspec.json.encode(question)
    known = held.batchers.get(key)
    if known is None:
        if len(held.batchers) >= MOST_QUESTIONS:
            held.batchers = {key: one for key, one in held.batchers.items() if not one.idle}
        if len(held.batchers) >= MOST_QUESTIONS:
            return None
        run = partial(_run, service, held, question)
        known = held.batchers[key] = Batcher(run, service.settings.batch, service.settings.batch_seconds)
    return known


async def _run(service: Service, held: Held, question: wire.Predict, rows: list[Row]) -> Answers:
    ANSWER_BATCH.observe(len(rows))
    with held.in_use():
        return await service.answering.run(_answers, held.memory, question, rows)


def _answers(memory: protomem.Memory, question: wire.Predict, rows: list[Row]) -> Answers:
    options = {name: getattr(question, name) for name in OPTIONS}
    return memory.predict(_joined(rows), **options)


def _joined(rows: list[Row]) -> Encoded | npt.NDArray[np.float64]:
    """Rows of several requests as the items of one; they are of one kind, as the encoder is one."""
    if rows and isinstance(rows[0], tuple):
        return Encoded((item for item, _ in rows), np.stack([embedding for _, embedding in rows]))
    return vectors_in(rows)


OPTIONS = tuple(name for name in wire.Predict.__struct_fields__ if name != "items")
