"""What a memory needs of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from protomem.progress import Progress

__all__ = ["Encoder"]


class Encoder(Protocol):
    """A frozen map from items to embeddings.

    `name` is the text that `protomem.open(encoder=...)` resolves to this encoder again. `fingerprint` (hex) names the
    weights and every setting that changes an embedding: two encoders with equal fingerprints may share a memory.
    `reproducible` says that an item's embedding does not depend on the batch it is encoded in. `keeps_text` says that
    items are texts, which a memory can retain.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def reproducible(self) -> bool: ...
    @property
    def keeps_text(self) -> bool: ...

    def encode(
        self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None
    ) -> npt.NDArray[np.floating]:
        """Embeddings of `items`, float array (n, dimension), not necessarily of unit length.

        Raises `InvalidItem` or `InvalidVectors` for what it cannot take, before it computes anything.
        """
        ...
