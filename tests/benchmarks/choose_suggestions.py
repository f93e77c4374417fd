"""What is gained by labelling what `Memory.suggest` suggests, in place of random items or other rules' choices?

From 2 examples a class on, as many items as there are classes are labelled in each of three rounds; accuracy on items
of the training data that are held out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DATA_SETS, DIMENSION, Split, arguments, draw, load, require_data, save, show_machine
from rich.table import Table

import protomem
from protomem.codes import code_scale, quantize
from protomem.suggestions import choose

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FIRST: Final = 2
ROUNDS: Final = 3
HELD_OUT: Final = 1_500
POOL: Final = 4_000
EXPONENTS: Final = (1, 2, 3, 5)


def main() -> None:
    given = arguments(
        __doc__,
        ("--draws", {"type": int, "default": 3, "metavar": "N", "help": "random draws to average"}),
        ("--rules", {"nargs": "*", "default": list(RULES), "choices": RULES, "help": "compare only these"}),
    )
    require_data()
    show_machine()
    found: dict[str, Any] = {}
    for name in DATA_SETS:
        data = load(name, "train")
        found[name] = {rule: _curve(data, rule, given.draws) for rule in given.rules}
        _show(name, found[name], given.draws)
    save(given.json, "choose_suggestions", {"draws": given.draws, "shares": found})


def _curve(data: Split, rule: str, draws: int) -> list[float]:
    """Accuracy after 0, 1, ... rounds, averaged over the draws."""
    return [float(accuracy) for accuracy in np.mean([_rounds(data, rule, seed) for seed in range(draws)], axis=0)]


def _rounds(data: Split, rule: str, seed: int) -> list[float]:
    dice = np.random.default_rng(seed)
    order = dice.permutation(len(data))
    test, pool = data.rows(order[:HELD_OUT]), data.rows(order[HELD_OUT : HELD_OUT + POOL])
    labelled = draw(pool.labels, FIRST, seed)
    accuracies = []
    for round in range(ROUNDS + 1):
        with protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory:
            memory.learn(pool.vectors[labelled], pool.labels[labelled].tolist())
            answers = memory.predict(test.vectors, top_k=1, evidence=0)
            accuracies.append(float(np.mean([a.label == true for a, true in zip(answers, test.labels, strict=True)])))
            if round < ROUNDS:
                left = np.setdiff1d(np.arange(len(pool)), labelled)
                picked = RULES[rule](memory, pool.vectors[left], len(np.unique(pool.labels)), dice)
                labelled = np.concatenate([labelled, left[picked]])
    return accuracies


def _random(_: protomem.Memory, items: Floats, count: int, dice: np.random.Generator) -> Rows:
    return dice.permutation(len(items))[:count]


def _suggested(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
    return np.array([one.position for one in memory.suggest(items, count)])


def _with_exponent(exponent: int) -> Rule:
    def rule(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
        margins, _novelty, nearest = _asked(memory, items)
        chosen = choose(quantize(items, code_scale(DIMENSION)), 1 - margins, nearest, count, exponent)
        return np.array([position for position, _ in chosen])

    return rule


def _smallest_margin(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
    return np.argsort(_asked(memory, items)[0], kind="stable")[:count]


def _strangest(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
    margins, novelty, _nearest = _asked(memory, items)
    return np.lexsort((margins, novelty))[:count]


def _centres(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
    return _farthest(items, 1 - _asked(memory, items)[2], np.ones(len(items)), count)


def _doubtful_centres(memory: protomem.Memory, items: Floats, count: int, _: np.random.Generator) -> Rows:
    margins, _novelty, nearest = _asked(memory, items)
    return _farthest(items, 1 - nearest, 1 - margins, count)


def _farthest(items: Floats, distance: Floats, weight: Floats, count: int) -> Rows:
    """Greedy k-centres: always the item farthest, times its weight, from all that is labelled or chosen."""
    unit = items / np.linalg.norm(items, axis=1, keepdims=True)
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(int((distance * weight).argmax()))
        distance = np.minimum(distance, 1 - unit @ unit[chosen[-1]])
        distance[chosen[-1]] = -1.0
    return np.array(chosen)


def _asked(memory: protomem.Memory, items: Floats) -> tuple[Floats, Floats, Floats]:
    """The margin, the novelty and the nearest similarity of each item."""
    answers = memory.predict(items, top_k=2, evidence=1)
    return (
        np.array([answer.ranking[0][1] - answer.ranking[1][1] for answer in answers]),
        np.array([answer.novelty for answer in answers]),
        np.array([answer.evidence[0].similarity for answer in answers]),
    )


Rule = Callable[[protomem.Memory, Floats, int, np.random.Generator], Rows]

RULES: Final[dict[str, Rule]] = {
    "random": _random,
    "suggested": _suggested,
    "smallest-margin": _smallest_margin,
    "strangest": _strangest,
    "centres": _centres,
    "doubtful-centres": _doubtful_centres,
    **{f"exponent-{exponent}": _with_exponent(exponent) for exponent in EXPONENTS},
}


def _show(name: str, curves: dict[str, list[float]], draws: int) -> None:
    rounds = (f"after round {round}" for round in range(1, ROUNDS + 1))
    table = Table("rule", f"{FIRST} a class", *rounds, title=f"{name}: percent right; draws: {draws}")
    for rule, curve in curves.items():
        table.add_row(rule, *(f"{100 * accuracy:.1f}" for accuracy in curve))
    CONSOLE.print(table)


if __name__ == "__main__":
    main()
