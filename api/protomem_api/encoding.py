"""One encoder for all memories that name it, and items that come to a memory encoded already."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, final

import numpy as np
import numpy.typing as npt

from protomem import Encoder, Vectors
from protomem.encoders import resolve_encoder
from protomem.encoders.texts import checked_texts
from protomem.progress import Progress
from protomem_api.batching import Batcher
from protomem_api.metrics import ENCODER_BATCH
from protomem_api.settings import Settings

__all__ = ["Encoded", "Encoders", "SharedEncoder"]

Floats = npt.NDArray[np.floating]


@final
class Encoded(list[Any]):
    """Items with their embeddings (n, d), which a `SharedEncoder` gives back instead of computing them."""

    def __init__(self, items: Iterable[Any], embeddings: Floats) -> None:
        super().__init__(items)
        self.embeddings = embeddings


@final
class SharedEncoder:
    """The `Encoder` port on another encoder, which encodes the items of concurrent requests as one batch."""

    def __init__(self, inner: Encoder, settings: Settings) -> None:
        self.name = inner.name
        self.dimension = inner.dimension
        self.fingerprint = inner.fingerprint
        self.reproducible = inner.reproducible
        self.keeps_text = inner.keeps_text
        self._inner = inner
        self.takes_vectors = isinstance(inner, Vectors)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._most = settings.batch
        self._batcher: Batcher[Any, Floats] = Batcher(self._run, settings.batch, settings.batch_seconds)

    def encode(self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None) -> Floats:
        """Embeddings; those of `Encoded` items are there already."""
        return items.embeddings if isinstance(items, Encoded) else self._inner.encode(items, progress)

    def gives_back(self, items: Sequence[Any]) -> bool:
        """Whether these are vectors of which it computes nothing, and has nothing to say against.

        They can then be looked at together with those of other requests.
        """
        return self.takes_vectors and all(
            isinstance(item, list) and len(item) == self.dimension and any(item) for item in items
        )

    async def encoded(self, items: Sequence[Any] | npt.NDArray[Any]) -> Encoded:
        """The items with their embeddings. Vectors are only checked; texts are encoded in batches, in one thread.

        Raises `InvalidItem` and `InvalidVectors` before anything is computed.
        """
        if not len(items):
            return Encoded([], np.empty((0, self.dimension)))
        if isinstance(items, np.ndarray):
            return Encoded(items, self._inner.encode(items))
        if self.keeps_text:
            items = checked_texts(items)
        parts = [items[start : start + self._most] for start in range(0, len(items), self._most)]
        rows = [row for part in parts for row in await self._batcher.ask(part)]
        return Encoded(items, np.stack(rows))

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._thread.shutdown()

    async def _run(self, items: list[Any]) -> list[Floats]:
        ENCODER_BATCH.observe(len(items))
        return list(await asyncio.get_running_loop().run_in_executor(self._thread, self._inner.encode, items))


@final
class Encoders:
    """The shared encoders by name, loaded when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shared: dict[str, SharedEncoder] = {}

    def get(self, name: str) -> SharedEncoder:
        """The shared encoder of this name. Loads it, which takes seconds. Called by one thread at a time."""
        return self._shared.get(name) or self.share(resolve_encoder(name))

    def share(self, encoder: Encoder) -> SharedEncoder:
        """The shared encoder of the same weights as this one, or on it."""
        known = self._shared.get(encoder.name)
        if known is not None and known.fingerprint == encoder.fingerprint:
            return known
        return self._shared.setdefault(encoder.name, SharedEncoder(encoder, self._settings))

    def close(self) -> None:
        """End their threads."""
        for shared in self._shared.values():
            shared.close()
