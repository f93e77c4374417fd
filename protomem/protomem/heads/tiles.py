"""Matrix products whose rows do not depend on each other, to the bit.

BLAS may sum a row in another order when the number of rows changes. In tiles of one fixed shape it cannot, so an item
gets the same score alone and in any batch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["tiled_product"]

TILE = 16
"""Rows of a tile: a few wasted products for a single item, no loss for many."""


def tiled_product(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`left @ right` for (n, m) and (m, k), computed in tiles of TILE rows, the last one filled up with zeros."""
    count, inner = left.shape
    tiles = np.zeros((-(-count // TILE) * TILE, inner))
    tiles[:count] = left
    product = tiles.reshape(-1, TILE, inner) @ right
    return np.asarray(product.reshape(-1, right.shape[1])[:count])
