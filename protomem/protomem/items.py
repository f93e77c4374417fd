"""Items to score, and what the heads share of them."""

from __future__ import annotations

from functools import cached_property
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes, code_lengths
from protomem.lift import Features
from protomem.space import Space

__all__ = ["Items"]


@final
class Items:
    """Codes as float32 (n, d) and their lengths (n,); features (n, D) and keys (n, books) when a head asks for them."""

    def __init__(self, space: Space, codes: Codes) -> None:
        self._space = space
        self._codes = codes
        self.codes = codes.astype(np.float32)
        self.lengths = code_lengths(self.codes)

    @cached_property
    def features(self) -> Features:
        return self._space.lift.features(self._codes)

    @cached_property
    def keys(self) -> npt.NDArray[np.int64]:
        return self._space.keys.lookup(self._codes)

    def __len__(self) -> int:
        return len(self.codes)
