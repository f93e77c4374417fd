"""Both ways of comparing items with all examples give the products of integers, to the last one."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protomem import against as module
from protomem.against import Float32Against, Int8Against, against, with_right
from protomem.codes import CODE_MAX, MAX_DIMENSION, code_scale

both_ways = pytest.mark.parametrize("kind", [Int8Against, Float32Against])


@both_ways
@given(st.data())
def test_products_are_those_of_python_integers(kind: type, data: st.DataObject) -> None:
    m, n, d = (data.draw(st.integers(1, 9)) for _ in range(3))
    values = st.integers(-CODE_MAX, CODE_MAX)
    items, examples = (data.draw(hnp.arrays(np.int8, (count, d), elements=values)) for count in (m, n))
    expected = [[sum(int(a) * int(b) for a, b in zip(one, other, strict=True)) for other in examples] for one in items]
    assert kind(examples).products(items).tolist() == expected


@both_ways
def test_the_largest_products_of_the_widest_codes_are_exact(kind: type) -> None:
    """By Cauchy-Schwarz a product of codes is at most the square of their scale, which as many full entries reach."""
    full = code_scale(MAX_DIMENSION) ** 2 // CODE_MAX**2
    codes = np.zeros((4, MAX_DIMENSION), dtype=np.int8)
    codes[:2, :full], codes[2:, :full] = CODE_MAX, -CODE_MAX
    largest = full * CODE_MAX**2
    signs = np.array([1, 1, -1, -1])
    assert kind(codes).products(codes).tolist() == (largest * np.outer(signs, signs)).tolist()


@both_ways
def test_no_items_have_no_products(kind: type) -> None:
    assert kind(np.ones((3, 5), dtype=np.int8)).products(np.empty((0, 5), dtype=np.int8)).shape == (0, 3)


def test_a_processor_whose_kernel_saturates_gets_float32() -> None:
    """A stand-in whose sums end at 2²³: one without VNNI keeps no large sums either."""
    codes = np.ones((2, 3), dtype=np.int8)
    plain = Int8Against.products

    def saturating(self: Int8Against, codes: np.ndarray) -> np.ndarray:
        return np.clip(plain(self, codes), -(2**23), 2**23)

    assert isinstance(against(codes), Int8Against)
    module._is_exact.cache_clear()
    with patch.object(Int8Against, "products", saturating):
        assert isinstance(against(codes), Float32Against)
    module._is_exact.cache_clear()


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=300)))
def test_the_graph_is_one_operator_of_onnx(matrix: np.ndarray) -> None:
    value, constant = onnx.helper.make_tensor_value_info, onnx.helper.make_tensor
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMulInteger", ["left", "right", "zero"], ["product"])],
        "fixed",
        [value("left", onnx.TensorProto.UINT8, ["m", "k"])],
        [value("product", onnx.TensorProto.INT32, ["m", "n"])],
        [
            constant("zero", onnx.TensorProto.UINT8, [], b"\x80", raw=True),
            constant("right", onnx.TensorProto.INT8, matrix.shape, matrix.tobytes(), raw=True),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    assert model == onnx.ModelProto.FromString(with_right(matrix))
