"""Exact products of int8 matrices.

Both kernels give the same integers, so which of them runs can change how long a sum takes and never what it is.
`Int8Products` has onnxruntime multiply bytes and add in int32, by the instructions that processors have for it;
`Float32Products`, BLAS in float32, is exact while no sum can leave 2²⁴, and stands in on a processor where bytes are
not multiplied exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final, Protocol, final

import numpy as np
import numpy.typing as npt

from protomem.runtime import onnxruntime

__all__ = [
    "OFFSET",
    "RIGHT_MAX",
    "Float32Products",
    "Int8Products",
    "Numbers",
    "Products",
    "onnx_session",
    "products",
    "transposed",
]

Bytes = npt.NDArray[np.int8]

Numbers = npt.NDArray[np.int32] | npt.NDArray[np.float32]
"""Whole numbers, as the kernel left them."""

RIGHT_MAX = 64
"""Largest absolute value on the right of a product. Processors without VNNI add two products of an unsigned byte (255
at most) and a signed one in int16, saturating: 2 · 255 · 64 = 32,640 still fits."""

OFFSET = np.uint8(128)
"""Makes signed bytes unsigned, as the left side has to be; the kernel takes it off again."""

PANEL = 512
"""Columns of a Gram matrix computed at a time: wide enough for full speed, and 4 MB of int32 at the default width."""

TILE = 64
"""Bytes of a matrix are transposed in squares of this side, which stay in the nearest cache: 6 to 10 times
as fast."""

# The operator MatMulInteger of ONNX alone: product = (left - zero) @ right. `tests/core/test_products.py` writes the
# same bytes with the package onnx.
MATMUL_INTEGER: Final = bytes.fromhex(
    "08083a98010a2b0a046c6566740a0572696768740a047a65726f120770726f64756374220d4d61744d756c496e7465676572120770726f64"
    "7563745a180a046c65667412100a0e0802120a0a0312016d0a0312016b5a190a05726967687412100a0e0803120a0a0312016b0a0312016e"
    "5a0e0a047a65726f12060a0408021200621b0a0770726f6475637412100a0e0806120a0a0312016d0a0312016e42040a00100d"
)


class Products(Protocol):
    """How int8 matrices are multiplied. No sum may leave 2²⁴, and no entry on the right ±RIGHT_MAX."""

    def multiply(self, left: Bytes, right: Bytes) -> Numbers:
        """The product of (m, k) and (k, n): (m, n)."""
        ...

    def gram_panels(self, features: Bytes) -> Iterator[tuple[int, Numbers]]:
        """The rows of FᵀF for F (n, D), from the diagonal on: `start` and (PANEL, D - start), for every panel."""
        ...


@final
class Float32Products:
    """By BLAS in float32."""

    def multiply(self, left: Bytes, right: Bytes) -> Numbers:
        return left.astype(np.float32) @ right.astype(np.float32)

    def gram_panels(self, features: Bytes) -> Iterator[tuple[int, Numbers]]:
        numbers = features.astype(np.float32)
        for start in range(0, numbers.shape[1], PANEL):
            yield start, numbers[:, start : start + PANEL].T @ numbers[:, start:]


@final
class Int8Products:
    """By onnxruntime in int8 and int32."""

    def __init__(self) -> None:
        self._session = onnx_session(MATMUL_INTEGER, threads=0)

    def multiply(self, left: Bytes, right: Bytes) -> Numbers:
        return self._run(left.view(np.uint8) ^ OFFSET, right, OFFSET)

    def gram_panels(self, features: Bytes) -> Iterator[tuple[int, Numbers]]:
        rows = transposed(features).view(np.uint8)
        for start in range(0, len(rows), PANEL):
            yield start, self._run(rows[start : start + PANEL], features[:, start:], np.uint8(0))

    def is_exact(self) -> bool:
        """Whether this processor's kernel keeps the largest sums."""
        left = np.full((3, 1_024), 127, dtype=np.int8)
        right = np.full((1_024, 5), RIGHT_MAX, dtype=np.int8)
        both = ((left, right), (left, -right), (-left, right), (-left, -right))
        return all(np.array_equal(self.multiply(*pair), np.matmul(*pair, dtype=np.int64)) for pair in both)

    def _run(self, left: npt.NDArray[np.uint8], right: Bytes, zero: np.uint8) -> npt.NDArray[np.int32]:
        feeds = {"left": left, "right": np.ascontiguousarray(right), "zero": np.asarray(zero)}
        product: npt.NDArray[np.int32] = self._session.run(None, feeds)[0]
        return product


def onnx_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A model made ready to run with so many threads; 0 is one for each core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin for the next product would take the cores from whoever comes in between.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def products() -> Products:
    """The kernel in use: int8, if it is exact here."""
    fast = Int8Products()
    return fast if fast.is_exact() else Float32Products()


def transposed(matrix: Bytes) -> Bytes:
    """The transpose of a matrix (n, m), in rows of its own: (m, n)."""
    height, width = matrix.shape
    rows = np.empty((width, height), dtype=np.int8)
    for row in range(0, height, TILE):
        for column in range(0, width, TILE):
            square = matrix[row : row + TILE, column : column + TILE]
            rows[column : column + TILE, row : row + TILE] = square.T
    return rows
