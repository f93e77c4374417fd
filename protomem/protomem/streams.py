"""The stream of what is remembered, played once more: every example is first asked about and then learned.

Prequential accuracy (test, then learn; Dawid 1984, Gama et al. 2013) is usually logged while a stream passes, and such
a log goes on showing examples that were forgotten since. Here it is computed when it is asked for, from the remembered
examples in the order in which they came: so it is what the stream would have given had the forgotten never been in it.

The order is that of the calls of `learn`. A call has no order inside, so its examples follow each other by the hash of
their codes, which looks random and is the same for everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.examples import Labels
from protomem.predicting import Predictor
from protomem.progress import Progress
from protomem.questions import Question
from protomem.space import Space
from protomem.state import State, codes_of_rows
from protomem.store import Row

__all__ = ["PLAIN", "Arrival", "Outcome", "in_order", "replay"]

MOST_TESTED = 500
"""Examples of a window that are asked about, evenly spaced: a window's accuracy is then known to 1.3 points at 90 %
(one standard deviation), and playing a stream of any length costs no more than 20 fits and 10,000 answers."""

PLAIN = Question(top_k=1, evidence=0, coverage=None, false_alarm=None, among=None)
"""What is asked about an example of the stream: its first label."""


@final
@dataclass(frozen=True, slots=True)
class Arrival:
    """A remembered example and the number of the receipt it came with."""

    row: Row
    sequence: int


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """An example of the stream that was asked about before it was learned.

    `position` counts from 0 in the whole stream, `window` from 1. `is_known` says that every label it carries was
    remembered then, without which no answer can be wholly right; `is_right` that the answer was one of its labels.
    """

    position: int
    window: int
    labels: Labels
    answer: str
    is_right: bool
    is_known: bool
    novelty: float


def in_order(arrivals: Sequence[Arrival]) -> list[Row]:
    """The examples as a stream: by receipt, those of one receipt by the hash of their codes, then by labels."""
    return [one.row for one in sorted(arrivals, key=_place)]


def replay(space: Space, stream: Sequence[Row], windows: int, progress: Progress | None = None) -> list[Outcome]:
    """Ask about the examples of each of `windows` equal parts what those of the parts before teach, then learn them.

    The first part is learned only. A pure function of the stream; `progress` is told (examples played, all).
    """
    ends = np.linspace(0, len(stream), min(windows, len(stream)) + 1).round().astype(int)
    state, predictor, tested = State(space), None, []
    for window, (start, end) in enumerate(pairwise(ends)):
        if state.examples.names:
            predictor = Predictor.of(state, predictor)
            tested += _ask(predictor, stream, _spaced(start, end), window)
        state.apply(state.change(stream[start:end], ()))
        if progress is not None:
            progress(int(end), len(stream))
    return tested


def _place(arrival: Arrival) -> tuple[int, bytes, Labels]:
    row = arrival.row
    return arrival.sequence, hashlib.blake2b(row.codes, digest_size=16).digest(), row.labels


def _spaced(start: int, end: int) -> npt.NDArray[np.int64]:
    """At most MOST_TESTED positions from `start` to before `end`, evenly spaced."""
    return np.linspace(start, end - 1, min(MOST_TESTED, end - start)).round().astype(np.int64)


def _ask(predictor: Predictor, stream: Sequence[Row], positions: npt.NDArray[np.int64], window: int) -> list[Outcome]:
    rows = [stream[position] for position in positions]
    answers = predictor.answers(codes_of_rows(rows, predictor.ensemble.space), PLAIN)
    known = frozenset(predictor.names)
    return [
        Outcome(
            position=int(position),
            window=window,
            labels=row.labels,
            answer=answer.ranking[0][0],
            is_right=answer.ranking[0][0] in row.labels,
            is_known=known.issuperset(row.labels),
            novelty=1.0 if answer.novelty is None else answer.novelty,
        )
        for position, row, answer in zip(positions, rows, answers, strict=True)
    ]
