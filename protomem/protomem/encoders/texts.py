"""What a text encoder takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from protomem.errors import InvalidItem

__all__ = ["checked_texts"]


def checked_texts(items: Sequence[Any] | npt.NDArray[Any]) -> list[str]:
    """`items` as a list of texts that a tokenizer can read.

    Raises `InvalidItem`, with the index, for what is no text, is empty or only whitespace, or is no valid Unicode.
    """
    if isinstance(items, str | bytes):
        raise InvalidItem("got one text where a list of texts is expected: pass [text]")
    if not isinstance(items, Sequence | np.ndarray):
        raise InvalidItem(f"got a {type(items).__name__} where a list of texts is expected: pass list(...)")
    return [_checked(index, item) for index, item in enumerate(items)]


def _checked(index: int, item: object) -> str:
    if not isinstance(item, str):
        raise InvalidItem(
            f"item {index} is a {type(item).__name__}, not a text: convert it to str, or open a memory of vectors "
            "with encoder=protomem.Vectors(dimension)"
        )
    if not item or item.isspace():
        raise InvalidItem(f"item {index} is an empty text: leave it out")
    try:
        item.encode()
    except UnicodeEncodeError as error:  # tokenizers would raise it without saying which text
        raise InvalidItem(f"item {index} is no valid Unicode ({error.reason}): replace its lone surrogates") from error
    return item
