"""Which heads vote, and with what weights: a pure function of how many examples each label has.

Few examples, some more that are solved all together on request, or many. The weights were chosen on held-out
data, never on a test split, and are the same for every memory: CLINC150's validation split after all training data and
after 1, 5 and 10 examples a class, and folds of BANKING77's training data likewise
(`tests/benchmarks/choose_ensemble.py`, `choose_few.py` and `choose_balance.py` print the comparisons), with vectors
of the last layer of MiniLM. Nothing was chosen anew for those of all layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["EVEN", "FEW", "FEW_ROWS", "FEW_WORK", "UNEVEN", "WHOLE", "WHOLE_STRENGTH", "Weights", "evenness", "panel"]

Weights = Mapping[str, float]

FEW: Final[Weights] = MappingProxyType({"logistic": 0.5, "kernel": 1.5, "subspaces": 0.5})
"""Ratios alone matter for the labels, here and below."""

WHOLE: Final[Weights] = MappingProxyType({"analytic": 0.5, "logistic": 0.1, "kernel": 2.0, "subspaces": 0.05})
"""The kernel alone answers 93.1 and 95.8 % of all held-out examples of BANKING77 and CLINC150, with the logistic head
93.1 and 96.1, with all 93.2 and 96.2; with what labels gain for being rare, 93.0 and 96.2."""

EVEN: Final[Weights] = MappingProxyType(
    {"analytic": 1.0, "rivals": 4.0, "subspaces": 1.0, "prototypes": 0.5, "codebooks": 0.1}
)
"""For many examples of labels that are about equally frequent."""

UNEVEN: Final[Weights] = MappingProxyType(
    {"analytic": 1.0, "rivals": 1.0, "subspaces": 0.75, "prototypes": 1.0, "codebooks": 0.1}
)
"""For many examples where some labels are rare: class means need few examples, while rivals speak for the frequent.
Held out, EVEN is 0.1 to 0.2 points better than what lies between the two (rivals 2, subspaces and prototypes 1) for all
examples of BANKING77 and CLINC150 and for 50 a class, and 1.8 and 4.7 worse in macro-F1 where class sizes fall to 2 %;
UNEVEN is 1.1 and 0.9 better there, and 0.1 to 0.2 worse where they are even."""

EVEN_ENOUGH, UNEVEN_ENOUGH = 1.0, 0.8
"""The evenness from which EVEN holds, and up to which UNEVEN does; between them weights go from one to the other. It is
0.97 for BANKING77 as it is, 0.9 where class sizes fall to 30 %, 0.8 at 10 % and 0.6 at 2 %."""

WHOLE_STRENGTH = 0.05
"""λ of the logistic head in WHOLE: of 0.03, 0.06 and 0.1 none is better held out; below, it takes many more steps."""

ENOUGH_EACH = 10
"""Examples a label from which on FEW holds as it is. With fewer, kernel and subspaces count for less, in proportion;
the sum stays. On held-out training data, in the mean of 12 to 16 draws, that adds 0.2 points at one and two examples a
class of CLINC150 and 0.1 at five, and nothing on BANKING77."""

FEW_ROWS, FEW_WORK = 2_048, 1 << 29
"""Most examples, and most examples² · labels, of a memory that the heads of FEW answer for: what a change costs grows
with both. 10 examples of each of 150 classes are 3.4e8."""


def panel(examples: int, counts: npt.NDArray[np.int64], kernel_rows: int) -> Weights:
    """The heads that vote, and their weights, in a memory of so many examples, `counts` (labels,) of each label.

    `kernel_rows` is the most examples that the memory was asked to solve as one kernel problem.
    """
    labels = len(counts)
    if examples <= FEW_ROWS and examples**2 * labels <= FEW_WORK:
        return _few(min(1.0, examples / labels / ENOUGH_EACH))
    if examples <= kernel_rows:
        return WHOLE
    share = float(np.clip((evenness(counts) - UNEVEN_ENOUGH) / (EVEN_ENOUGH - UNEVEN_ENOUGH), 0.0, 1.0))
    return {head: share * EVEN[head] + (1 - share) * UNEVEN[head] for head in EVEN}


def evenness(counts: npt.NDArray[np.int64]) -> float:
    """How many equally frequent labels would be as diverse (the exponential of the entropy), over how many there are.

    Of `counts` (labels,), all above 0: 1 where they are equal, near 0 where almost all examples are of one label.
    """
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()) / len(counts))


def _few(share: float) -> Weights:
    weights = {head: weight if head == "logistic" else share * weight for head, weight in FEW.items()}
    factor = sum(FEW.values()) / sum(weights.values())
    return {head: factor * weight for head, weight in weights.items()}
