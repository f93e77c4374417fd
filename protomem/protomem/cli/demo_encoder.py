"""An encoder that encodes each text once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from protomem.encoders import Encoder
from protomem.progress import Progress

__all__ = ["EncodeOnce"]


@final
class EncodeOnce:
    """Another encoder, and the embeddings it has given: a text that comes again gets the same one.

    Two memories can then be compared bit for bit: most encoders give a text another last bit in another batch.
    """

    keeps_text = True
    reproducible = True

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.dimension = encoder.dimension
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        self._known: dict[str, npt.NDArray[np.floating]] = {}

    def encode(
        self, items: Sequence[Any] | npt.NDArray[Any], progress: Progress | None = None
    ) -> npt.NDArray[np.floating]:
        new = list(dict.fromkeys(text for text in items if text not in self._known))
        if new:
            self._known.update(zip(new, self._encoder.encode(new, progress), strict=True))
        return np.stack([self._known[text] for text in items])
