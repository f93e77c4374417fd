"""Which weights, ridge strengths and width of the lift answer most held-out examples?

The experiment behind the defaults in `protomem.ensemble`, `protomem.heads.analytic` and `protomem.space`; no test file
is opened. Held out are CLINC150's own validation split, in parts, and folds of BANKING77's training split, which has no
other: random folds of CLINC150's training data hold near-copies of each other and flatter the local heads. Each part is
answered by memories of 5 and 10 random examples a class of the training data, and by one of all of it. Heads are scored
once for every class and weights are combined afterwards, without the shortlist; what it changes is counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DATA_SETS, DIMENSION, Split, arguments, draw, load, require_data, save, show_machine, solved
from rich.progress import Progress
from rich.table import Table

from protomem.codes import quantize
from protomem.ensemble import HEADS, WEIGHTS, Ensemble, combine, spread
from protomem.heads.analytic import STRENGTHS, Dual, Primal
from protomem.items import Items
from protomem.space import SpaceSettings
from protomem.statistics import Statistics

Floats = npt.NDArray[np.float64]
Scores = dict[str, Floats]
Weights = dict[str, float]
Setting = tuple[str, int]

SIZES: Final = (5, 10, 0)
"""Examples a class; 0 is all of them."""
FOLDS: Final = 5

GRID: Final = {
    "rivals": (0.0, 1.0, 2.0, 4.0),
    "subspaces": (0.0, 0.25, 0.5, 1.0),
    "prototypes": (0.0, 0.5, 1.0),
    "neighbours": (0.0, 0.1),
    "codebooks": (0.0, 0.1),
}
"""Beside the analytic head at 1; only ratios of weights matter."""
TRIED_STRENGTHS: Final = (0.003, *STRENGTHS, 1.0)
WIDTHS: Final = (1_024, 2_048, 3_072, 4_096)

SHOWN: Final = 12
"""Best combinations printed; all are saved."""

HEADS_TABLE: Final = "heads alone, and the ensemble"
TRIED_HEADS: Final = ("analytic", *GRID)
WEIGHTS_TABLE: Final = "weights: " + ", ".join(TRIED_HEADS)
STRENGTHS_TABLE: Final = "ridge strength: the analytic head, and the ensemble with it"
WIDTHS_TABLE: Final = "width of the lift: the analytic head, and the ensemble with it"
CHOSEN: Final = "as chosen by leave-one-out"
DEFAULT: Final = "ensemble, weights as they are"
SHORTLISTED: Final = "ensemble, with the shortlist"
CHANGED: Final = "answers the shortlist changes"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One fold of one setting: what is learned and held out, the default heads' scores and the right answers."""

    setting: Setting
    examples: Split
    held: Split
    statistics: Statistics
    ensemble: Ensemble
    scores: Scores
    truth: npt.NDArray[np.int64]

    @classmethod
    def of(cls, setting: Setting, examples: Split, held: Split) -> Case:
        statistics, ensemble = solved(examples)
        codes = quantize(held.vectors, ensemble.space.scale)
        scores = ensemble.head_scores(codes)
        first = combine(**{head: scores[head] for head in HEADS if head != "rivals"}).argmax(axis=1)
        items = Items(ensemble.space, codes)
        scores["rivals"] = ensemble.rivals.scores(items.codes, items.lengths, first, len(ensemble.names))
        truth = np.searchsorted(np.array(ensemble.names), held.labels)
        return cls(setting, examples, held, statistics, ensemble, scores, truth)

    def features(self, ensemble: Ensemble) -> npt.NDArray[np.float32]:
        """The held-out examples as this ensemble's space lifts them."""
        return ensemble.space.lift.features(quantize(self.held.vectors, ensemble.space.scale))


