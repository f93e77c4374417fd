"""What OnnxEncoder refuses because it would compute something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protomem.encoders import OnnxEncoder
from protomem.encoders.layers import hidden_states
from protomem.encoders.onnx_check import check_hidden_states
from protomem.encoders.onnx_layout import read_layout
from protomem.errors import InvalidInput

MakeModel = Callable[..., Path]
EditJson = Callable[..., None]


@pytest.mark.parametrize(
    ("file", "changes", "what"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "it pools by .*cls_token"),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False}, r"it pools by \[\]"),
        ("1_Pooling/config.json", {"pooling_mode": "cls"}, "it pools by cls"),
        ("1_Pooling/config.json", {"pooling_mode": ["mean", "max"]}, "it pools by .*max"),
        ("1_Pooling/config.json", {"weights": 2}, "its Pooling has the setting weights"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "its Transformer has do_lower_case = True"),
        ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "its Transformer has transformer_task"),
        ("sentence_bert_config.json", {"model_args": {"dtype": "bfloat16"}}, "its Transformer has model_args"),
        (
            "config_sentence_transformers.json",
            {"prompts": {"a": "x"}, "default_prompt_name": "a"},
            "puts a prompt before",
        ),
    ],
)
def test_settings_that_change_an_embedding_are_refused(
    make_model: MakeModel, edit_json: EditJson, file: str, changes: dict[str, Any], what: str
) -> None:
    folder = make_model()
    (folder / file).touch()
    (folder / file).write_text((folder / file).read_text(encoding="utf-8") or "{}", encoding="utf-8")
    edit_json(folder / file, **changes)
    with pytest.raises(InvalidInput, match=f"cannot be run by onnxruntime here: .*{what}.*Supported are a Transformer"):
        read_layout("tiny", folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling_mode": "mean", "embedding_dimension": 32, "include_prompt": True},
        {"pooling_mode": ["mean"]},
        {"pooling_mode_max_tokens": False},
    ],
)
def test_every_spelling_of_mean_pooling_is_understood(
    make_model: MakeModel, edit_json: EditJson, changes: dict[str, Any]
) -> None:
    folder = make_model()
    edit_json(folder / "1_Pooling" / "config.json", **changes)
    assert read_layout("tiny", folder).max_length == 24


@pytest.mark.parametrize("kinds", [["Transformer"], ["Transformer", "Pooling", "Dense"], ["WordEmbeddings", "Pooling"]])
def test_other_modules_are_refused_by_name(make_model: MakeModel, kinds: list[str]) -> None:
    folder = make_model()
    modules = [{"path": "", "type": f"sentence_transformers.models.{kind}"} for kind in kinds]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(InvalidInput, match=f"its modules are .*{kinds[-1]}"):
        read_layout("tiny", folder)


def test_modules_with_code_of_their_own_are_refused(make_model: MakeModel) -> None:
    folder = make_model()
    modules = [{"path": "", "type": f"custom.{kind}"} for kind in ("Transformer", "Pooling")]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"its modules are custom.Transformer, custom.Pooling"):
        read_layout("tiny", folder)


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("modules.json", "has no .*modules.json: pass a folder written by SentenceTransformer.save"),
        ("config.json", "has no .*config.json"),
        ("tokenizer.json", "it has no tokenizer.json"),
        ("model.safetensors", "it has no weights in safetensors"),
    ],
)
def test_a_missing_file_is_named(make_model: MakeModel, file: str, what: str) -> None:
    folder = make_model()
    (folder / file).unlink()
    with pytest.raises(InvalidInput, match=what):
        read_layout("tiny", folder)


def test_a_damaged_configuration_is_named(make_model: MakeModel) -> None:
    folder = make_model()
    (folder / "modules.json").write_bytes(b"[{\xff")
    with pytest.raises(InvalidInput, match=r"has an unreadable .*modules.json \(.*\): get it again"):
        read_layout("tiny", folder)


def test_a_model_without_a_longest_text_is_refused(make_model: MakeModel, edit_json: EditJson) -> None:
    folder = make_model()
    edit_json(folder / "sentence_bert_config.json", max_seq_length=None)
    edit_json(folder / "tokenizer_config.json", model_max_length=10**30)
    assert read_layout("tiny", folder).max_length == 48
    edit_json(folder / "config.json", max_position_embeddings=None)
    with pytest.raises(InvalidInput, match="it does not say how many tokens of a text it reads"):
        read_layout("tiny", folder)


def test_damaged_weights_are_refused(make_model: MakeModel, tmp_path: Path) -> None:
    _needs_export()
    folder = make_model()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match=r"cannot be read as a sentence-transformers model \(SafetensorError"):
        OnnxEncoder(folder, cache=tmp_path)


def test_a_damaged_tokenizer_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    _needs_export()
    folder = make_model()
    OnnxEncoder(folder, cache=tmp_path)
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"has an unreadable .*tokenizer.json \(.*\): get it again"):
        OnnxEncoder(folder, cache=tmp_path)


def test_a_tokenizer_that_transformers_reads_otherwise_is_refused(
    make_model: MakeModel, edit_json: EditJson, tmp_path: Path
) -> None:
    _needs_export()
    folder = make_model()
    edit_json(folder / "tokenizer.json", post_processor=None)  # transformers puts [CLS] and [SEP] there all the same
    with pytest.raises(InvalidInput, match=r"reads 'Where is my order.* otherwise than transformers does"):
        OnnxEncoder(folder, cache=tmp_path)


@pytest.mark.parametrize("layers", [False, True])
def test_an_export_that_computes_something_else_is_refused(make_model: MakeModel, tmp_path: Path, layers: bool) -> None:
    _needs_export()
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    OnnxEncoder(make_model("one"), layers=layers, cache=tmp_path / "cache")
    (graph,) = (tmp_path / "cache").glob("*/model.onnx")
    other = transformers.BertModel.from_pretrained(make_model("other", seed=1)).eval()
    with pytest.raises(InvalidInput, match="the ONNX export of the model 'tiny' differs from torch by"):
        check_hidden_states("tiny", hidden_states(other, layers), graph.read_bytes())


def _needs_export() -> None:
    for needed in ("onnxruntime", "tokenizers", "onnx", "onnxscript"):
        pytest.importorskip(needed, reason=f"{needed} is not installed")
