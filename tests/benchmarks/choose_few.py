"""Which weights answer most held-out examples where few are remembered, beside the heads that answer for many?

The experiment behind FEW in `protomem.panels`: memories of 1, 5 and 10 random examples a class of the training data.
`held_out.py` says what is held out, and that no test file is opened.
"""

from __future__ import annotations

from argparse import Namespace
from typing import Final

from common import CONSOLE, save
from held_out import Case, Tally, grid, measured, table, title

from protomem.ensemble import combine
from protomem.panels import EVEN, FEW

SIZES: Final = (1, 5, 10)
"""Examples a class. Ten of CLINC150's 150 classes are nearly as many as FEW answers for."""

GRID: Final = {
    "logistic": (0.0, 0.25, 0.5, 1.0, 2.0, 4.0),
    "kernel": (1.5,),
    "subspaces": (0.0, 0.25, 0.5, 1.0, 2.0),
    "prototypes": (0.0, 0.5),
}
"""Only ratios of weights matter, so that the kernel's stays; what the others are without it, the other table shows."""
SHOWN: Final = 12
"""Best combinations printed; all are saved."""

HEADS_TABLE: Final = "heads alone, and the panels"
WEIGHTS_TABLE: Final = "weights of " + ", ".join(GRID)
IN_USE: Final = "as they are, by examples a class"
ANSWERED: Final = "the same with the shortlist: as it answers"
RIVALLING: Final = "EVEN, which answers for more examples"


def main() -> None:
    tally, options = measured(__doc__, SIZES, measure)
    CONSOLE.print(table(tally, HEADS_TABLE, IN_USE))
    CONSOLE.print(table(tally, WEIGHTS_TABLE, IN_USE, SHOWN))
    save(options.json, "choose_few", {"percent": tally.plain()})


def measure(tally: Tally, case: Case, _: Namespace) -> None:
    """Everything that is asked of one fold."""
    few = case.ensemble.weights
    for head in dict.fromkeys([*few, *EVEN, "neighbours"]):
        tally.right(HEADS_TABLE, f"{head} alone", case, case.scores[head])
    for head in few:
        rest = {other: case.scores[other] for other in few if other != head}
        tally.right(HEADS_TABLE, f"without {head}", case, combine(few, rest))
    tally.right(HEADS_TABLE, RIVALLING, case, combine(EVEN, case.scores))
    tally.right(HEADS_TABLE, IN_USE, case, combine(few, case.scores))
    tally.right(WEIGHTS_TABLE, IN_USE, case, combine(few, case.scores))
    tally.right(HEADS_TABLE, ANSWERED, case, case.ensemble.scores(case.items)[0])
    for weights in grid(GRID, FEW):
        tally.right(WEIGHTS_TABLE, title(GRID, weights), case, combine(weights, case.scores))


if __name__ == "__main__":
    main()
