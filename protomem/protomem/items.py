"""Items to score, and what the heads share of them."""

from __future__ import annotations

from typing import final

import numpy as np

from protomem.codes import Codes, code_lengths
from protomem.space import Space

__all__ = ["Items"]


@final
class Items:
    """Codes as float32 (n, d), their lengths (n,), features (n, D) and keys (n, books)."""

    def __init__(self, space: Space, codes: Codes) -> None:
        self.codes = codes.astype(np.float32)
        self.lengths = code_lengths(self.codes)
        self.features = space.lift.features(codes)
        self.keys = space.keys.lookup(codes)

    def __len__(self) -> int:
        return len(self.codes)