@final
class Tally:
    """Percent of held-out examples right: by table and row, then by data set and size, a number for each fold."""

    def __init__(self) -> None:
        self.percent: dict[str, dict[str, dict[Setting, list[float]]]] = {}

    def right(self, table: str, row: str, case: Case, scores: Floats) -> None:
        """Note how often these scores (n, labels) are best for the right label."""
        self.note(table, row, case, float(np.mean(scores.argmax(axis=1) == case.truth)))

    def note(self, table: str, row: str, case: Case, share: float) -> None:
        self.percent.setdefault(table, {}).setdefault(row, {}).setdefault(case.setting, []).append(100 * share)

    def by_fold(self, table: str, row: str) -> Floats:
        """The mean over all settings, each counting the same: (folds,)."""
        return np.asarray(np.mean(list(self.percent[table][row].values()), axis=0))


def main() -> None:
    folds = {"type": int, "choices": range(1, FOLDS + 1), "default": FOLDS, "help": f"answer fewer than {FOLDS} folds"}
    options = arguments(__doc__, ("--folds", folds))
    require_data()
    show_machine()
    tally = Tally()
    settings = list(product(DATA_SETS, SIZES))
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for setting in progress.track(settings, description="data sets and sizes"):
            for examples, held in splits(*setting, options.folds):
                measure(tally, Case.of(setting, examples, held))
    for title in tally.percent:
        CONSOLE.print(table(tally, title))
    save(options.json, "choose_ensemble", {"percent": _plain(tally)})


def splits(name: str, size: int, folds: int) -> Iterator[tuple[Split, Split]]:
    """What is learned and what is held out, fold by fold."""
    train = load(name, "train")
    source = load(name, "val") if name == "CLINC150" else train
    fold_of = np.random.default_rng(0).permutation(len(source)) % FOLDS
    for fold in range(folds):
        others = train if source is not train else train.rows(np.flatnonzero(fold_of != fold))
        learned = others.rows(draw(others.labels, size, fold)) if size else others
        yield learned, source.rows(np.flatnonzero(fold_of == fold))


def measure(tally: Tally, case: Case) -> None:
    """Everything that is asked of one fold."""
    _heads(tally, case)
    _shortlist(tally, case)
    for weights in _combinations():
        total = np.sum([weight * case.scores[head] for head, weight in weights.items() if weight], axis=0)
        tally.right(WEIGHTS_TABLE, _title(weights), case, total)
    _strengths(tally, case)
    for width in WIDTHS:
        _, ensemble = solved(case.examples, width)
        _analytic(tally, WIDTHS_TABLE, _width(width), case, ensemble.analytic.scores(case.features(ensemble)))


def _heads(tally: Tally, case: Case) -> None:
    for head in TRIED_HEADS:
        tally.right(HEADS_TABLE, f"{head} alone", case, case.scores[head])
    for head in HEADS:
        rest = combine(**{other: case.scores[other] for other in HEADS if other != head})
        tally.right(HEADS_TABLE, f"ensemble without {head}", case, rest)
    tally.right(HEADS_TABLE, DEFAULT, case, combine(**{head: case.scores[head] for head in HEADS}))


def _shortlist(tally: Tally, case: Case) -> None:
    base = combine(**{head: case.scores[head] for head in HEADS if head not in ("subspaces", "rivals")})
    shortlist = case.ensemble.shortlist(base)
    best = np.take_along_axis(case.scores["subspaces"], shortlist, axis=1)
    total = base + WEIGHTS["subspaces"] * spread(best, shortlist, len(case.ensemble.names))
    total += WEIGHTS["rivals"] * case.scores["rivals"]
    changed = total.argmax(axis=1) != combine(**case.scores).argmax(axis=1)
    tally.right(HEADS_TABLE, SHORTLISTED, case, total)
    tally.note(HEADS_TABLE, CHANGED, case, float(np.mean(changed)))


def _strengths(tally: Tally, case: Case) -> None:
    """The same ridge problem at every strength, and at the one that leave-one-out chooses."""
    _analytic(tally, STRENGTHS_TABLE, CHOSEN, case, case.scores["analytic"])
    features = case.features(case.ensemble)
    for strength in TRIED_STRENGTHS:
        solution = _problem(case.statistics, case.ensemble, strength).solve()
        _analytic(tally, STRENGTHS_TABLE, f"{strength:g}", case, solution.scores(features))


