"""What to label next: the items that, once labelled, say most about those the memory is unsure of.

Facility location, weighted by doubt. Let c(i, j) = max(0, cos)³ be how much a label of item i says about item j, and
n(j) the same for the nearest remembered example. A set S of items is worth

    f(S) = Σ_j doubt(j) · max(0, max over i in S of c(i, j) - n(j)),    doubt = 1 - (first - second probability)

and items are taken one by one, each the one that adds most, which comes within 1 - 1/e of the best set (Nemhauser,
Wolsey and Fisher 1978). A near-copy of an item that was taken, or is remembered, adds nothing.

On held-out training data it was ahead of the smallest margin, the strangest items, k-centres and k-centres weighted by
doubt (`tests/benchmarks/choose_suggestions.py`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer
from protomem.blas import one_blas_thread
from protomem.codes import Codes, code_lengths
from protomem.errors import InvalidInput
from protomem.inputs import check_whole
from protomem.questions import Question

__all__ = ["QUESTION", "Suggestion", "check_pool", "choose", "suggested"]

Floats = npt.NDArray[np.float64]

MOST_ITEMS: Final = 20_000
"""Items that can be chosen among at once: each is compared with each, some ten seconds at this number."""

EXPONENT: Final = 3
"""Of 1, 2, 3 and 5 never more than 0.3 points behind the best after any round; which one hardly matters."""

BLOCK = 512
"""Items compared with all others at a time: 80 MB at MOST_ITEMS."""


@final
@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item worth labelling: its `position` in what was passed, counted from 0, and the `value` that its label adds
    to those before it, in items that would become sure.

    `answer`, `probability` and `novelty` are what the memory says of it now; None where nothing is remembered yet.
    """

    position: int
    value: float
    answer: str | None
    probability: float | None
    novelty: float | None


QUESTION = Question(top_k=2, evidence=1, coverage=None, false_alarm=None, among=None)
"""What is asked about each item: how far apart the two best labels are, and the nearest remembered example."""


def check_pool(items: int, count: int) -> None:
    """Raise `InvalidInput` for more items than can be compared with each other, or no number of suggestions."""
    check_whole("count", count, 1)
    if items > MOST_ITEMS:
        raise InvalidInput(
            f"items has {items} entries: suggest compares each with each and takes at most {MOST_ITEMS}; pass a part, "
            "such as a random one"
        )


def suggested(codes: Codes, answers: Sequence[Answer] | None, count: int) -> list[Suggestion]:
    """The `count` best of these items, codes (n, d), best first, given the memory's answers to QUESTION about each.

    A memory that remembers nothing has no answers: then the items that stand for most others come first.
    """
    known: Sequence[Answer | None] = [None] * len(codes) if answers is None else answers
    doubt, nearest = np.array([_doubt(one) for one in known]), np.array([_nearest(one) for one in known])
    return [
        Suggestion(position, value, one.ranking[0][0], one.probability, one.novelty)
        if (one := known[position]) is not None
        else Suggestion(position, value, None, None, None)
        for position, value in choose(codes, doubt, nearest, count)
    ]


def _doubt(answer: Answer | None) -> float:
    """One minus the distance between the two best probabilities; 1 where there is nothing to choose between."""
    best = [probability for _, probability in answer.ranking] if answer else []
    return 1 - (best[0] - best[1]) if len(best) >= 2 else 1.0


def _nearest(answer: Answer | None) -> float:
    """The similarity of the nearest remembered example; 0, as to nothing, where none is kept."""
    return answer.evidence[0].similarity if answer and answer.evidence else 0.0


def choose(
    codes: Codes, doubt: Floats, nearest: Floats, count: int, exponent: int = EXPONENT
) -> list[tuple[int, float]]:
    """The `count` best of these items, codes (n, d), as (position, value), best first; of equals the first.

    `doubt` (n,) is 0 to 1, `nearest` (n,) the cosine with the nearest remembered example. Deterministic.
    """
    with one_blas_thread():
        likeness = _Likeness(codes, exponent)
        covered = _sharpened(nearest, exponent)
        queue = [(-gain, item) for item, gain in enumerate(likeness.gains(doubt, covered))]
        heapq.heapify(queue)
        chosen: list[tuple[int, float]] = []
        while queue and len(chosen) < count:
            _, item = heapq.heappop(queue)
            row = likeness.of(item)
            gain = float(doubt @ np.maximum(row - covered, 0))
            if queue and (-gain, item) > queue[0]:
                heapq.heappush(queue, (-gain, item))  # gains only shrink: whoever was more may be first now
            else:
                chosen.append((item, gain))
                covered = np.maximum(covered, row)
    return chosen


@final
class _Likeness:
    """How much each item's label says about each other item, computed from codes (n, d) when asked for."""

    def __init__(self, codes: Codes, exponent: int) -> None:
        self._exponent = exponent
        # Inner products of int8 codes are exact in float32 up to 2²⁴.
        exact = np.float32 if 127**2 * codes.shape[1] < 2**24 else np.float64
        self._codes: npt.NDArray[np.floating] = codes.astype(exact)
        self._lengths = code_lengths(codes.astype(np.float32))

    def of(self, item: int) -> Floats:
        """That of one item about all: (n,)."""
        return np.asarray(self._of(slice(item, item + 1))[0])

    def gains(self, doubt: Floats, covered: Floats) -> Floats:
        """What each item adds to what is covered: (n,)."""
        starts = range(0, len(self._codes), BLOCK)
        parts = [np.maximum(self._of(slice(start, start + BLOCK)) - covered, 0) @ doubt for start in starts]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _of(self, items: slice) -> Floats:
        products = self._codes[items] @ self._codes.T
        return _sharpened(products / (self._lengths[items, None] * self._lengths), self._exponent)


def _sharpened(cosines: npt.NDArray[np.floating], exponent: int) -> Floats:
    sharp: Floats = np.maximum(cosines, 0.0).astype(np.float64)
    return np.asarray(sharp**exponent)
