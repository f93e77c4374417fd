"""How weak may the regularisation of the logistic head be, where few examples a class are remembered?

The experiment behind STRENGTH and FALL in `protomem.heads.logistic`: λ = STRENGTH / n^FALL with n examples a class. A
memory of random examples of the training data is asked about CLINC150's whole validation split, or the rest of
BANKING77's training split; no test file is opened. Beside how many are right, how far probabilities are from it, once a
temperature was found by leave-one-out: which is approximate for this head, and gets harder as λ falls.
"""

from __future__ import annotations

from typing import Final
from unittest.mock import patch

import numpy as np
from calibration import Sure
from common import CONSOLE, DATA_SETS, Split, arguments, draw, load, require_data, save, show_machine, solved
from rich.progress import Progress
from rich.table import Table

from protomem.calibration import Calibration
from protomem.codes import quantize

SIZES: Final = (2, 3, 5, 10)
"""Examples a class."""
FALLS: Final = ("0.5", "1.0", "1.15", "1.3")
IN_USE: Final = "1.15"
DRAWS: Final = 16

Found = dict[str, dict[str, list[tuple[float, float]]]]
"""Percent right and calibration error in percent, by setting and fall, a pair for each draw."""


def main() -> None:
    options = arguments(__doc__, ("--draws", {"type": int, "default": DRAWS, "help": f"draws (default: {DRAWS})"}))
    require_data()
    show_machine()
    found = Found()
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        settings = [(name, size, seed) for name in DATA_SETS for size in SIZES for seed in range(options.draws)]
        for name, size, seed in progress.track(settings, description="data sets, sizes and draws"):
            measure(found.setdefault(f"{name}\n{size} a class", {}), *split(name, size, seed))
    CONSOLE.print(table(found))
    save(
        options.json, "choose_strength", {setting: {str(k): v for k, v in by.items()} for setting, by in found.items()}
    )


def split(name: str, size: int, seed: int) -> tuple[Split, Split]:
    """What is learned and what is held out."""
    train = load(name, "train")
    rows = draw(train.labels, size, seed)
    rest = np.setdiff1d(np.arange(len(train)), rows)
    return train.rows(rows), load(name, "val") if name == "CLINC150" else train.rows(rest)


def measure(found: dict[str, list[tuple[float, float]]], learned: Split, held: Split) -> None:
    for fall in FALLS:
        with patch("protomem.heads.logistic.FALL", float(fall)):
            statistics, ensemble = solved(learned)
        calibration = Calibration.fit(statistics, ensemble, None)
        scores, _ = ensemble.scores(ensemble.items(quantize(held.vectors, ensemble.space.scale)))
        probabilities = calibration.probabilities(scores)
        right = np.array(ensemble.names)[scores.argmax(axis=1)] == held.labels
        found.setdefault(fall, []).append((100 * float(right.mean()), Sure(probabilities.max(axis=1), right).error()))


def table(found: Found) -> Table:
    """A row for each fall: percent right, of others than that in use how much more, and the calibration error."""
    drawn = Table(title="percent of held-out examples right, beside the fall in use; calibration error in percent")
    drawn.add_column("fall")
    for setting in found:
        drawn.add_column(setting, justify="right")
    for fall in FALLS:
        cells = []
        for by_fall in found.values():
            right, error = np.array(by_fall[fall]).T
            less = right - np.array(by_fall[IN_USE])[:, 0]
            how = (
                f"{right.mean():.2f}" if fall == IN_USE else f"{less.mean():+.2f} ±{less.std() / len(less) ** 0.5:.2f}"
            )
            cells.append(f"{how}\n{error.mean():.1f}")
        drawn.add_row(fall, *cells, style="bold" if fall == IN_USE else "")
    return drawn


if __name__ == "__main__":
    main()
