"""Do label sets hold the true label as often as asked, and how many labels does it take?

No test file is opened: CLINC150's training and validation data together, and BANKING77's training data, are cut at
random into four fifths that a memory learns and one fifth that it is asked about. (CLINC150's own splits are not alike:
its training data hold near-copies of each other, so that examples left out look easier than the validation split is.)
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from common import CONSOLE, DATA_SETS, DIMENSION, Split, arguments, load, require_data, save, show_machine
from rich.progress import Progress
from rich.table import Table

import protomem

SPLITS: Final = 20
COVERAGES: Final = (0.9, 0.95)
KINDS: Final = {False: "over all labels", True: "per class"}

Found = dict[str, list[tuple[float, float, float]]]
"""By row of the table: for each split the percent held, the mean size, and the percent held of the worst tenth."""


def main() -> None:
    splits = {"type": int, "default": SPLITS, "help": f"random splits of each data set, {SPLITS} by default"}
    options = arguments(__doc__, ("--splits", splits))
    require_data()
    show_machine()
    found: Found = {}
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name, seed in progress.track(list(product(DATA_SETS, range(options.splits))), description="splits"):
            measure(found, name, *cut(pool(name), seed))
    CONSOLE.print(table(found))
    save(options.json, "coverage", {"held, size, worst tenth": found})


def pool(name: str) -> Split:
    """What is cut: all data of a data set but its test split."""
    parts = [load(name, "train"), *([load(name, "val")] if name == "CLINC150" else [])]
    return Split(np.concatenate([part.vectors for part in parts]), np.concatenate([part.labels for part in parts]))


def cut(whole: Split, seed: int) -> tuple[Split, Split]:
    """Four fifths to learn, and one to ask about."""
    order = np.random.default_rng(seed).permutation(len(whole))
    return whole.rows(np.sort(order[len(order) // 5 :])), whole.rows(np.sort(order[: len(order) // 5]))


def measure(found: Found, name: str, examples: Split, held: Split) -> None:
    """Coverage and size of the sets of one split."""
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION)) as memory:
        memory.learn(examples.vectors, examples.labels.tolist())
        for per_class, coverage in product(KINDS, COVERAGES):
            answers = memory.predict(held.vectors, evidence=0, coverage=coverage, per_class=per_class)
            sets = [answer.label_set or frozenset() for answer in answers]
            hit = np.array([label in some for label, some in zip(held.labels, sets, strict=True)])
            by_class = [float(hit[held.labels == label].mean()) for label in np.unique(held.labels)]
            numbers = (100 * float(hit.mean()), float(np.mean(list(map(len, sets)))), 100 * np.quantile(by_class, 0.1))
            found.setdefault(f"{name}, {KINDS[per_class]}, {coverage:.0%}", []).append(numbers)


def table(found: Found) -> Table:
    """A row for each data set, kind of set and coverage."""
    drawn = Table(title="label sets of held-out examples")
    drawn.add_column("")
    for heading in ("held, %", "std. dev. of splits", "mean size", "held of the class at the worst tenth, %"):
        drawn.add_column(heading, justify="right")
    for row, numbers in found.items():
        held, size, worst = np.array(numbers).T
        drawn.add_row(row, f"{held.mean():.1f}", f"{held.std():.1f}", f"{size.mean():.2f}", f"{worst.mean():.1f}")
    return drawn


if __name__ == "__main__":
    main()
