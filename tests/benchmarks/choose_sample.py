"""How many examples should a large memory leave out to calibrate itself?

The experiment behind CALIBRATION_SAMPLE in `protomem.calibration`; no test file is opened. Held out are parts of
CLINC150's validation split and folds of BANKING77's training split, answered by memories of all other training data and
of 40 examples a class. From 2,048 remembered examples, each left out, samples are drawn again and again; each gives a
temperature, and that the calibration error of the held-out answers.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

import numpy as np
from calibration import Sure
from common import CONSOLE, DATA_SETS, Split, arguments, fitted, require_data, save, show_machine
from held_out import FOLDS, splits
from rich.progress import Progress
from rich.table import Table

from protomem.blas import one_blas_thread
from protomem.calibration import CALIBRATION_SAMPLE, _temperature, leave_one_out
from protomem.codes import quantize
from protomem.items import Items
from protomem.novelty import leverages
from protomem.softmax import softmax

Errors = dict[int, list[float]]
"""Calibration errors by size of the sample, one for each drawing."""

SIZES: Final = (0, 40)
"""Examples a class; 0 is all of them."""
MOST: Final = 2_048
SAMPLES: Final = (64, 128, 256, 512, 1_024, MOST)
DRAWINGS: Final = 40
FOLDS_USED: Final = 2


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    found: dict[str, Errors] = {}
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress, one_blas_thread():
        for name in progress.track(DATA_SETS, description="data sets"):
            for size in SIZES:
                for fold, (examples, held) in enumerate(islice(splits(name, size, FOLDS), FOLDS_USED)):
                    found[f"{name}\n{size or 'all'} a class, {fold}"] = errors(examples, held)
    CONSOLE.print(table(found))
    save(options.json, "choose_sample", {"errors": found})


def errors(examples: Split, held: Split) -> Errors:
    """The calibration error of the answers for `held` by temperatures of samples of every size."""
    statistics, ensemble, problem = fitted(examples)
    asked, _ = ensemble.scores(Items(ensemble.space, quantize(held.vectors, ensemble.space.scale)))
    right = np.array(ensemble.names)[asked.argmax(axis=1)] == held.labels

    rows = ensemble.examples.sample(MOST)
    targets = ensemble.examples.label_matrix(rows)
    scores, _ = leave_one_out(statistics, ensemble, problem, rows, targets)
    weights = leverages(ensemble, rows, targets)
    dice = np.random.default_rng(0)
    found: Errors = {size: [] for size in SAMPLES}
    for drawing in range(DRAWINGS):
        order = dice.permutation(len(rows))
        for size in SAMPLES if drawing == 0 else SAMPLES[:-1]:  # all of them are drawn in one way only
            some = order[:size]
            temperature = _temperature(scores[some], targets[some], weights[some])
            found[size].append(Sure(softmax(asked / temperature).max(axis=1), right).error())
    return found


def table(found: dict[str, Errors]) -> Table:
    """A row for each size of the sample; the one in use is bold."""
    drawn = Table(title=f"expected calibration error held out, percent: mean and ninth decile of {DRAWINGS} samples")
    drawn.add_column("left out", justify="right")
    for case in (*found, "mean"):
        drawn.add_column(case, justify="right")
    for size in SAMPLES:
        numbers = [(np.mean(one[size]), np.quantile(one[size], 0.9)) for one in found.values()]
        cells = [f"{mean:.2f} {decile:.2f}" for mean, decile in [*numbers, np.mean(numbers, axis=0)]]
        drawn.add_row(f"{size:,}", *cells, style="bold" if size == CALIBRATION_SAMPLE else "")
    return drawn


if __name__ == "__main__":
    main()
