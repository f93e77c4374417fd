"""How often held-out training data are answered rightly: what `choose_few.py` and `choose_ensemble.py` share.

No test file is opened. Held out are CLINC150's own validation split, in parts, and folds of BANKING77's training split,
which has no other: random folds of CLINC150's training data hold near-copies of each other and flatter the local heads.
Each part is answered by a memory of random examples of the training data, so many a class, or of all of them. Heads are
scored once for every class and weights are combined afterwards, without the shortlist.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DATA_SETS, Split, arguments, draw, load, require_data, show_machine, solved
from rich.progress import Progress
from rich.table import Table

from protomem.codes import quantize
from protomem.ensemble import STRENGTH_SAMPLE, Ensemble, combine
from protomem.heads.analytic import Analytic, Dual, Primal, choose_strength
from protomem.items import Items
from protomem.panels import EVEN, Weights
from protomem.statistics import Statistics

__all__ = ["Case", "Floats", "Scores", "Setting", "Tally", "grid", "measured", "ridge", "splits", "table", "title"]

Floats = npt.NDArray[np.float64]
Scores = dict[str, Floats]
Setting = tuple[str, int]
"""A data set, and examples a class; 0 is all of them."""

FOLDS: Final = 5


@final
@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One fold of one setting: what is learned, the ensemble that answers it, every head's scores of what is held out.

    The analytic head is there at every size, and rivals are those of the class that the other heads of EVEN name.
    """

    setting: Setting
    examples: Split
    items: Items
    truth: npt.NDArray[np.int64]
    statistics: Statistics
    ensemble: Ensemble
    scores: Scores

    @classmethod
    def of(cls, setting: Setting, examples: Split, held: Split) -> Case:
        statistics, ensemble = solved(examples)
        codes = quantize(held.vectors, ensemble.space.scale)
        items = ensemble.items(codes)
        scores = ensemble.head_scores(codes)
        if "analytic" not in scores:
            scores["analytic"] = ridge(statistics, ensemble).scores(items.features)
        others = combine(EVEN, {head: scores[head] for head in EVEN if head != "rivals"})
        first = others.argmax(axis=1)
        scores["rivals"] = ensemble.rivals.scores(items.codes, items.lengths, first, len(ensemble.names))
        truth = np.searchsorted(np.array(ensemble.names), held.labels)
        return cls(setting, examples, items, truth, statistics, ensemble, scores)


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

    def plain(self) -> dict[str, dict[str, dict[str, list[float]]]]:
        """The numbers with names that JSON can hold."""
        return {
            table: {
                row: {f"{name}, {size or 'all'}": folds for (name, size), folds in settings.items()}
                for row, settings in rows.items()
            }
            for table, rows in self.percent.items()
        }


def measured(
    question: str | None,
    sizes: Sequence[int],
    measure: Callable[[Tally, Case, Namespace], None],
    *more: tuple[str, dict[str, Any]],
) -> tuple[Tally, Namespace]:
    """`measure` asked of every fold of both data sets at these sizes, and the command line that was given."""
    folds = {"type": int, "choices": range(1, FOLDS + 1), "default": FOLDS, "help": f"answer fewer than {FOLDS} folds"}
    options = arguments(question, ("--folds", folds), *more)
    require_data()
    show_machine()
    tally = Tally()
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for setting in progress.track(list(product(DATA_SETS, sizes)), description="data sets and sizes"):
            for examples, held in splits(*setting, options.folds):
                measure(tally, Case.of(setting, examples, held), options)
    return tally, options


def splits(name: str, size: int, folds: int) -> Iterator[tuple[Split, Split]]:
    """What is learned and what is held out, fold by fold."""
    train = load(name, "train")
    source = load(name, "val") if name == "CLINC150" else train
    fold_of = np.random.default_rng(0).permutation(len(source)) % FOLDS
    for fold in range(folds):
        others = train if source is not train else train.rows(np.flatnonzero(fold_of != fold))
        learned = others.rows(draw(others.labels, size, fold)) if size else others
        yield learned, source.rows(np.flatnonzero(fold_of == fold))


def ridge(statistics: Statistics, ensemble: Ensemble, strength: float | None = None) -> Analytic:
    """The analytic head at this strength, or at the one that leave-one-out chooses, whatever heads the ensemble has."""
    examples, lift = ensemble.examples, ensemble.space.lift
    if strength is None:
        rows = examples.sample(STRENGTH_SAMPLE)
        strength = choose_strength(lift.features(examples.codes[rows]), examples.label_matrix(rows))
    if statistics.count > statistics.space.settings.width:
        moments = np.stack([statistics.labels[name].features for name in ensemble.names], axis=1)
        return Primal(statistics.gram, moments, statistics.count, strength).solve()
    targets = examples.label_matrix(np.arange(len(examples)))
    return Dual(lift.features(examples.codes), targets, strength).solve()


def grid(tried: Mapping[str, Sequence[float]], in_use: Weights) -> Iterator[Weights]:
    """Every combination of these weights, and those in use where they are none of them."""
    combinations = [dict(zip(tried, some, strict=True)) for some in product(*tried.values())]
    mine = {head: in_use.get(head, 0.0) for head in tried}
    yield from combinations if mine in combinations else [mine, *combinations]


def title(tried: Mapping[str, Sequence[float]], weights: Weights) -> str:
    """The row of these weights, in the order of the heads tried."""
    return " ".join(f"{weights.get(head, 0.0):g}" for head in tried)


def table(tally: Tally, heading: str, in_use: str, best: int | None = None) -> Table:
    """A column for each data set and size, their mean, and how far it is from that of the row in use.

    With `best`, so many of the best rows, and what number the row in use is.
    """
    rows = list(tally.percent[heading])
    about = heading
    if best is not None:
        ranked = sorted(rows, key=lambda row: -tally.by_fold(heading, row).mean())
        rows = [*ranked[:best], *([] if in_use in ranked[:best] else [in_use])]
        about = f"{heading}; {len(ranked)} tried, those in use are number {ranked.index(in_use) + 1}"
    drawn = Table(title=f"percent of held-out examples right\n{about}")
    drawn.add_column("")
    for name, size in tally.percent[heading][in_use]:
        drawn.add_column(f"{name}\n{f'{size} a class' if size else 'all'}", justify="right")
    drawn.add_column("mean", justify="right")
    drawn.add_column("less in use\n± std. error", justify="right")
    for row in rows:
        cells = [f"{np.mean(folds):.2f}" for folds in tally.percent[heading][row].values()]
        mean = tally.by_fold(heading, row)
        less = _with_error(mean - tally.by_fold(heading, in_use))
        drawn.add_row(row, *cells, f"{mean.mean():.2f}", less, style="bold" if row == in_use else "")
    return drawn


def _with_error(by_fold: Floats) -> str:
    """The mean over the folds and its standard error; the folds answer different examples."""
    error = f" ±{np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)):.2f}" if len(by_fold) > 1 else ""
    return f"{by_fold.mean():+.2f}{error}"
