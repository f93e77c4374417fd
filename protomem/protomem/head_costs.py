"""What each head costs in bytes, and what it gives.

What it gives is measured on examples that are left out of a second set of heads: those with the smallest hashes, one in
five and at most 1,000. So it is a pure function of what is remembered, whatever the order in which it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, final

import faiss
import numpy as np
import numpy.typing as npt

from protomem.blas import one_blas_thread
from protomem.ensemble import Ensemble
from protomem.examples import Examples, Group
from protomem.panels import Weights
from protomem.predicting import Predictor
from protomem.space import Space
from protomem.state import State
from protomem.store import Row
from protomem.streams import PLAIN

__all__ = ["HeadCost", "HeadCosts", "bytes_of", "costs_of_parts", "head_costs"]

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.bool_]

MOST_LEFT_OUT = 1_000
SHARE_LEFT_OUT = 5

ALWAYS = ("prototypes", "codebooks", "neighbours")

BY_NAME = ("protomem.", "scipy.sparse")
"""Modules whose objects are looked into; others hold no arrays of ours."""


@final
@dataclass(frozen=True, slots=True)
class HeadCost:
    """One head: the `bytes` it holds beside the examples, and the share of left-out examples it answers `alone`.

    `lost` is what the weighted sum of all heads' scores answers less without it; None for a head that does not vote.
    Both are None where no example can be left out.
    """

    name: str
    bytes: int
    alone: float | None
    lost: float | None


@final
@dataclass(frozen=True, slots=True)
class HeadCosts:
    """Bytes in RAM of the remembered `examples` (their codes and hashes), of the `sums`, and of each head.

    `left_out` examples were asked about to see what each gives; `together` is the share that the weighted sum of all
    heads' scores answers rightly. It comes near the ensemble's own accuracy, which asks some heads in a second step.
    """

    examples: int
    sums: int
    heads: tuple[HeadCost, ...]
    left_out: int
    together: float | None


def head_costs(space: Space, rows: Sequence[Row]) -> HeadCosts:
    """The costs of the heads solved from these rows, at least one; parts that no answer needed cost nothing."""
    state = State.of(space, rows)
    whole = Predictor.of(state, None)
    examples, sums = state.examples, state.statistics()
    picked = examples.sample(min(MOST_LEFT_OUT, len(examples) // SHARE_LEFT_OUT))
    whole.answers(examples.codes[picked], PLAIN)  # what is solved only when it is asked for
    weights = whole.ensemble.weights
    bytes_each = _bytes_each(_heads(whole.ensemble), [examples, sums, space])
    kept, summed = bytes_of([examples.groups]), bytes_of([sums], but=[space])
    scores, targets = _left_out(state, whole, picked)
    together = _rate(_sum(weights, scores), targets)
    heads = tuple(
        HeadCost(name, size, _rate(scores.get(name), targets), _lost(weights, name, scores, targets, together))
        for name, size in bytes_each.items()
    )
    return HeadCosts(kept, summed, heads, len(targets), together)


def _heads(ensemble: Ensemble) -> dict[str, Any]:
    """The heads that vote, and those that are always there: for evidence and explanations, and to choose rivals."""
    return {name: getattr(ensemble, name) for name in (*ensemble.weights, *ALWAYS)}


def costs_of_parts(parts: Mapping[str, Any], sums: Any, space: Space) -> HeadCosts:
    """The bytes of these heads, of a memory that keeps no example to see what they give."""
    heads = tuple(HeadCost(name, size, None, None) for name, size in _bytes_each(parts, [sums, space]).items())
    return HeadCosts(0, bytes_of([sums], but=[space]), heads, 0, None)


def bytes_of(things: Iterable[Any], but: Iterable[Any] = (), itself: Iterable[Any] = ()) -> int:
    """The bytes of the arrays and FAISS indexes that these objects hold, each once.

    Without those that `but` holds, and without looking into the objects of `itself`.
    """
    seen: set[int] = set()
    _walk(list(but), seen)
    seen.update(map(id, itself))
    return _walk(list(things), seen)


def _bytes_each(parts: Mapping[str, Any], shared: Sequence[Any]) -> dict[str, int]:
    """The bytes of each head; a head that is held by another counts once, as itself."""
    return {
        name: bytes_of([part], but=shared, itself=[other for other in parts.values() if other is not part])
        for name, part in parts.items()
    }


def _walk(waiting: list[Any], seen: set[int]) -> int:
    total = 0
    while waiting:
        one = waiting.pop()
        while isinstance(one, np.ndarray) and isinstance(one.base, np.ndarray):
            one = one.base  # a view holds the whole of what it looks at
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            total += one.nbytes
        elif isinstance(one, faiss.Index):
            total += one.ntotal * one.sa_code_size()
        else:
            waiting += _held_by(one)
    return total


def _held_by(one: Any) -> list[Any]:
    """What an object holds, where it is one of ours or a plain container."""
    if isinstance(one, dict):
        return list(one.values())
    if isinstance(one, list | tuple):
        return list(one)
    if not type(one).__module__.startswith(BY_NAME):
        return []
    held = list(vars(one).values()) if hasattr(one, "__dict__") else []
    return held + ([getattr(one, field.name) for field in fields(one)] if is_dataclass(one) else [])


def _left_out(state: State, whole: Predictor, picked: npt.NDArray[np.int64]) -> tuple[dict[str, Floats], Targets]:
    """Scores by head (m, labels) of examples that the heads have not seen, and their labels: bool (m, labels).

    An example of which no label is left is not asked about. Takes the examples out of the state.
    """
    before, codes = state.examples, state.examples.codes[picked]
    places = before.located(picked)
    state.apply(state.change((), [group.ids[place] for group, place in places]))
    targets = _targets([group for group, _ in places], state.examples)
    known = targets.any(axis=1)
    if not known.any():
        return {}, targets[:0]
    part = Predictor.of(state, whole).ensemble
    with one_blas_thread():
        return part.head_scores(codes[known]), targets[known]


def _targets(groups: Sequence[Group], examples: Examples) -> Targets:
    names = np.array(examples.names)
    return np.array([np.isin(names, group.labels) for group in groups], bool).reshape(len(groups), len(names))


def _sum(weights: Weights, scores: Mapping[str, Floats], but: str = "") -> Floats | None:
    parts = [weight * scores[name] for name, weight in weights.items() if name in scores and name != but]
    return np.asarray(sum(parts)) if parts else None


def _rate(scores: Floats | None, targets: Targets) -> float | None:
    """How often the best label is one of the item's; None where nothing was asked."""
    if scores is None or not len(targets):
        return None
    return float(targets[np.arange(len(targets)), scores.argmax(axis=1)].mean())


def _lost(
    weights: Weights, name: str, scores: Mapping[str, Floats], targets: Targets, together: float | None
) -> float | None:
    without = _rate(_sum(weights, scores, but=name), targets)
    return None if name not in weights or together is None or without is None else together - without
