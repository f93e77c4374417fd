"""Items to score, and what the heads share of them."""

from __future__ import annotations

from typing import final

import numpy as np
import numpy.typing as npt

from protomem.against import Against
from protomem.codes import Codes, code_lengths
from protomem.lazy import lazy
from protomem.lift import Features
from protomem.space import Space

__all__ = ["Items"]


@final
class Items:
    """Codes as float32 (n, d) and their lengths (n,); features (n, D) and keys (n, books) when a head asks for them.

    `examples` are those of a small memory, with all of which each item is compared.
    """

    def __init__(self, space: Space, codes: Codes, examples: Against | None = None) -> None:
        self._space = space
        self._examples = examples
        self._codes = codes
        self.codes = codes.astype(np.float32)
        self.lengths = code_lengths(self.codes)

    @lazy
    def features(self) -> Features:
        return self._space.lift.features(self._codes)

    @lazy
    def keys(self) -> npt.NDArray[np.int64]:
        return self._space.keys.lookup(self._codes)

    @lazy
    def modes(self) -> npt.NDArray[np.int64]:
        """The frozen mode of each: (n,)."""
        return self._space.modes.lookup(self._codes)[:, 0]

    @lazy
    def products(self) -> npt.NDArray[np.float32] | None:
        """Exact inner products with the examples of a small memory: (n, m); None of a larger one."""
        return None if self._examples is None else self.products_with(self._examples)

    def products_with(self, examples: Against) -> npt.NDArray[np.float32]:
        """Exact inner products with these examples."""
        return examples.products(self._codes)

    def are(self, other: Items) -> bool:
        """Whether these are of the same codes in the same space, and neither is compared with all examples."""
        if self._examples is not None or other._examples is not None:
            return False
        return self._space is other._space and np.array_equal(self._codes, other._codes)

    def __len__(self) -> int:
        return len(self.codes)
