"""From the text a person writes to the encoder it names."""

from __future__ import annotations

from typing import Final

from protomem.encoders.base import Encoder
from protomem.encoders.onnx import OnnxEncoder
from protomem.encoders.sentence import SentenceEncoder
from protomem.encoders.vectors import Vectors
from protomem.errors import InvalidInput

__all__ = ["resolve_encoder"]

PORT: Final = ("name", "dimension", "fingerprint", "reproducible", "keeps_text", "encode")
FORMS: Final = (
    '"vectors:384", "layers:all-MiniLM-L6-v2", "onnx:all-MiniLM-L6-v2", "all-MiniLM-L6-v2", the path of a model '
    "folder, or an Encoder"
)


def resolve_encoder(spec: str | Encoder) -> Encoder:
    """The encoder that `spec` names; an `Encoder` is returned as it is.

    "vectors:384" is `Vectors(384)`, "onnx:NAME" is `OnnxEncoder(NAME)`, "layers:NAME" is `OnnxEncoder(NAME,
    layers=True)`, any other text is `SentenceEncoder(NAME)`.
    Raises `InvalidInput` for anything else and for a model that cannot be had.
    """
    if not isinstance(spec, str):
        if isinstance(spec, type) or not all(hasattr(spec, attribute) for attribute in PORT):
            raise InvalidInput(f"{spec!r} is no encoder: pass {FORMS}")
        return spec
    kind, colon, rest = spec.partition(":")
    if not spec.strip() or (colon and not rest.strip()):
        raise InvalidInput(f"{spec!r} names no encoder: pass {FORMS}")
    if colon and kind == "vectors":
        return Vectors(_whole_number(spec, rest))
    if colon and kind in ("onnx", "layers"):
        return OnnxEncoder(rest, layers=kind == "layers")
    return SentenceEncoder(spec)


def _whole_number(spec: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"{spec!r} is no encoder: write the dimension as a whole number, as in vectors:384")
    return int(text)
