from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protomem.encoders import Encoder, OnnxEncoder, SentenceEncoder
from protomem.encoders.onnx import TOKENS_PER_BATCH, Tokens, _batches_of_equal_length
from protomem.errors import InvalidInput, InvalidItem, MissingExtra

for needed in ("faiss", "onnxruntime", "tokenizers", "onnx", "onnxscript", "torch", "transformers"):
    pytest.importorskip(needed, reason=f"{needed} is not installed")

MakeModel = Callable[..., Path]
WORDS = [("ab" * (index % 9 + 1) + " c" * (index % 4)).strip() for index in range(70)]


@pytest.fixture(scope="module", params=[False, True], ids=["last", "layers"])
def layers(request: pytest.FixtureRequest) -> bool:
    """Whether embeddings are of all layers."""
    return bool(request.param)


@pytest.fixture(scope="module")
def real(minilm: str, minilm_cache: Path, layers: bool) -> OnnxEncoder:
    return OnnxEncoder(minilm, layers=layers, cache=minilm_cache)


@pytest.fixture(scope="module")
def alone(real: OnnxEncoder, varied_texts: list[str]) -> np.ndarray:
    """Each text encoded by itself."""
    return np.concatenate([real.encode([text]) for text in varied_texts])


def test_fulfils_the_port(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    encoder: Encoder = OnnxEncoder(folder, cache=tmp_path)
    assert (encoder.name, encoder.dimension) == (f"onnx:{folder}", 32)
    assert encoder.keeps_text
    assert encoder.reproducible


@pytest.mark.parametrize("size", [2, 7, 32, 1_000])
def test_a_text_has_the_same_bits_alone_and_in_any_batch(
    real: OnnxEncoder, alone: np.ndarray, varied_texts: list[str], size: int
) -> None:
    order = np.random.default_rng(size).permutation(len(varied_texts))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        np.testing.assert_array_equal(real.encode([varied_texts[row] for row in rows]), alone[rows], strict=True)


def test_a_text_has_the_same_bits_on_one_thread(
    minilm: str, minilm_cache: Path, layers: bool, alone: np.ndarray, varied_texts: list[str]
) -> None:
    one = OnnxEncoder(minilm, layers=layers, cache=minilm_cache, threads=1)
    np.testing.assert_array_equal(one.encode(varied_texts), alone, strict=True)


def test_a_batch_holds_texts_of_one_length() -> None:
    lengths = [*np.random.default_rng(0).integers(1, 300, 2_000).tolist(), 5_000]
    tokens = [Tokens([1] * length, np.arange(length)) for length in lengths]
    batches = [rows.tolist() for rows in _batches_of_equal_length(tokens)]
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(len({lengths[row] for row in rows}) == 1 for rows in batches)
    assert all(len(rows) == 1 or len(rows) * lengths[rows[0]] <= TOKENS_PER_BATCH for rows in batches)


def test_agrees_with_sentence_transformers(minilm: str, minilm_cache: Path, varied_texts: list[str]) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    theirs = SentenceEncoder(minilm).encode(varied_texts)
    alone = OnnxEncoder(minilm, cache=minilm_cache).encode(varied_texts)
    lengths = np.linalg.norm(theirs, axis=1) * np.linalg.norm(alone, axis=1)
    assert ((theirs * alone).sum(axis=1) / lengths).min() > 0.99999


@pytest.mark.parametrize("normalize", [False, True])
def test_agrees_with_sentence_transformers_on_a_model_of_ones_own(
    make_model: MakeModel, tmp_path: Path, normalize: bool
) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    folder = make_model(normalize=normalize)
    texts = [*WORDS, "longer than the model reads " * 5, "UPPER é", "unknown 東京"]
    np.testing.assert_allclose(
        OnnxEncoder(folder, cache=tmp_path).encode(texts), SentenceEncoder(folder).encode(texts), atol=1e-5
    )


def test_progress_ends_with_all(make_model: MakeModel, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    OnnxEncoder(make_model(), cache=tmp_path).encode(WORDS, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (70, 70)


def test_no_texts_give_no_embeddings(make_model: MakeModel, tmp_path: Path) -> None:
    assert OnnxEncoder(make_model(), cache=tmp_path).encode([]).shape == (0, 32)


def test_threads_may_share_an_encoder(make_model: MakeModel, tmp_path: Path) -> None:
    encoder = OnnxEncoder(make_model(), cache=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(encoder.encode, [WORDS, WORDS[::-1]] * 6))
    for answer in answers[::2]:
        np.testing.assert_array_equal(answer, answers[1][::-1])


def test_an_export_is_the_same_file_every_time(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    first, second = OnnxEncoder(folder, cache=tmp_path / "1"), OnnxEncoder(folder, cache=tmp_path / "2")
    assert first.fingerprint == second.fingerprint == OnnxEncoder(folder, cache=tmp_path / "1").fingerprint
    assert _graph(tmp_path / "1").read_bytes() == _graph(tmp_path / "2").read_bytes()


def test_fingerprint_tells_apart_all_that_changes_an_embedding(
    make_model: MakeModel, tmp_path: Path, edit_json: Callable[..., None]
) -> None:
    models = [
        make_model("base"),
        make_model("seed", seed=1),
        make_model("length", max_length=12),
        make_model("normalized", normalize=True),
        make_model("heads"),
        make_model("tokenizer"),
    ]
    edit_json(models[4] / "config.json", num_attention_heads=2)
    file = models[5] / "tokenizer.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"##z"', '"##?"'), encoding="utf-8")
    assert len({OnnxEncoder(folder, cache=tmp_path).fingerprint for folder in models}) == len(models)


def test_an_exported_model_needs_no_torch(make_model: MakeModel, tmp_path: Path) -> None:
    folder = make_model()
    expected = OnnxEncoder(folder, cache=tmp_path).encode(WORDS)
    program = (
        "import sys, numpy\n"
        "for name in ('torch', 'transformers', 'sentence_transformers', 'onnx', 'onnxscript'):\n"
        "    sys.modules[name] = None\n"
        "from protomem.encoders import OnnxEncoder\n"
        f"encoder = OnnxEncoder({str(folder)!r}, cache={str(tmp_path)!r})\n"
        f"sys.stdout.buffer.write(encoder.encode({WORDS!r}).tobytes())\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert answer.stdout == expected.tobytes()


@pytest.mark.parametrize("damage", ["flipped bit", "cut", "no hash", "hash of something else", "hash of no text"])
def test_a_damaged_export_is_made_again(make_model: MakeModel, tmp_path: Path, damage: str) -> None:
    folder = make_model()
    fingerprint = OnnxEncoder(folder, cache=tmp_path / "cache").fingerprint
    graph = _graph(tmp_path / "cache")
    whole, recorded = graph.read_bytes(), graph.with_suffix(".sha256")
    match damage:
        case "flipped bit":
            graph.write_bytes(whole[:5_000] + bytes([whole[5_000] ^ 1]) + whole[5_001:])
        case "cut":
            graph.write_bytes(whole[:-1])
        case "no hash":
            recorded.unlink()
        case "hash of something else":
            recorded.write_text("0" * 64, encoding="ascii")
        case "hash of no text":
            recorded.write_bytes(b"\xff")
    assert OnnxEncoder(folder, cache=tmp_path / "cache").fingerprint == fingerprint
    assert graph.read_bytes() == whole
    assert {file.name for file in graph.parent.iterdir()} == {"model.onnx", "model.sha256"}


def test_the_cache_is_the_users_by_default(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platformdirs = pytest.importorskip("platformdirs", reason="platformdirs is not installed")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda program: str(tmp_path / program))
    OnnxEncoder(make_model())
    assert _graph(tmp_path / "protomem" / "onnx").is_file()


def test_a_cache_that_cannot_be_written_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"cannot be kept at .*model.onnx \(.*\): pass cache= a folder"):
        OnnxEncoder(make_model(), cache=tmp_path / "file")


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_an_impossible_number_of_threads_is_refused(threads: Any) -> None:
    with pytest.raises(InvalidInput, match="pass a whole number from 1, or None"):
        OnnxEncoder("all-MiniLM-L6-v2", threads=threads)


@pytest.mark.parametrize(
    ("items", "message"),
    [("text", r"pass \[text\]"), (["a", " "], "item 1 is an empty text"), ([1], "item 0 is a int, not a text")],
)
def test_what_is_no_text_is_refused_by_index(make_model: MakeModel, tmp_path: Path, items: Any, message: str) -> None:
    encoder = OnnxEncoder(make_model(), cache=tmp_path)
    with pytest.raises(InvalidItem, match=message):
        encoder.encode(items)


def test_a_text_without_tokens_is_refused_by_index(make_model: MakeModel, tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    encoder = OnnxEncoder(make_model(), cache=tmp_path)
    encoder._tokenizer.post_processor = TemplateProcessing(single="$A")  # some models put nothing around a text
    with pytest.raises(InvalidItem, match="item 1 has nothing that the model's tokenizer can read: leave it out"):
        encoder.encode(["a", "\x00"])


def test_without_the_tokenizer_its_extra_is_named(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"encoding text with onnxruntime needs .*'protomem\[onnx\]'"):
        OnnxEncoder(folder, cache=tmp_path)


@pytest.mark.parametrize("missing", ["torch", "transformers", "onnx"])
def test_without_the_exporter_its_extra_is_named(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    folder = make_model()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r"to ONNX, once, needs .*'protomem\[onnx-export\]'"):
        OnnxEncoder(folder, cache=tmp_path)


def _graph(cache: Path) -> Path:
    (graph,) = cache.glob("*/model.onnx")
    return graph
