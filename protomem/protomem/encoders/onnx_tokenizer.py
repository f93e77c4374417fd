"""The tokenizer of a model folder, as `tokenizers` reads it: no transformers, no padding, the model's truncation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from protomem.encoders.onnx_layout import ModelLayout
from protomem.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["load_tokenizer"]


def load_tokenizer(name: str, layout: ModelLayout) -> Tokenizer:
    """The truncation and padding that tokenizer.json carries are those of its training, and are replaced."""
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise MissingExtra("encoding text with onnxruntime", "onnx") from error
    try:
        text = layout.tokenizer_file.read_text(encoding="utf-8")
        json.loads(text)  # tokenizers would raise a bare Exception for a damaged file
    except (OSError, ValueError) as error:
        file = layout.tokenizer_file
        raise InvalidInput(f"the model {name!r} has an unreadable {file} ({error}): get it again") from error
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(layout.max_length)
    return tokenizer
