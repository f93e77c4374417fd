"""How strange must an item look to be called new? Which score finds the unknown, and which p-values are honest?

Nothing is learned from unknown texts and no test split is opened. Known items are CLINC150's validation split and
held-out folds of BANKING77's training data; unknown are CLINC150's out-of-scope texts of its training and validation
parts, or the items of a fifth of the classes, which are then not learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, Split, arguments, draw, fitted, load, require_data, save, show_machine
from rich.progress import Progress
from rich.table import Table
from scipy.stats import rankdata

from protomem.blas import one_blas_thread
from protomem.calibration import CALIBRATION_SAMPLE, Calibration, leave_one_out
from protomem.codes import Codes, quantize
from protomem.ensemble import Ensemble
from protomem.items import Items
from protomem.novelty import ENERGY_WEIGHT, Known, leverages
from protomem.softmax import log_sum_exp

Floats = npt.NDArray[np.float64]
Found = dict[str, dict[str, dict[str, list[float]]]]
"""By table, row and case."""

SIZES: Final = (0, 10, 5)
"""Examples a class; 0 is all of them."""
WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
RATES: Final = (0.01, 0.05, 0.1)
RATE: Final = 0.05
SAMPLE: Final = 1_024
"""Examples left out for the p-values of large samples; a memory leaves out CALIBRATION_SAMPLE."""
REDRAWN: Final = 100
HELD_OUT: Final = 0.2

ENERGY_ONLY: Final = "energy\nalone"
NEAREST: Final = "nearest\nneighbour"
SCORES_TABLE: Final = "AUROC, and percent of the unknown found at 5 % false alarms; en.: the energy"
RATES_TABLE: Final = "false alarms in percent where 1, 5 and 10 are asked for"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What is learned, and what is asked: items of known classes, and unknown ones."""

    title: str
    learned: Split
    known: Split
    unknown: Split


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    found: Found = {SCORES_TABLE: {}, RATES_TABLE: {}}
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for case in progress.track(list(cases()), description="data sets and sizes"):
            with one_blas_thread():
                measure(found, case)
    for title, rows in found.items():
        CONSOLE.print(table(title, rows))
    save(options.json, "choose_novelty", found)


def cases() -> Iterator[Case]:
    """Out-of-scope texts, and two draws of held-out classes a data set."""
    train, val = load("CLINC150", "train"), load("CLINC150", "val")
    parts = [load("CLINC150", "oos_val"), load("CLINC150", "oos_train")]
    outside = Split(np.concatenate([some.vectors for some in parts]), np.concatenate([some.labels for some in parts]))
    banking = load("BANKING77", "train")
    for size in SIZES:
        yield Case(f"out of scope, {_size(size)}", _drawn(train, size), val, outside)
        for seed in range(2):
            yield Case(f"CLINC150 {seed}, {_size(size)}", *_held_out(train, val, size, seed))
        for seed in range(2):
            fold = np.random.default_rng(seed).permutation(len(banking)) % 5
            learned, held = banking.rows(np.flatnonzero(fold)), banking.rows(np.flatnonzero(fold == 0))
            yield Case(f"BANKING77 {seed}, {_size(size)}", *_held_out(learned, held, size, seed))


def measure(found: Found, case: Case) -> None:
    """Every score and every way of weighting, on one case."""
    statistics, ensemble, problem = fitted(case.learned)
    calibration = Calibration.fit(statistics, ensemble, problem)
    rows = ensemble.examples.sample(SAMPLE)
    rows = rows[_company(ensemble, rows)]
    targets = ensemble.examples.label_matrix(rows)
    left_out = _parts(*leave_one_out(statistics, ensemble, problem, rows, targets), calibration)
    known, unknown = (
        _asked(ensemble, calibration, quantize(some.vectors, ensemble.space.scale))
        for some in (case.known, case.unknown)
    )
    for weight in WEIGHTS:
        _note(found, _score(weight), case, _mixed(known, weight), _mixed(unknown, weight))
    _note(found, ENERGY_ONLY, case, -known["energy"], -unknown["energy"])
    _note(found, NEAREST, case, -known["nearest"], -unknown["nearest"])
    _honesty(
        found, case, _mixed(left_out, ENERGY_WEIGHT), leverages(ensemble, rows, targets), _mixed(known, ENERGY_WEIGHT)
    )


