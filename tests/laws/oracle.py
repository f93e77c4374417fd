"""A memory in plain Python: a dictionary, integers and hashlib, recomputed from nothing every time it is asked.

It follows what is documented (the formulas in `lift.py`, `keys.py`, `codes.py`, `statistics.py`, `commitment.py`,
`space.py` and `vectors.py`), shares no arithmetic with them, and knows no history: only what is remembered now.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from operator import add, mul

CODE_MAX = 127
FEATURE_MAX = 31
LANES = 1_024
BOOKS, KEYS, MODES, SEED = 64, 64, 16, 0

Codes = tuple[int, ...]
Labels = tuple[str, ...]


@dataclass(frozen=True)
class OfCode:
    """What the statistics see of one example's codes."""

    features: tuple[int, ...]
    keys: tuple[int, ...]
    mode: int
    products: tuple[int, ...]
    """The outer product of the features, (i, j) with j <= i, row by row."""


@dataclass
class OfLabel:
    """The sums over the examples of one label."""

    count: int
    codes: list[int]
    features: list[int]
    keys: list[list[int]]
    mode_counts: list[int]
    mode_codes: list[list[int]]


class OracleSpace:
    """The fixed maps, drawn from SHAKE-256 and held as lists of ones and minus ones."""

    def __init__(self, dimension: int, width: int) -> None:
        self.dimension, self.width = dimension, width
        self.scale = round(127 * math.sqrt(dimension) / 5)
        self.step = max(1, round(3.5 * (self.scale / math.sqrt(3)) / 32))
        signs = ternary(f"protomem lift {SEED}", dimension * width)
        self.projection = [signs[column::width] for column in range(width)]
        self.books = [
            _rows(book, dimension) for book in _rows(_drawn_keys(SEED, BOOKS * KEYS, dimension), KEYS * dimension)
        ]
        self.modes = _rows(_drawn_keys(SEED + 1, MODES, dimension), dimension)
        self._known: dict[Codes, OfCode] = {}

    def fingerprint(self) -> str:
        encoder = hashlib.sha256(f"protomem vectors 1\ndimension {self.dimension}\n".encode()).hexdigest()
        named = {
            "version": 1,
            "scale": self.scale,
            "dimension": self.dimension,
            "encoder": encoder,
            "width": self.width,
            "books": BOOKS,
            "keys": KEYS,
            "modes": MODES,
            "seed": SEED,
        }
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()

    def of_code(self, codes: Codes) -> OfCode:
        if codes not in self._known:
            features = tuple(min(max(_inner(codes, column) // self.step, 0), FEATURE_MAX) for column in self.projection)
            self._known[codes] = OfCode(
                features,
                tuple(_best(codes, book) for book in self.books),
                _best(codes, self.modes),
                tuple(features[i] * features[j] for i in range(self.width) for j in range(i + 1)),
            )
        return self._known[codes]


@cache
def oracle_space(dimension: int, width: int) -> OracleSpace:
    return OracleSpace(dimension, width)


@dataclass
class Oracle:
    """id -> (codes, labels, subject), and everything that follows from it."""

    space: OracleSpace
    examples: dict[str, tuple[Codes, Labels, str | None]] = field(default_factory=dict)

    def classes(self) -> dict[str, int]:
        return dict(sorted(Counter(label for _, labels, _ in self.examples.values() for label in labels).items()))

    def gram(self) -> list[int]:
        """The lower triangle, row by row."""
        total = [0] * (self.space.width * (self.space.width + 1) // 2)
        for codes, times in Counter(codes for codes, _, _ in self.examples.values()).items():
            total = [old + times * new for old, new in zip(total, self.space.of_code(codes).products, strict=True)]
        return total

    def of_label(self, label: str) -> OfLabel:
        dimension, width = self.space.dimension, self.space.width
        sums = OfLabel(
            count=0,
            codes=[0] * dimension,
            features=[0] * width,
            keys=[[0] * KEYS for _ in range(BOOKS)],
            mode_counts=[0] * MODES,
            mode_codes=[[0] * dimension for _ in range(MODES)],
        )
        for codes, labels, _ in self.examples.values():
            if label not in labels:
                continue
            known = self.space.of_code(codes)
            sums.count += 1
            sums.codes = list(map(add, sums.codes, codes))
            sums.features = list(map(add, sums.features, known.features))
            for book, key in enumerate(known.keys):
                sums.keys[book][key] += 1
            sums.mode_counts[known.mode] += 1
            sums.mode_codes[known.mode] = list(map(add, sums.mode_codes[known.mode], codes))
        return sums

    def statistics_digest(self) -> str:
        """The bytes of the sums: the Gram matrix by columns with zeros above its diagonal, then the labels, sorted."""
        width = self.space.width
        sha = hashlib.sha256(self.space.fingerprint().encode())
        sha.update(len(self.examples).to_bytes(16, "little", signed=True))
        lower = self.gram()
        for column in range(width):
            sha.update(_packed([0] * column + [lower[row * (row + 1) // 2 + column] for row in range(column, width)]))
        for label in self.classes():
            name = label.encode()
            sums = self.of_label(label)
            sha.update(len(name).to_bytes(4, "little") + name)
            for numbers in ([sums.count], sums.codes, sums.features, *sums.keys, sums.mode_counts, *sums.mode_codes):
                sha.update(_packed(numbers))
        return sha.hexdigest()

    def commitment(self) -> str:
        """LtHash: the sum of 1,024 numbers of 16 bits for each example, modulo 2**16, hashed."""
        state = [0] * LANES
        for (codes, labels), times in Counter((codes, labels) for codes, labels, _ in self.examples.values()).items():
            state = [old + times * new for old, new in zip(state, lanes(codes, labels), strict=True)]
        return hashlib.sha256(struct.pack(f"<{LANES}H", *(lane % 2**16 for lane in state))).hexdigest()

    def digest(self) -> str:
        return hashlib.sha256(f"protomem 1\n{self.statistics_digest()}\n{self.commitment()}\n".encode()).hexdigest()


@cache
def lanes(codes: Codes, labels: Labels) -> tuple[int, ...]:
    parts = [bytes(code % 256 for code in codes), *(label.encode() for label in sorted(labels))]
    named = b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return struct.unpack(f"<{LANES}H", hashlib.shake_256(named).digest(2 * LANES))


def quantized(vector: Sequence[float], scale: int) -> Codes:
    """scale · x / |x| rounded half to even and clipped, in exact rational arithmetic."""
    exact = [Fraction(value) for value in vector]
    squares = sum(value * value for value in exact)
    return tuple(_rounded(value, squares, scale) for value in exact)


def ternary(seed: str, size: int) -> list[int]:
    """One for a byte below 43, minus one from 213 on, else zero."""
    return [(byte < 43) - (byte >= 213) for byte in hashlib.shake_256(seed.encode()).digest(size)]


def _rounded(value: Fraction, squares: Fraction, scale: int) -> int:
    twice = 4 * value * value * scale * scale / squares  # (2t)² for t = scale · |x| / |all|
    halves = math.isqrt(math.floor(twice))  # ⌊2t⌋
    rounded = halves // 2 if halves % 4 == 1 and halves * halves == twice else (halves + 1) // 2
    return min(rounded, CODE_MAX) * (1 if value > 0 else -1)


def _drawn_keys(seed: int, count: int, dimension: int) -> list[int]:
    return ternary(f"protomem keys {seed}", count * dimension)


def _best(codes: Codes, keys: list[list[int]]) -> int:
    products = [_inner(codes, key) for key in keys]
    return products.index(max(products))


def _inner(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(map(mul, left, right))


def _rows(flat: list[int], size: int) -> list[list[int]]:
    return [flat[start : start + size] for start in range(0, len(flat), size)]


def _packed(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)
