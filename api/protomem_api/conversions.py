"""From what comes over the wire to what the library takes, and back."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from struct import Struct
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

import protomem
from protomem_api import wire
from protomem_api.problems import invalid

__all__ = ["answer_out", "answers_out", "items_in", "receipt_in", "receipt_out", "record_out", "vectors_in"]

Record = TypeVar("Record")

NOT_SIGNED = ("ids", "unchanged")
"""Fields of a receipt that are told to the caller alone; `Receipt.from_json` knows no such fields."""


def items_in(items: Sequence[wire.Item], encoder: protomem.Encoder) -> list[str] | list[Any] | npt.NDArray[np.float64]:
    """Items as an encoder takes them: texts, pictures, or vectors float64 (n, d).

    Raises a problem for items of several kinds, for rows of several lengths, for pictures where the encoder takes
    texts or vectors, and for what is no picture.
    """
    if not items:
        return []
    kind = type(items[0])
    for row, item in enumerate(items):
        if type(item) is not kind:
            raise invalid("all items must be of one kind: texts, vectors or images", f"$.items[{row}]")
    if kind is list:
        return _vectors(items)
    if kind is wire.Image:
        if encoder.keeps_text or encoder.name.startswith("vectors:"):
            raise invalid(f"the encoder {encoder.name!r} of this memory takes no images", "$.items[0]")
        return [_picture(item.image, row) for row, item in enumerate(items) if isinstance(item, wire.Image)]
    return list(items)


def _vectors(rows: Sequence[Any]) -> npt.NDArray[np.float64]:
    length = len(rows[0])
    for row, vector in enumerate(rows):
        if len(vector) != length:
            raise invalid(
                f"items[{row}] has {len(vector)} numbers and items[0] has {length}: all vectors need one length",
                f"$.items[{row}]",
            )
    return vectors_in(rows)


def vectors_in(rows: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Vectors of one length, lists or arrays, as float64 (n, d): lists in a third of the time that numpy takes."""
    length = len(rows[0]) if rows else 0
    pack = Struct(f"{length}d").pack
    parts = [row.astype(np.float64).tobytes() if isinstance(row, np.ndarray) else pack(*row) for row in rows]
    return np.frombuffer(b"".join(parts)).reshape(len(rows), length)


def _picture(file: bytes, row: int) -> Any:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise protomem.MissingExtra("reading images", "text") from None
    try:
        picture = Image.open(BytesIO(file), formats=("PNG", "JPEG", "WEBP"))
        picture.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = f"items[{row}] is no PNG, JPEG or WebP picture: pass the base64 of a file"
        raise invalid(why, f"$.items[{row}]") from error
    return picture


def answers_out(answers: Sequence[protomem.Answer]) -> wire.Answers:
    """Answers as they go over the wire."""
    return wire.Answers(answers=[answer_out(answer) for answer in answers])


def answer_out(answer: protomem.Answer) -> wire.Answer:
    """One answer: pairs become objects, a set a sorted list."""
    return wire.Answer(
        label=answer.label,
        probability=answer.probability,
        ranking=[wire.Probability(label=label, probability=share) for label, share in answer.ranking],
        label_set=None if answer.label_set is None else sorted(answer.label_set),
        novelty=answer.novelty,
        abstained=answer.abstained,
        evidence=[
            wire.Evidence(id=one.id, labels=list(one.labels), similarity=one.similarity, item=one.item)
            for one in answer.evidence
        ],
        heads=list(answer.heads),
        explanation=None if answer.explanation is None else _explanation_out(answer.explanation),
    )


def _explanation_out(why: protomem.Explanation) -> wire.Explanation:
    return wire.Explanation(
        label=why.label,
        against=why.against,
        log_odds=why.log_odds,
        parts=[wire.Part(head=head, log_odds=added) for head, added in why.parts],
        prototypes=[record_out(one, wire.PrototypeEvidence) for one in why.prototypes],
        keys=[record_out(one, wire.KeyEvidence) for one in why.keys],
    )


def receipt_out(receipt: protomem.Receipt) -> wire.Receipt:
    """A receipt as it goes over the wire."""
    return record_out(receipt, wire.Receipt)


def receipt_in(receipt: wire.Receipt) -> str:
    """A receipt that came back, as the JSON of which `protomem.Receipt.from_json` checks every field."""
    fields = msgspec.to_builtins(receipt)
    for name in NOT_SIGNED:
        del fields[name]
    return msgspec.json.encode(fields).decode()


def record_out(record: object, kind: type[Record]) -> Record:
    """A record of the library as the struct of the same fields."""
    return msgspec.convert(record, kind, from_attributes=True)