def _honesty(found: Found, case: Case, left_out: Floats, weights: Floats, new: Floats) -> None:
    """How often new items of known classes are called strange, by equal and by unequal weights."""

    def alarms(some: npt.NDArray[np.int64], counted: Floats) -> list[float]:
        p_values = Known.of(left_out[some], counted[some]).p_values(new)
        return [float(100 * np.mean(p_values < rate)) for rate in RATES]

    every, equal = np.arange(len(left_out)), np.ones(len(left_out))
    dice = np.random.default_rng(0)
    draws = [dice.permutation(every)[:CALIBRATION_SAMPLE] for _ in range(REDRAWN)]
    small = np.array([alarms(some, weights) for some in draws])
    rows = {
        f"equal weights, {SAMPLE:,}": alarms(every, equal),
        f"by leverage, {SAMPLE:,}": alarms(every, weights),
        f"by leverage, {CALIBRATION_SAMPLE}, mean": small.mean(axis=0).tolist(),
        f"by leverage, {CALIBRATION_SAMPLE}, std. deviation": small.std(axis=0).tolist(),
    }
    for row, numbers in rows.items():
        found[RATES_TABLE].setdefault(row, {})[case.title] = numbers


def _note(found: Found, row: str, case: Case, known: Floats, unknown: Floats) -> None:
    recall = 100 * np.mean(unknown > np.quantile(known, 1 - RATE))
    found[SCORES_TABLE].setdefault(row, {})[case.title] = [100 * auroc(known, unknown), float(recall)]


def auroc(known: Floats, unknown: Floats) -> float:
    """How often an unknown item looks stranger than a known one; of equals half."""
    ranks = rankdata(np.concatenate([known, unknown]))[len(known) :]
    return float((ranks.mean() - (len(unknown) + 1) / 2) / len(known))


def _asked(ensemble: Ensemble, calibration: Calibration, codes: Codes) -> dict[str, Floats]:
    items = Items(ensemble.space, codes)
    parts = _parts(*ensemble.scores(items), calibration)
    return parts | {"nearest": ensemble.neighbours.nearest(items.codes, items.lengths, 1).cosines[:, 0]}


def _parts(scores: Floats, best: Floats, calibration: Calibration) -> dict[str, Floats]:
    energy = calibration.temperature * log_sum_exp(scores / calibration.temperature)
    return {"best": best, "energy": energy / calibration.votes}


def _mixed(parts: dict[str, Floats], weight: float) -> Floats:
    return -(parts["best"] + weight * parts["energy"])


def _company(ensemble: Ensemble, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of these examples are not alone in their class."""
    return np.array([len(ensemble.examples.locate(int(row))[0].ids) > 1 for row in rows])


def _held_out(learned: Split, asked: Split, size: int, seed: int) -> tuple[Split, Split, Split]:
    names = np.random.default_rng(seed).permutation(np.unique(learned.labels))
    gone = names[: round(HELD_OUT * len(names))]
    stays, known = ~np.isin(learned.labels, gone), ~np.isin(asked.labels, gone)
    some = _drawn(learned.rows(np.flatnonzero(stays)), size)
    return some, asked.rows(np.flatnonzero(known)), asked.rows(np.flatnonzero(~known))


def _drawn(split: Split, size: int) -> Split:
    return split.rows(draw(split.labels, size, 0)) if size else split


def _size(size: int) -> str:
    return f"{size} a class" if size else "all"


def table(title: str, columns: dict[str, dict[str, list[float]]]) -> Table:
    """A row for each case, and the means over the cases; what is in use is bold."""
    drawn = Table(title=title)
    drawn.add_column("")
    for name in columns:
        drawn.add_column(name, justify="right", style="bold" if name == _score(ENERGY_WEIGHT) else "")
    for case in next(iter(columns.values())):
        drawn.add_row(case, *(_cell(by_case[case]) for by_case in columns.values()))
    drawn.add_row("mean", *(_cell(np.mean(list(by_case.values()), axis=0)) for by_case in columns.values()))
    return drawn


def _cell(numbers: Iterable[float]) -> str:
    return " ".join(f"{number:.1f}" for number in numbers)


def _score(weight: float) -> str:
    return f"best\n+ {weight:g} en."


if __name__ == "__main__":
    main()
