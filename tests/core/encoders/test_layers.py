"""Embeddings of all layers, against the same computed by transformers and numpy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protomem.encoders import Encoder, OnnxEncoder
from protomem.encoders.weights import local_folder
from protomem.errors import InvalidItem

for needed in ("faiss", "onnxruntime", "tokenizers", "onnx", "onnxscript", "torch", "transformers"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

MakeModel = Callable[..., Path]
TEXTS = ["a", "ab c", "xyz UPPER é", "longer than the model reads " * 5, "unknown 東京"]


def expected(folder: Path, texts: list[str], max_length: int) -> np.ndarray:
    """One text at a time: the mean over its own tokens of last + mean of those below, each as long as the last."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    embeddings = []
    for text in texts:
        ids = tokenizer(text, truncation=True, max_length=max_length, return_tensors="pt")
        with torch.inference_mode():
            answer = model(**ids, output_hidden_states=True)
        states = [state[0, 1:-1].numpy().astype(np.float64) for state in answer.hidden_states]  # no [CLS], no [SEP]
        length = np.linalg.norm(states[-1], axis=1, keepdims=True)
        same = [state / np.linalg.norm(state, axis=1, keepdims=True) * length for state in states]
        mean = (same[-1] + np.mean(same[:-1], axis=0)).mean(axis=0)
        embeddings.append(mean / np.linalg.norm(mean))
    return np.array(embeddings)


@pytest.mark.parametrize("normalize", [False, True])
def test_an_embedding_is_its_formula(make_model: MakeModel, tmp_path: Path, normalize: bool) -> None:
    folder = make_model(normalize=normalize)
    found = OnnxEncoder(folder, layers=True, cache=tmp_path).encode(TEXTS)
    np.testing.assert_allclose(found, expected(folder, TEXTS, 24), atol=1e-6)


def test_an_embedding_of_the_real_model_is_its_formula(
    minilm: str, minilm_cache: Path, varied_texts: list[str]
) -> None:
    folder = local_folder(minilm)
    assert folder is not None
    found = OnnxEncoder(minilm, layers=True, cache=minilm_cache).encode(varied_texts)
    np.testing.assert_allclose(found, expected(folder, varied_texts, 256), atol=1e-6)


def test_it_is_an_encoder_of_its_own(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    last, layers = (OnnxEncoder(folder, layers=layers, cache=tmp_path) for layers in (False, True))
    encoder: Encoder = layers
    assert (encoder.name, encoder.dimension, encoder.reproducible) == (f"layers:{folder}", 32, True)
    assert last.fingerprint != layers.fingerprint
    assert not np.allclose(last.encode(["abc"]), layers.encode(["abc"]), atol=0.01)
    for again in (last, layers):  # both are kept, and neither is taken for the other
        opened = OnnxEncoder(folder, layers=again is layers, cache=tmp_path)
        assert opened.fingerprint == again.fingerprint
        np.testing.assert_array_equal(opened.encode(TEXTS), again.encode(TEXTS))


def test_a_text_with_no_token_of_its_own_is_refused_by_index(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    assert len(OnnxEncoder(folder, cache=tmp_path).encode(["a", "\x00"])) == 2  # what stands around every text
    with pytest.raises(InvalidItem, match="item 1 has nothing that the model's tokenizer can read: leave it out"):
        OnnxEncoder(folder, layers=True, cache=tmp_path).encode(["a", "\x00"])
