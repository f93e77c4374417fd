from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protomem.encoders import OnnxEncoder, SentenceEncoder, Vectors, resolve_encoder
from protomem.errors import InvalidInput


def test_vectors_by_dimension() -> None:
    encoder = resolve_encoder("vectors:384")
    assert isinstance(encoder, Vectors)
    assert encoder.dimension == 384


def test_an_encoder_is_returned_as_it_is() -> None:
    encoder = Vectors(7)
    assert resolve_encoder(encoder) is encoder


def test_a_path_is_a_sentence_encoder(make_model: Callable[..., Path]) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    assert isinstance(resolve_encoder(str(make_model())), SentenceEncoder)


@pytest.mark.parametrize("kind", ["onnx", "layers"])
def test_onnx_or_layers_and_a_path_is_an_onnx_encoder(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for needed in ("onnxruntime", "onnx", "platformdirs"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
    folder = make_model()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent))
    encoder = resolve_encoder(f"{kind}:{folder}")
    assert isinstance(encoder, OnnxEncoder)
    assert encoder.name == f"{kind}:{folder}"


@pytest.mark.parametrize("spec", [Vectors(7), Vectors(4_096)])
def test_a_name_resolves_to_the_same_encoder_again(spec: Vectors) -> None:
    assert resolve_encoder(spec.name).fingerprint == spec.fingerprint


@pytest.mark.parametrize("spec", ["vectors:abc", "vectors:3.5", "vectors:-3", "vectors: 3", "vectors:³", "vectors:3:4"])
def test_a_dimension_that_is_no_number_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput, match="write the dimension as a whole number, as in vectors:384"):
        resolve_encoder(spec)


@pytest.mark.parametrize("spec", ["vectors:0", "vectors:5000"])
def test_a_dimension_out_of_range_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput, match="the dimension must be a whole number from 1 to 4,096"):
        resolve_encoder(spec)


@pytest.mark.parametrize("spec", ["", "  ", "onnx:", "layers:", "vectors:"])
def test_a_spec_that_names_nothing_is_refused(spec: str) -> None:
    with pytest.raises(InvalidInput, match='names no encoder: pass "vectors:384"'):
        resolve_encoder(spec)


@pytest.mark.parametrize("spec", [None, 384, b"vectors:384", object(), Vectors, ["vectors:384"]])
def test_what_is_no_encoder_is_refused(spec: Any) -> None:
    with pytest.raises(InvalidInput, match='is no encoder: pass "vectors:384"'):
        resolve_encoder(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "no-such-model-7f3a",
        "onnx:no-such-model-7f3a",
        "layers:no-such-model-7f3a",
        "nobody/no-such-7f3a",
        "./no/such/7f3a",
    ],
)
def test_an_unknown_model_says_where_it_was_looked_for(spec: str) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    with pytest.raises(InvalidInput, match=r"there is no model .*7f3a': no such folder, .*: check the spelling"):
        resolve_encoder(spec)
