"""Answers of a memory, several requests at a time.

An item's answer does not depend on the batch it is in, so requests that ask the same question of one memory while
another is being answered are answered together: a batch costs little more than one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np

import protomem
from protomem_api import wire
from protomem_api.batching import Batcher
from protomem_api.conversions import answers_out, items_in
from protomem_api.encoding import Encoded
from protomem_api.limits import check_items
from protomem_api.memories import Held
from protomem_api.metrics import ANSWER_BATCH
from protomem_api.service import Service

__all__ = ["answered", "predict"]

MOST_QUESTIONS = 64
"""Kinds of question of one memory that are batched at a time; more are answered each by itself."""


async def answered(service: Service, name: str, asked: wire.Predict) -> wire.Answers:
    """The answers to what is asked of the memory of this name, as they go over the wire."""
    check_items(asked.items, service.settings)
    async with service.memories.use(name) as held:
        items = await held.encoder.encoded(items_in(asked.items, held.encoder))
        return answers_out(await predict(service, held, asked, items))


async def predict(service: Service, held: Held, asked: wire.Predict, items: Encoded) -> Sequence[protomem.Answer]:
    """The answers to what is asked about these items."""
    question = msgspec.structs.replace(asked, items=[])
    batcher = _batcher(service, held, question)
    if batcher is None or len(items) > service.settings.batch:
        return await service.answering.run(_answers, held.memory, question, items)
    rows = list(zip(items, items.embeddings, strict=True))
    return await batcher.ask(rows)


def _batcher(service: Service, held: Held, question: wire.Predict) -> Batcher[Any, protomem.Answer] | None:
    key = msgspec.json.encode(question)
    known = held.batchers.get(key)
    if known is None:
        if len(held.batchers) >= MOST_QUESTIONS:
            held.batchers = {key: one for key, one in held.batchers.items() if not one.idle}
        if len(held.batchers) >= MOST_QUESTIONS:
            return None
        run = partial(_run, service, held.memory, question)
        known = held.batchers[key] = Batcher(run, service.settings.batch, service.settings.batch_seconds)
    return known


async def _run(
    service: Service, memory: protomem.Memory, question: wire.Predict, rows: list[Any]
) -> Sequence[protomem.Answer]:
    ANSWER_BATCH.observe(len(rows))
    items = Encoded((item for item, _ in rows), np.stack([row for _, row in rows]) if rows else np.empty((0, 0)))
    return await service.answering.run(_answers, memory, question, items)


def _answers(memory: protomem.Memory, question: wire.Predict, items: Encoded) -> Sequence[protomem.Answer]:
    options = {name: getattr(question, name) for name in OPTIONS}
    return memory.predict(items, **options)


OPTIONS = tuple(name for name in wire.Predict.__struct_fields__ if name != "items")
