"""What goes between the server and the process that solves for it: frames, each a length and so many bytes.

A question is a safetensors document; an answer the numbers alone, some megabytes, which are read to where they stay.
"""

from __future__ import annotations

import struct
from io import BufferedReader
from typing import BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from protomem.codes import Codes
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.over_all import OverAll

__all__ = ["BEGUN", "asked", "question", "read_answer", "read_frame", "write_answer", "write_frame"]

Targets = npt.NDArray[np.bool_]

BEGUN: Final = b"\n"
"""The one byte before all frames of the process: from here on it takes questions."""

ENDED: Final = "the other side has ended"

LENGTH: Final = struct.Struct("<Q")

PARTS: Final = 4
"""Arrays of an answer, float64 (n, labels): duals and left-out scores of the logistic head, then of the kernel."""


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
    arrays = [np.ascontiguousarray(array) for head in heads for array in (head.duals, head.left_out)]
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
    arrays = np.empty((PARTS, *shape))
    if length != arrays.nbytes:
        raise ValueError(f"an answer of {length} bytes came where {arrays.nbytes} were expected")
    if cast(BufferedReader, stream).readinto(arrays.data.cast("B")) < length:
        raise EOFError(ENDED)
    logistic_duals, logistic_left_out, kernel_duals, kernel_left_out = arrays
    return OverAll(Logistic(logistic_duals, logistic_left_out), Rivals(kernel_duals, kernel_left_out))


def _length(stream: BinaryIO) -> int:
    (length,) = LENGTH.unpack(_read(stream, LENGTH.size))
    return int(length)


def _read(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError(ENDED)
    return found
