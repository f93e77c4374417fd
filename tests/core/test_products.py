"""Both kernels give the product of integers, to the last one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protomem.lift import FEATURE_MAX, GRAM_ROWS
from protomem.products import MATMUL_INTEGER, PANEL, RIGHT_MAX, Float32Products, Int8Products, Products, products

KERNELS = [Float32Products(), Int8Products()]

kernels = pytest.mark.parametrize("kernel", KERNELS, ids=["float32", "int8"])


def whole(matrix: np.ndarray) -> list[list[int]]:
    assert np.array_equal(matrix, np.rint(matrix))
    return matrix.astype(np.int64).tolist()


def plain_product(left: list[list[int]], right: list[list[int]], width: int) -> list[list[int]]:
    """With Python's integers."""
    return [[sum(row[k] * right[k][column] for k in range(len(right))) for column in range(width)] for row in left]


@kernels
@given(st.data())
def test_a_product_equals_that_of_python_integers(kernel: Products, data: st.DataObject) -> None:
    m, k, n = (data.draw(st.integers(1, 7)) for _ in range(3))
    left = data.draw(hnp.arrays(np.int8, (m, k)))
    right = data.draw(hnp.arrays(np.int8, (k, n), elements=st.integers(-RIGHT_MAX, RIGHT_MAX)))
    assert whole(kernel.multiply(left, right)) == plain_product(left.tolist(), right.tolist(), n)


@kernels
@pytest.mark.parametrize("shape", [(1, 384, 2_048), (700, 384, 65), (513, 2_048, 3)])
def test_a_product_of_ordinary_size_equals_int64_arithmetic(kernel: Products, shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    dice = np.random.default_rng(0)
    left = dice.integers(-128, 128, (rows, inner)).astype(np.int8)
    right = dice.integers(-1, 2, (inner, columns)).astype(np.int8)
    assert np.array_equal(kernel.multiply(left, right), left.astype(np.int64) @ right.astype(np.int64))


@kernels
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_the_largest_sums_are_kept(kernel: Products, signs: tuple[int, int]) -> None:
    """2,048 products of 127 and 64 are 16,646,144 of 2²⁴ = 16,777,216."""
    left = np.full((2, 2_048), 127 * signs[0], dtype=np.int8)
    right = np.full((2_048, 3), RIGHT_MAX * signs[1], dtype=np.int8)
    assert whole(kernel.multiply(left, right)) == [[2_048 * 127 * RIGHT_MAX * signs[0] * signs[1]] * 3] * 2


@kernels
def test_no_rows_give_an_empty_product(kernel: Products) -> None:
    assert kernel.multiply(np.empty((0, 5), dtype=np.int8), np.ones((5, 2), dtype=np.int8)).shape == (0, 2)


@kernels
@pytest.mark.parametrize("rows", [1, 63, 65, 300])
@pytest.mark.parametrize("width", [1, 64, 65, PANEL - 1, PANEL, PANEL + 1, 2 * PANEL + 3])
def test_gram_panels_cover_the_triangle(kernel: Products, rows: int, width: int) -> None:
    features = np.random.default_rng(rows).integers(0, FEATURE_MAX + 1, (rows, width)).astype(np.int8)
    upper = np.zeros((width, width), dtype=np.int64)
    for start, sums in kernel.gram_panels(features):
        upper[start : start + len(sums), start:] = sums
    wide = features.astype(np.int64)
    assert np.array_equal(np.triu(upper), np.triu(wide.T @ wide))


@kernels
def test_the_fullest_gram_is_exact(kernel: Products) -> None:
    features = np.full((GRAM_ROWS, 3), FEATURE_MAX, dtype=np.int8)
    ((_, sums),) = kernel.gram_panels(features)
    assert whole(sums) == [[GRAM_ROWS * FEATURE_MAX**2] * 3] * 3


def test_the_kernel_in_use_is_that_of_int8() -> None:
    assert isinstance(products(), Int8Products)


def test_a_processor_whose_kernel_saturates_gets_float32() -> None:
    """A stand-in whose sums end at 2²²."""

    def saturating(self: Int8Products, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.clip(left.astype(np.int32) @ right.astype(np.int32), -(2**22), 2**22)

    assert Int8Products().is_exact()
    products.cache_clear()
    with patch.object(Int8Products, "multiply", saturating):
        assert isinstance(products(), Float32Products)
    products.cache_clear()


def test_the_graph_is_one_operator_of_onnx() -> None:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["left", "right", "zero"], ["product"])],
        "product",
        [
            value("left", onnx.TensorProto.UINT8, ["m", "k"]),
            value("right", onnx.TensorProto.INT8, ["k", "n"]),
            value("zero", onnx.TensorProto.UINT8, []),
        ],
        [value("product", onnx.TensorProto.INT32, ["m", "n"])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    assert model == onnx.ModelProto.FromString(MATMUL_INTEGER)


def test_loading_the_library_leaves_nothing_in_the_users_folders(tmp_path: Path) -> None:
    """onnxruntime would write a device id and a database of events there."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    folders = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"), str(tmp_path))
    code = "import protomem, protomem.products; protomem.products.products()"
    subprocess.run([sys.executable, "-c", code], env=environment | folders, check=True)
    assert list(tmp_path.rglob("*")) == []
