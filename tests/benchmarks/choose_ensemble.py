"""Which weights, ridge strengths and width of the lift answer most held-out examples where many are remembered?

The experiment behind EVEN in `protomem.panels`, and behind the defaults of `protomem.heads.analytic` and
`protomem.space`: memories of 50 random examples a class and of all training data. `held_out.py` says what is held out,
and that no test file is opened; `choose_few.py` asks the same of memories of fewer examples. With `--whole` the heads
of WHOLE too, which solve all examples as one kernel: some minutes and 6 GB for each fold of all training data.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Final

import numpy as np
from common import CONSOLE, DIMENSION, save, solved
from held_out import Case, Floats, Tally, grid, measured, ridge, table, title

from protomem.ensemble import combine
from protomem.heads.analytic import STRENGTHS
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.over_all import Close
from protomem.panels import EVEN, WHOLE, WHOLE_STRENGTH
from protomem.space import SpaceSettings

SIZES: Final = (50, 0)
"""Examples a class; 0 is all of them."""

GRID: Final = {
    "analytic": (1.0,),
    "rivals": (0.0, 1.0, 2.0, 4.0),
    "subspaces": (0.0, 0.5, 1.0, 1.5),
    "prototypes": (0.0, 0.25, 0.5, 1.0),
    "neighbours": (0.0, 0.1),
    "codebooks": (0.0, 0.1),
}
WHOLE_GRID: Final = {
    "analytic": (0.0, 0.5, 1.0, 2.0),
    "logistic": (0.0, 0.05, 0.1, 0.2),
    "kernel": (2.0,),
    "subspaces": (0.0, 0.05, 0.2, 0.5),
}
"""Only ratios of weights matter, so that the weight of one head stays."""
WHOLE_STRENGTHS: Final = (0.03, 0.06, 0.1)
"""λ of the logistic head over all examples."""
TRIED_STRENGTHS: Final = (0.003, *STRENGTHS, 1.0)
WIDTHS: Final = (1_024, 2_048, 3_072, 4_096)

ANSWERED: Final = (0.25, 0.5, 1.0, 1.5, 2.0)
"""Weights of the subspaces, as it answers: rivals are then those of its own first choice, which they help to make."""

SHOWN: Final = 12
"""Best combinations printed; all are saved."""

HEADS_TABLE: Final = "heads alone, and the ensemble"
WEIGHTS_TABLE: Final = "weights of " + ", ".join(GRID)
WHOLE_TABLE: Final = "weights with one kernel over all examples: " + ", ".join(WHOLE_GRID)
ANSWERED_TABLE: Final = "weight of the subspaces, as it answers"
STRENGTHS_TABLE: Final = "ridge strength: the analytic head, and the ensemble with it"
WIDTHS_TABLE: Final = "width of the lift: the analytic head, and the ensemble with it"
CHOSEN: Final = "as chosen by leave-one-out"
IN_USE: Final = "EVEN, weights as they are"
SHORTLISTED: Final = "EVEN, with the shortlist: as it answers"
CHANGED: Final = "answers the shortlist changes"
KERNEL: Final = "kernel over all examples, alone"
WHOLE_ROW: Final = "WHOLE, weights as they are"


def main() -> None:
    whole = {"action": "store_true", "help": "the heads that solve all examples as one kernel too"}
    tally, options = measured(__doc__, SIZES, measure, ("--whole", whole))
    CONSOLE.print(table(tally, HEADS_TABLE, IN_USE))
    CONSOLE.print(f"{CHANGED}: {tally.by_fold(CHANGED, CHANGED).mean():.3f} %")
    CONSOLE.print(table(tally, WEIGHTS_TABLE, title(GRID, EVEN), SHOWN))
    if options.whole:
        CONSOLE.print(table(tally, WHOLE_TABLE, title(WHOLE_GRID, WHOLE), SHOWN))
    CONSOLE.print(table(tally, ANSWERED_TABLE, f"{EVEN['subspaces']:g}"))
    CONSOLE.print(table(tally, STRENGTHS_TABLE, f"{CHOSEN}, ensemble"))
    CONSOLE.print(table(tally, WIDTHS_TABLE, f"{_width(SpaceSettings(DIMENSION, '').width)}, ensemble"))
    save(options.json, "choose_ensemble", {"percent": tally.plain()})


def measure(tally: Tally, case: Case, options: Namespace) -> None:
    """Everything that is asked of one fold."""
    _heads(tally, case)
    for weights in grid(GRID, EVEN):
        tally.right(WEIGHTS_TABLE, title(GRID, weights), case, combine(weights, case.scores))
    _answered(tally, case)
    _strengths(tally, case)
    _widths(tally, case)
    if options.whole:
        _whole(tally, case)


def _heads(tally: Tally, case: Case) -> None:
    """Each head alone, the ensemble without it, and with the shortlist."""
    for head in GRID:
        tally.right(HEADS_TABLE, f"{head} alone", case, case.scores[head])
    for head in EVEN:
        rest = {other: case.scores[other] for other in EVEN if other != head}
        tally.right(HEADS_TABLE, f"EVEN without {head}", case, combine(EVEN, rest))
    everywhere = combine(EVEN, case.scores)
    answered, _ = replace(case.ensemble, weights=EVEN).scores(case.items)
    tally.right(HEADS_TABLE, IN_USE, case, everywhere)
    tally.right(HEADS_TABLE, SHORTLISTED, case, answered)
    tally.note(CHANGED, CHANGED, case, float(np.mean(answered.argmax(axis=1) != everywhere.argmax(axis=1))))


def _answered(tally: Tally, case: Case) -> None:
    """The ensemble as it answers, with other weights of the subspaces."""
    for weight in ANSWERED:
        scores, _ = replace(case.ensemble, weights={**EVEN, "subspaces": weight}).scores(case.items)
        tally.right(ANSWERED_TABLE, f"{weight:g}", case, scores)


def _strengths(tally: Tally, case: Case) -> None:
    """The same ridge problem at every strength, and at the one that leave-one-out chooses."""
    _analytic(tally, STRENGTHS_TABLE, CHOSEN, case, case.scores["analytic"])
    for strength in TRIED_STRENGTHS:
        solution = ridge(case.statistics, case.ensemble, strength)
        _analytic(tally, STRENGTHS_TABLE, f"{strength:g}", case, solution.scores(case.items.features))


def _widths(tally: Tally, case: Case) -> None:
    """The ridge problem on wider and narrower lifts."""
    for width in WIDTHS:
        statistics, ensemble = solved(case.examples, width)
        features = ensemble.space.lift.features(case.items.codes.astype(np.int8))
        _analytic(tally, WIDTHS_TABLE, _width(width), case, ridge(statistics, ensemble).scores(features))


def _analytic(tally: Tally, heading: str, row: str, case: Case, analytic: Floats) -> None:
    """Two rows: an analytic head alone, and in the ensemble in the place of the default one."""
    tally.right(heading, f"{row}, alone", case, analytic)
    tally.right(heading, f"{row}, ensemble", case, combine(EVEN, case.scores | {"analytic": analytic}))


def _whole(tally: Tally, case: Case) -> None:
    """One kernel over all examples, alone and with the heads that vote beside it."""
    examples = case.ensemble.examples
    close = Close.of(examples.codes, centred=False)
    among, asked = close.among_themselves(), close.cosines(case.items)
    targets = examples.label_matrix(np.arange(len(examples)))
    scores = case.scores | {
        "kernel": Rivals.of(among, targets).scores(asked),
        "logistic": Logistic.of(among, targets, WHOLE_STRENGTH).scores(asked),
    }
    tally.right(HEADS_TABLE, KERNEL, case, scores["kernel"])
    tally.right(HEADS_TABLE, WHOLE_ROW, case, combine(WHOLE, scores))
    for strength in WHOLE_STRENGTHS:
        logistic = Logistic.of(among, targets, strength).scores(asked)
        tally.right(HEADS_TABLE, f"WHOLE with λ = {strength:g}", case, combine(WHOLE, scores | {"logistic": logistic}))
    for weights in grid(WHOLE_GRID, WHOLE):
        tally.right(WHOLE_TABLE, title(WHOLE_GRID, weights), case, combine(weights, scores))


def _width(width: int) -> str:
    return f"{width:,}"


if __name__ == "__main__":
    main()
