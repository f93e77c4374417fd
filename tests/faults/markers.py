"""Examples whose id, subject, label, text and codes are bytes that no compression shortens, and the search for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.faults.operations import vectors_of

CLASSES = 40
"""Labels of all marked examples: number n carries label n modulo this."""

PIECE = 12
"""Bytes that are searched at each end of a marker: a piece of this length found by chance is one in 2⁶⁰ or so."""

# Letters of one to three bytes in UTF-8, none of them common: neither a dictionary of symbols nor one of strings gains.
LETTERS = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x250), *range(0x4E00, 0x9F00, 7))]


def marker(name: str, letters: int) -> str:
    """Random letters, always the same for a name."""
    numbers = np.frombuffer(hashlib.shake_256(name.encode()).digest(2 * letters), dtype="<u2")
    return "".join(LETTERS[number % len(LETTERS)] for number in numbers)


@dataclass(frozen=True)
class Marked:
    """One example, whole, from its number."""

    number: int

    @property
    def id(self) -> str:
        return marker(f"id {self.number}", 14)

    @property
    def subject(self) -> str:
        return marker(f"subject {self.number}", 14)

    @property
    def label(self) -> str:
        return marker(f"label {self.number % CLASSES}", 14)

    @property
    def text(self) -> str:
        return marker(f"text {self.number}", 24)

    @staticmethod
    def vectors(examples: Sequence[Marked], dimension: int) -> npt.NDArray[np.float64]:
        return vectors_of([one.text for one in examples], dimension)


def codes_of(examples: Sequence[Marked], dimension: int) -> list[bytes]:
    """The int8 codes of their vectors, computed from the formula in DESIGN.md: a grid of about 127·√d/5 steps."""
    vectors = Marked.vectors(examples, dimension)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = np.clip(np.rint(unit * round(127 * dimension**0.5 / 5)), -127, 127).astype(np.int8)
    return [row.tobytes() for row in codes]


def traces(examples: Sequence[Marked], dimension: int, *, texts: bool) -> dict[str, list[bytes]]:
    """The bytes that the examples leave in a memory, by what they are."""
    found = {
        "ids": [one.id.encode() for one in examples],
        "subjects": [one.subject.encode() for one in examples],
        "codes": codes_of(examples, dimension),
    }
    return found | ({"texts": [one.text.encode() for one in examples]} if texts else {})


def present(folder: Path, markers: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Which of the markers are in any file of the folder, wholly or with their beginning or end."""
    found = np.zeros(len(markers), dtype=bool)
    for file in sorted(folder.iterdir()):
        content = file.read_bytes()
        for end in (slice(None, PIECE), slice(-PIECE, None)):
            found |= _present(content, [marker[end] for marker in markers])
    return found


def _present(content: bytes, pieces: Sequence[bytes]) -> npt.NDArray[np.bool_]:
    """Which pieces are in the content: their first eight bytes are looked up at every place, then compared whole."""
    heads = np.array([np.frombuffer(piece[:8], dtype="<u8")[0] for piece in pieces])
    order = np.argsort(heads)
    sorted_heads = heads[order]
    likely = np.zeros(1 << 24, dtype=bool)
    likely[heads & 0xFFFFFF] = True
    found = np.zeros(len(pieces), dtype=bool)
    for shift in range(8):
        words = np.frombuffer(content[shift : shift + (len(content) - shift) // 8 * 8], dtype="<u8")
        places = np.flatnonzero(likely[words & 0xFFFFFF])
        starts = np.searchsorted(sorted_heads, words[places], "left")
        ends = np.searchsorted(sorted_heads, words[places], "right")
        hits = ends > starts
        for place, start, end in zip(places[hits], starts[hits], ends[hits], strict=True):
            for which in order[start:end]:
                where = shift + 8 * int(place)
                found[which] |= content[where : where + len(pieces[which])] == pieces[which]
    return found
