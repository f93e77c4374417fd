"""What goes between the server and the process that solves for it: frames, each a length and a safetensors document."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from protomem.codes import Codes
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.over_all import OverAll

__all__ = ["BEGUN", "FAILED", "answer", "answered", "asked", "longest_answer", "question", "read_frame", "write_frame"]

Targets = npt.NDArray[np.bool_]

BEGUN: Final = b"\n"
"""The one byte before all frames of the process: from here on it takes questions."""

FAILED: Final = b""
"""The document that says that the mathematics raised an error."""

LENGTH: Final = struct.Struct("<Q")

PARTS: Final = ("logistic duals", "logistic left out", "kernel duals", "kernel left out")
"""The arrays of an answer, each float64 (n, labels)."""

HEADER_BYTES: Final = 4_096
"""Of a safetensors document of these parts its header takes some 400."""


def write_frame(stream: BinaryIO, document: bytes) -> None:
    """Send a document. Raises `BrokenPipeError` where nobody reads."""
    stream.write(LENGTH.pack(len(document)))
    stream.write(document)
    stream.flush()


def read_frame(stream: BinaryIO, most: int | None = None) -> bytes:
    """The next document, waited for. Raises `EOFError` at the end, and `ValueError` for more than `most` bytes."""
    (length,) = LENGTH.unpack(_read(stream, LENGTH.size))
    if most is not None and length > most:
        raise ValueError(f"a frame of {length} bytes came where at most {most} were expected")
    return _read(stream, length)


def question(codes: Codes, targets: Targets, *, centred: bool) -> bytes:
    """The arguments of `solve_over_all`: codes int8 (n, d), targets (n, labels)."""
    arrays = {"codes": codes, "targets": targets, "centred": np.array([centred])}
    return bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def asked(document: bytes) -> tuple[Codes, Targets, bool]:
    """The arguments that `question` wrote."""
    arrays = load(document)
    return arrays["codes"], arrays["targets"], bool(arrays["centred"][0])


def answer(solved: OverAll) -> bytes:
    """The solved heads."""
    arrays = solved.logistic.duals, solved.logistic.left_out, solved.kernel.duals, solved.kernel.left_out
    return bytes(save({name: np.ascontiguousarray(array) for name, array in zip(PARTS, arrays, strict=True)}))


def answered(document: bytes, shape: tuple[int, ...]) -> OverAll:
    """The heads that `answer` wrote, for targets of this shape. Raises `ValueError` for any other document."""
    try:
        arrays = load(document)
    except SafetensorError as error:
        raise ValueError("an answer is no safetensors document") from error
    found = [arrays[name] for name in PARTS if name in arrays]
    if len(found) < len(PARTS) or any(array.dtype != np.float64 or array.shape != shape for array in found):
        raise ValueError("an answer is to another question")
    return OverAll(Logistic(*found[:2]), Rivals(*found[2:]))


def longest_answer(shape: tuple[int, ...]) -> int:
    """Bytes of a document that answers a question of targets of this shape, at most."""
    return len(PARTS) * int(np.prod(shape)) * np.dtype(np.float64).itemsize + HEADER_BYTES


def _read(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError("the other side has ended")
    return found
