"""Novelty: how strange an item looks, and the share of what is remembered that would look at least as strange.

    strangeness = -(best + w / v · T · log Σ exp(score / T))

`best` is the item's best subspace score: how well the examples of some class explain it. The second term is the free
energy of the ensemble's scores at the temperature of its probabilities (Liu et al. 2020, arXiv 2010.03759): how sure
the ensemble is of any label at all. Scores grow with v, the sum of the weights of the heads that vote. The first term
finds what is unlike everything remembered; the second adds items of unknown classes that lie among the known ones.

The novelty is a conformal p-value (Vovk et al. 2005) among remembered examples, each seen without itself. Examples come
in near-duplicates more often than new items resemble them: by the last layer of MiniLM, 23 % of CLINC150's training
texts, but 14 % of its validation texts, have a training text of cosine 0.95 beside them. Each therefore counts with its
leverage in its class, which near-duplicates share as if they were about one. Where 5 % false alarms are asked for and
1,024 examples left out, this gives 4.8 % in the mean of 15 cases of held-out training data, 2.8 to 7.7 %; equal weights
give 6.4 %, 4.2 to 8.2 %. A sample of 256 gives 4.6 %, with a standard deviation of 1.0 between samples. It is a
measured correction, no guarantee: where every example has near-duplicates and new items have none, the weights are
equal again and new items look too strange (`tests/benchmarks/choose_novelty.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.classwise import picked
from protomem.ensemble import Ensemble
from protomem.softmax import log_sum_exp

__all__ = ["Known", "leverages", "strangeness"]

Floats = npt.NDArray[np.float64]

ENERGY_WEIGHT = 0.75
"""w. At 5 % false alarms, of CLINC150's out-of-scope texts of training and validation, and of the items of held-out
classes of both data sets, with all examples, 10 and 5 a class (`tests/benchmarks/choose_novelty.py`):
98.0, 94.0, 87.5 % and 50.5, 36.0, 29.0 % are found without the energy,
97.5, 89.0, 86.5 % and 56.3, 38.1, 32.1 % with 0.75,
96.0, 87.0, 85.0 % and 60.0, 38.1, 32.1 % with 2."""

RANKING = 0.01
"""Of the step between two p-values, what is used to rank the items that would share the smaller one. Without it no more
p-values were to be had than one for each example left out, and items stranger than all of those shared the least."""


def strangeness(best: Floats, scores: Floats, temperature: float, votes: float) -> Floats:
    """How strange items look: best subspace scores (n,) and the ensemble's scores (n, labels) to (n,).

    A label that may not be answered has the score minus infinity; at least one may. `votes` is the sum of the heads'
    weights.
    """
    return -(best + ENERGY_WEIGHT / votes * temperature * log_sum_exp(scores / temperature))


def leverages(ensemble: Ensemble, rows: npt.NDArray[np.int64], targets: npt.NDArray[np.bool_]) -> Floats:
    """The leverage in its class of each remembered example, canonical `rows` (m,), `targets` (m, labels): (m,).

    Of an example with several labels the least: where most are like it.
    """
    items, carried = np.nonzero(targets)
    labels, which = np.unique(carried, return_inverse=True)
    arrays = [ensemble.subspaces[ensemble.names[label]].leverages for label in labels.tolist()]
    least = np.ones(len(rows))
    np.minimum.at(least, items, picked(arrays, which, ensemble.examples.places(carried, rows[items])))
    return least


@final
@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What new items are compared with: `strangeness` (m,) ascending, of examples that were left out.

    Of an item that is stranger than the first 0, 1, ... m of them, `shares` (m + 1,) holds the conformal p-value and
    `below` (m + 1,) the last of those, or minus infinity; `steps` (m + 1,) is that one's share, times RANKING.
    `spread` is the standard deviation of `strangeness`.
    """

    strangeness: Floats
    shares: Floats
    below: Floats
    steps: Floats
    spread: float

    @classmethod
    def of(cls, strangeness: Floats, weights: Floats) -> Known:
        """The comparison with examples of this strangeness (m,) and these weights (m,), all above 0."""
        order = np.argsort(strangeness, kind="stable")
        ranked, count = strangeness[order], len(order)
        above = np.append(np.cumsum(weights[order][::-1])[::-1], 0.0)
        # A new item counts as much as an example does in the mean.
        shares = (1 + count * above / above[0]) / (1 + count) if count else np.ones(1)
        spread = float(ranked.std()) if count and ranked[0] < ranked[-1] else 1.0
        return cls(ranked, shares, np.append(-np.inf, ranked), RANKING * np.append(0.0, -np.diff(shares)), spread)

    def p_values(self, strangeness: Floats) -> Floats:
        """The weighted share at least as strange as each item (n,), the item itself among them: (n,), in 0..1.

        Of items between the same two examples the stranger has the smaller one: all are larger by up to RANKING of the
        step from the one example to the other, so that as many are called strange as without it, or fewer.
        """
        place = np.searchsorted(self.strangeness, strangeness, side="left")
        left = np.exp((self.below[place] - strangeness) / self.spread)
        return np.asarray(self.shares[place] + self.steps[place] * left)