def _problem(statistics: Statistics, ensemble: Ensemble, strength: float) -> Primal | Dual:
    """The ridge problem in its smaller form, as the ensemble takes it."""
    examples = ensemble.examples
    if statistics.count > statistics.space.settings.width:
        moments = np.stack([statistics.labels[name].features for name in ensemble.names], axis=1)
        return Primal(statistics.gram, moments, statistics.count, strength)
    targets = examples.label_matrix(np.arange(len(examples)))
    return Dual(ensemble.space.lift.features(examples.codes), targets, strength)


def _analytic(tally: Tally, title: str, row: str, case: Case, analytic: Floats) -> None:
    """Two rows: an analytic head alone, and in the ensemble in the place of the default one."""
    tally.right(title, f"{row}, alone", case, analytic)
    tally.right(title, f"{row}, ensemble", case, combine(**{**case.scores, "analytic": analytic}))


def _combinations() -> Iterator[Weights]:
    """The grid, and the weights as they are if the grid does not hold them."""
    tried = [{"analytic": 1.0, **dict(zip(GRID, some, strict=True))} for some in product(*GRID.values())]
    in_use = {head: WEIGHTS.get(head, 0.0) for head in TRIED_HEADS}
    yield from tried if in_use in tried else [in_use, *tried]


def _title(weights: Weights) -> str:
    return " ".join(f"{weights.get(head, 0.0):g}" for head in TRIED_HEADS)


def _width(width: int) -> str:
    return f"{width:,}"


IN_USE: Final = {
    HEADS_TABLE: DEFAULT,
    WEIGHTS_TABLE: _title(WEIGHTS),
    STRENGTHS_TABLE: f"{CHOSEN}, ensemble",
    WIDTHS_TABLE: f"{_width(SpaceSettings(DIMENSION, '').width)}, ensemble",
}
"""The row of each table that protomem goes by today."""


def table(tally: Tally, title: str) -> Table:
    """A column for each data set and size, their mean, and how far it is from that of the row in use."""
    rows, in_use = list(tally.percent[title]), IN_USE[title]
    heading = title
    if title == WEIGHTS_TABLE:
        ranked = sorted(rows, key=lambda row: -tally.by_fold(title, row).mean())
        rows = [*ranked[:SHOWN], *([] if in_use in ranked[:SHOWN] else [in_use])]
        heading = f"{title}; {len(ranked)} tried, those in use are number {ranked.index(in_use) + 1}"
    drawn = Table(title=f"percent of held-out examples right\n{heading}")
    drawn.add_column("")
    for name, size in next(iter(tally.percent[title].values())):
        drawn.add_column(f"{name}\n{f'{size} a class' if size else 'all'}", justify="right")
    drawn.add_column("mean", justify="right")
    drawn.add_column("less in use\n± std. error", justify="right")
    for row in rows:
        cells = [f"{np.mean(folds):.2f}" for folds in tally.percent[title][row].values()]
        mean = tally.by_fold(title, row)
        less = "" if row == CHANGED else _with_error(mean - tally.by_fold(title, in_use))
        drawn.add_row(row, *cells, f"{mean.mean():.2f}", less, style="bold" if row == in_use else "")
    return drawn


def _with_error(by_fold: Floats) -> str:
    """The mean over the folds and its standard error; the folds answer different examples."""
    error = f" ±{np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)):.2f}" if len(by_fold) > 1 else ""
    return f"{by_fold.mean():+.2f}{error}"


def _plain(tally: Tally) -> dict[str, dict[str, dict[str, list[float]]]]:
    """The numbers with names that JSON can hold."""
    return {
        title: {
            row: {f"{name}, {size or 'all'}": folds for (name, size), folds in settings.items()}
            for row, settings in rows.items()
        }
        for title, rows in tally.percent.items()
    }


if __name__ == "__main__":
    main()
