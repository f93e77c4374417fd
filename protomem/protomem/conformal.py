"""Label sets of a stated coverage, from the probabilities that remembered examples' labels get without themselves.

A label is in the set if its probability is not among the lowest (1 - coverage) of those that true labels had when their
example was left out: of all labels together (marginal), or of that label alone (label-conditional, Mondrian). With m
examples left out, m + 1 with the item, the k = floor((m + 1)(1 - coverage)) lowest are cut off, which holds the true
label at least this often whatever m is, and at most 1 / (m + 1) more often; where k is 0, nothing is cut off.

Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005, sections 2.2 and 4.5.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from protomem.examples import Examples

__all__ = ["MARGINAL_SAMPLE", "least_probability", "marginal_rows", "per_class_rows"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

MARGINAL_SAMPLE = 2_048
"""Examples left out for sets over all labels: coverage then varies with a standard deviation of 0.7 points at 90 %."""

MOST_EACH, FEWEST_EACH = 100, 19
"""Examples left out of each class for sets per class. With 100 a class is covered 1 point too often at most; with fewer
than 19 nothing can be cut off at 95 %."""

PER_CLASS_SAMPLE = 16_384
"""Where classes would give more than so many together, each gives fewer, yet not fewer than FEWEST_EACH: some seven
seconds on one core at 150 classes."""

ROUNDING = 1e-9
"""0.9 is a little more than nine tenths in binary, and 10 · (1 - 0.9) a little less than 1."""


def least_probability(own: Floats, coverage: float) -> float:
    """The least probability of a label in the set, given those of true labels left out, ascending; 0 with too few."""
    cut = min(math.floor((len(own) + 1) * (1 - coverage) + ROUNDING), len(own))  # all of them where coverage is tiny
    return float(own[cut - 1]) if cut >= 1 else 0.0


def marginal_rows(examples: Examples) -> Rows:
    """Canonical positions of the examples to leave out for sets over all labels."""
    return examples.sample(MARGINAL_SAMPLE)


def per_class_rows(examples: Examples) -> Rows:
    """Canonical positions, ascending, of the examples to leave out for sets per class: equally many of each label.

    Those of a label with the smallest hashes, so that what is left out is a pure function of the examples.
    """
    each = max(FEWEST_EACH, min(MOST_EACH, PER_CLASS_SAMPLE // len(examples.names)))
    hashes = np.concatenate([group.hashes for group in examples.groups.values()])
    picked = [_smallest(examples.rows_of(name), hashes, each) for name in examples.names]
    return np.unique(np.concatenate(picked))


def _smallest(rows: Rows, hashes: npt.NDArray[np.uint64], count: int) -> Rows:
    order = np.lexsort((hashes[rows, 1], hashes[rows, 0]))
    return rows[order[:count]]
