"""What goes between the server and the process that solves for it: frames, each a length and so many bytes.

A question is a safetensors document; an answer the numbers alone, some megabytes, which are read to where they stay.
"""

from __future__ import annotations

import math
import struct
from io import BufferedReader
from typing import BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from protomem.codes import Codes
from protomem.heads.duals import Duals
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.over_all import OverAll

__all__ = ["BEGUN", "asked", "question", "read_answer", "read_frame", "write_answer", "write_frame"]

Targets = npt.NDArray[np.bool_]

BEGUN: Final = b"\n"
"""The one byte before all frames of the process: from here on it takes questions."""

ENDED: Final = "the other side has ended"

LENGTH: Final = struct.Struct("<Q")

CELL: Final = 24
"""Bytes of an answer for each example and label: the duals of the logistic and the kernel head in float32, then the
left-out scores of both in float64."""


def write_frame(stream: BinaryIO, document: bytes) -> None:
    """Send a document. Raises `BrokenPipeError` where nobody reads."""
    stream.write(LENGTH.pack(len(document)))
    stream.write(document)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """The next document, waited for. Raises `EOFError` at the end."""
    return _read(stream, _length(stream))


def question(codes: Codes, targets: Targets, *, centred: bool) -> bytes:
    """The arguments of `solve_over_all`: codes int8 (n, d), targets (n, labels)."""
    arrays = {"codes": codes, "targets": targets, "centred": np.array([centred])}
    return bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def asked(document: bytes) -> tuple[Codes, Targets, bool]:
    """The arguments that `question` wrote."""
    arrays = load(document)
    return arrays["codes"], arrays["targets"], bool(arrays["centred"][0])


def write_answer(stream: BinaryIO, solved: OverAll | None) -> None:
    """Send the solved heads; None says that the mathematics raised an error. Raises `BrokenPipeError` as above."""
    heads = () if solved is None else (solved.logistic, solved.kernel)
    parts = [*(head.duals.values for head in heads), *(head.left_out for head in heads)]
    arrays = [np.ascontiguousarray(part) for part in parts]
    stream.write(LENGTH.pack(sum(array.nbytes for array in arrays)))
    for array in arrays:
        stream.write(array.data)
    stream.flush()


def read_answer(stream: BinaryIO, shape: tuple[int, ...]) -> OverAll | None:
    """What `write_answer` sent, for targets of this shape (n, labels), waited for.

    Raises `EOFError` at the end, and `ValueError` for what has another length.
    """
    length = _length(stream)
    if not length:
        return None
    answer = np.empty(CELL * math.prod(shape), np.uint8)
    if length != len(answer):
        raise ValueError(f"an answer of {length} bytes came where {len(answer)} were expected")
    if cast(BufferedReader, stream).readinto(answer.data) < length:
        raise EOFError(ENDED)
    third = length // 3
    logistic, kernel = answer[:third].view(np.float32).reshape(2, *shape)
    logistic_left_out, kernel_left_out = answer[third:].view(np.float64).reshape(2, *shape)
    return OverAll(Logistic(Duals.of(logistic), logistic_left_out), Rivals(Duals.of(kernel), kernel_left_out))


def _length(stream: BinaryIO) -> int:
    (length,) = LENGTH.unpack(_read(stream, LENGTH.size))
    return int(length)


def _read(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError(ENDED)
    return found
