"""Texts through onnxruntime: the transformer of a sentence model, exported once, pooled in numpy."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

from protomem.encoders.layers import VERSION as LAYERS
from protomem.encoders.onnx_export import exported_graph
from protomem.encoders.onnx_layout import ModelLayout, read_layout
from protomem.encoders.onnx_tokenizer import load_tokenizer
from protomem.encoders.texts import checked_texts
from protomem.encoders.weights import download, local_folder
from protomem.errors import InvalidInput, InvalidItem
from protomem.progress import Progress
from protomem.runtime import onnxruntime

if TYPE_CHECKING:
    from tokenizers import Encoding

__all__ = ["OnnxEncoder"]

VERSION: Final = "protomem onnx encoder 1"

TOKENS_PER_BATCH: Final = 2_048
"""Tokens a batch. From 1,024 on the throughput is flat; attention over 2,048 tokens of MiniLM takes some 25 MB."""

TEXTS_PER_TOKENIZING: Final = 1_024
"""A tokenizer's answer takes some hundred bytes a token; only the ids are kept of it."""

SMALLEST_NORM: Final = 1e-12
"""As in sentence-transformers' Normalize."""


class Tokens(NamedTuple):
    """What a model reads of a text, and the places in it of the tokens whose mean is taken."""

    ids: list[int]
    pooled: npt.NDArray[np.intp]


@final
class OnnxEncoder:
    """A sentence-transformers model of a Transformer and mean Pooling, by name or path, run by onnxruntime.

    Equals `SentenceEncoder` within cos 0.99999. With `layers` ("layers:NAME" in place of "onnx:NAME") the embedding is
    another, of the same length at the same cost, that tells classes better apart: all layers of the transformer in
    place of the last (`protomem.encoders.layers`), in the mean over a text's own tokens, without those that the
    tokenizer puts around every text, and brought to unit length.

    Reproducible: on one machine a text's embedding is the same, bit for bit, alone and in any batch, because a batch
    holds only texts of equal length (nothing is padded) and each row is pooled on its own. Embeddings are float32.
    `encode` may be called from several threads at once.

    The first use of a model exports it under `cache` (default: the user's cache folder, protomem/onnx) with torch;
    after that torch is not needed. The fingerprint is that of the exported file: another release of torch or
    transformers can write another graph, so take the cache folder along where a memory must open again. `threads` is
    the number that onnxruntime uses for one call (default: one a core).

    Raises `MissingExtra` for an optional part that is not installed and `InvalidInput` for a model that cannot be had
    or is not supported.
    """

    reproducible = True
    keeps_text = True

    def __init__(
        self,
        name_or_path: str | os.PathLike[str],
        *,
        layers: bool = False,
        cache: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        model = os.fspath(name_or_path)
        self.name = f"layers:{model}" if layers else f"onnx:{model}"
        options = _options(threads)
        layout = read_layout(model, local_folder(model) or download(model))
        graph, sha256 = exported_graph(model, layout, _default_cache() if cache is None else Path(cache), layers)
        self._tokenizer = load_tokenizer(model, layout)
        self._session = _session(graph, options)
        self._inputs = [given.name for given in self._session.get_inputs()]
        self._layers = layers
        self._normalize = layout.normalize or layers
        self.dimension: int = self._session.get_outputs()[0].shape[-1]
        self.fingerprint = _fingerprint(layout, sha256, layers)

    def encode(
        self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None
    ) -> npt.NDArray[np.floating]:
        tokens = self._tokens(checked_texts(items))
        embeddings = np.empty((len(tokens), self.dimension), dtype=np.float32)
        done = 0
        for rows in _batches_of_equal_length(tokens):
            for row, hidden in zip(rows, self._hidden_states([tokens[row].ids for row in rows]), strict=True):
                embeddings[row] = _pooled(hidden[tokens[row].pooled], self._normalize)
            done += len(rows)
            if progress is not None:
                progress(done, len(tokens))
        return embeddings

    def _tokens(self, texts: list[str]) -> list[Tokens]:
        tokens: list[Tokens] = []
        for start in range(0, len(texts), TEXTS_PER_TOKENIZING):
            found = self._tokenizer.encode_batch(texts[start : start + TEXTS_PER_TOKENIZING])
            tokens += [Tokens(text.ids, self._pooled_places(text)) for text in found]
        for index, text in enumerate(tokens):
            if not len(text.pooled):
                raise InvalidItem(f"item {index} has nothing that the model's tokenizer can read: leave it out")
        return tokens

    def _pooled_places(self, text: Encoding) -> npt.NDArray[np.intp]:
        return np.flatnonzero(np.equal(text.special_tokens_mask, 0)) if self._layers else np.arange(len(text.ids))

    def _hidden_states(self, tokens: list[list[int]]) -> npt.NDArray[np.float32]:
        ids = np.array(tokens, dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden: npt.NDArray[np.float32] = self._session.run(None, {name: feeds[name] for name in self._inputs})[0]
        return hidden


def _batches_of_equal_length(tokens: list[Tokens]) -> Iterator[npt.NDArray[np.intp]]:
    """Rows of one length each, shortest first. Without padding no kernel can see how long a neighbour is."""
    lengths = np.array([len(text.ids) for text in tokens], dtype=np.int64)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        size = max(1, TOKENS_PER_BATCH // int(length))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]


def _pooled(hidden: npt.NDArray[np.float32], normalize: bool) -> npt.NDArray[np.float32]:
    """The mean over these tokens of one text, (tokens, d) to (d,)."""
    mean: npt.NDArray[np.float32] = hidden.mean(axis=0)
    return mean / max(np.sqrt(np.square(mean).sum()), np.float32(SMALLEST_NORM)) if normalize else mean


def _default_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("protomem")) / "onnx"


def _options(threads: int | None) -> onnxruntime.SessionOptions:
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise InvalidInput(f"threads={threads!r}: pass a whole number from 1, or None for one a core")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0 is onnxruntime's own choice
    return options


def _session(graph: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _fingerprint(layout: ModelLayout, graph_sha256: str, layers: bool) -> str:
    settings = {
        "version": VERSION,
        "graph": graph_sha256,
        "tokenizer": hashlib.sha256(layout.tokenizer_file.read_bytes()).hexdigest(),
        "max_length": layout.max_length,
        "pooling": LAYERS if layers else "mean, normalized" if layout.normalize else "mean",
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
