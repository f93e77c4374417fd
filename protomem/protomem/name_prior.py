"""What a label's own name says, where few examples speak for it.

A label with n remembered examples scores higher by

    NAME_WEIGHT · max(0, ENOUGH - n) · (cos(item, name) - mean over labels of cos(item, name'))

so that a name that is no nearer than the others' says nothing, and labels with enough examples neither win nor lose by
having none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes, code_lengths

__all__ = ["ENOUGH", "NAME_WEIGHT", "name_scores"]

Floats = npt.NDArray[np.float64]

ENOUGH = 5
"""Examples from which on a label's name is not asked."""

NAME_WEIGHT = 1.25
"""For each example that is missing; the best of 0.5 to 2 on held-out training data, where one example a class is worth
9 points more with it on CLINC150 and 12 on BANKING77 (`tests/benchmarks/choose_name_prior.py`)."""


def name_scores(codes: npt.NDArray[np.float32], lengths: Floats, names: Codes, counts: npt.NDArray[np.int64]) -> Floats:
    """Scores (n, labels) of items, codes (n, d) with lengths (n,), by the labels' names (labels, d) and counts."""
    directions = names.astype(np.float32)
    cosines = (codes @ directions.T).astype(np.float64) / lengths[:, None] / code_lengths(directions)[None, :]
    return np.asarray(NAME_WEIGHT * np.maximum(0, ENOUGH - counts) * (cosines - cosines.mean(axis=1, keepdims=True)))
