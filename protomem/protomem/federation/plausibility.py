"""Sums that cannot be those of any examples, told from those that can (C9 of `protomem/CONTRIBUTIONS.md`).

What every code and feature keeps to bounds every sum of them: -127 ≤ c ≤ 127 and |c| ≤ scale + √d/2 for the codes of an
example (the unit vector times the scale, each component rounded by at most ½), 0 ≤ φ ≤ 31 for its features.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cholesky

from protomem.blas import one_blas_thread
from protomem.codes import CODE_MAX
from protomem.errors import ContributionRefused
from protomem.federation.sums import Sums
from protomem.lift import FEATURE_MAX

__all__ = ["MAX_EXAMPLES", "check_sums"]

Integers = npt.NDArray[np.int64]

MAX_EXAMPLES: Final = 2**43
"""So that every sum, of products of features too, is below 2⁵³ and exact in the float64 that heads are solved in."""

ROUNDING: Final = 1e-12
"""Relative; a comparison of products in float64 errs by less than 1e-15, and no true sums may be refused."""

EIGENVALUE_ROUNDING: Final = 8 * np.finfo(np.float64).eps
"""A Cholesky factorisation of a scaled D × D matrix succeeds if this times D·(D + labels) is added to a semidefinite
one (Higham, Accuracy and Stability of Numerical Algorithms, theorem 10.3, with room)."""


def check_sums(sums: Sums) -> None:
    """Raise `ContributionRefused` unless examples could have these sums, as far as bounds can tell."""
    _check_counts(sums)
    _check_codes(sums)
    if sums.level != "prototypes":
        _check_keys(sums)
    if sums.level == "full":
        _check_modes(sums)
        _check_features(sums)
        _check_commitment(sums)
        with one_blas_thread():
            _check_gram(sums)


def _require(holds: object, why: str) -> None:
    if not bool(holds):
        raise ContributionRefused(f"C9: no examples have such sums: {why}; nothing was changed, ask the client")


def _check_counts(sums: Sums) -> None:
    counts = sums.counts
    _require(0 <= sums.count <= MAX_EXAMPLES, f"they are over {sums.count:,} examples")
    _require((counts >= 1).all(), "a label has sums and less than one example")
    _require((counts <= sums.count).all(), "a label has more examples than there are")
    _require(float(counts.sum(dtype=np.float64)) >= sums.count, "some examples have no label")


def _check_codes(sums: Sums) -> None:
    fixed, codes = sums.space.settings, sums.arrays["codes"]
    _require((np.abs(codes) <= CODE_MAX * sums.counts[:, None]).all(), "a sum of codes is beyond 127 an example")
    longest = sums.space.scale + math.sqrt(fixed.dimension) / 2
    lengths = np.sqrt(np.square(codes.astype(np.float64)).sum(axis=1))
    _require(
        (lengths <= longest * sums.counts * (1 + ROUNDING)).all(), "a sum of codes is longer than so many unit vectors"
    )


def _check_keys(sums: Sums) -> None:
    keys = sums.arrays["keys"]
    _require((keys >= 0).all(), "a key was met less than never")
    _require((keys.sum(axis=2) == sums.counts[:, None]).all(), "the keys of a book do not add up to the label's count")


def _check_modes(sums: Sums) -> None:
    counts, codes = sums.arrays["mode_counts"], sums.arrays["mode_codes"]
    _require((counts >= 0).all(), "a mode has less than no examples")
    _require((counts.sum(axis=1) == sums.counts).all(), "the modes do not add up to the label's count")
    _require((np.abs(codes) <= CODE_MAX * counts[:, :, None]).all(), "a mode's sum of codes is beyond 127 an example")
    _require((codes.sum(axis=1) == sums.arrays["codes"]).all(), "the modes' codes do not add up to the label's")


def _check_features(sums: Sums) -> None:
    features = sums.arrays["features"]
    _require((features >= 0).all(), "a feature is negative")
    _require((features <= FEATURE_MAX * sums.counts[:, None]).all(), "a sum of features is beyond 31 an example")


def _check_commitment(sums: Sums) -> None:
    if sums.count:
        _require(sums.lanes.any(), "there are examples and no commitment to them")
    else:
        _require(not sums.lanes.any(), "there is a commitment to examples and none of them")


def _check_gram(sums: Sums) -> None:
    """The bounds of every entry, and that no combination of features has a negative square."""
    width = sums.space.settings.width
    features = sums.arrays["features"]
    most = features.sum(axis=0)  # an example with several labels is in it several times
    starts = np.cumsum([0, *range(width, 1, -1)])
    squares = sums.gram[starts]
    _require((squares >= features.max(axis=0, initial=0)).all(), "the Gram matrix is less than its features")
    for column in range(width):
        entries = sums.gram[starts[column] : starts[column] + width - column]
        beyond = entries > FEATURE_MAX * np.minimum(most[column], most[column:])
        _require((entries >= 0).all() and not beyond.any(), "the Gram matrix is beyond what its features allow")
        products = float(squares[column]) * squares[column:].astype(np.float64)
        _require(
            (np.square(entries.astype(np.float64)) <= products * (1 + ROUNDING)).all(),
            "an entry of the Gram matrix is larger than those of its diagonal allow",
        )
    if sums.count:
        _require(_is_semidefinite(sums, squares), "the Gram matrix has a negative square, or less than its means give")


def _is_semidefinite(sums: Sums, squares: Integers) -> bool:
    """Whether the Gram matrix is positive semidefinite up to rounding; where each example has one label, also what is
    left of it without the labels' means, Σ n·μμᵀ, since that is a sum of squares too.
    """
    gram = sums.statistics().gram.astype(np.float64)
    if sums.counts.sum(dtype=np.float64) == sums.count:
        means = sums.arrays["features"] / np.sqrt(sums.counts)[:, None]
        gram -= means.T @ means
    lengths = np.sqrt(np.maximum(squares, 1).astype(np.float64))
    gram /= lengths[:, None]
    gram /= lengths
    width = len(gram)
    gram[np.diag_indices(width)] += EIGENVALUE_ROUNDING * width * (width + len(sums.names)) + (squares == 0)
    try:
        cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return False
    return True
