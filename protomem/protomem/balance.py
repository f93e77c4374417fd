"""Rare labels beside frequent ones: no label is favoured for having more examples.

    score - strength · log(n / mean n), by `most` at most          n: the label's examples

Least squares and log-loss over all examples speak for the frequent labels, since most examples are theirs. This is the
logit adjustment of Menon et al. 2021 (arXiv 2007.07314), for which every label is as likely to come. Labels with
equally many examples gain and lose nothing. Without an end a label a thousand times rarer than another would win
whatever is asked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["FEW_BALANCE", "MANY_BALANCE", "SUMMED_BALANCE", "Balance", "balance"]


class Balance(NamedTuple):
    """How much a label gains for being rare, in scores of the heads that it is added to."""

    strength: float
    most: float


FEW_BALANCE: Final = Balance(1.0, 2.0)
"""Where logarithms of probabilities vote. On held-out training data of 20 and 40 examples in the largest class of
CLINC150 and BANKING77, sizes falling to 2 %, macro-F1 is 73.7 and 76.0 in place of 51.1 and 57.8 without; at 10 %, 85.2
and 85.7 in place of 74.9 and 81.3 (`tests/benchmarks/choose_balance.py`)."""

MANY_BALANCE: Final = Balance(0.3, 0.8)
"""Where least squares vote, whose scores lie between 0 and 1. Of all training data, sizes falling to 2 %, 83.9 and 81.9
in place of 75.6 and 74.2; to 0.4 % of CLINC150 76.2 in place of 59.7, but 69.2 with 0.4 and up to 1.6."""

SUMMED_BALANCE: Final = Balance(0.13, 0.5)
"""The same for what the sums alone answer, whose temperature is a third."""


def balance(counts: npt.NDArray[np.int64], how: Balance) -> npt.NDArray[np.float64]:
    """What labels with these numbers of examples, all above 0, gain or lose: (..., labels) to the same."""
    gained = -how.strength * np.log(counts / counts.mean(axis=-1, keepdims=True))
    return np.asarray(np.clip(gained, -how.most, how.most))
