"""How much should a label's own name weigh while few examples speak for it?

The experiment behind NAME_WEIGHT in `protomem.name_prior`; no test file is opened. Held out are CLINC150's validation
split and folds of BANKING77's training split, answered by memories of 1, 2, 3 and 4 random examples a class, and by
ones where half of the classes have one example and the others twenty.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DATA_SETS, Split, arguments, require_data, save, show_machine, solved
from held_out import splits
from rich.progress import Progress
from rich.table import Table

import protomem
from protomem.codes import Codes, quantize
from protomem.items import Items
from protomem.label_names import as_text
from protomem.name_prior import NAME_WEIGHT, name_scores

Percent = dict[str, list[float]]

SIZES: Final = (1, 2, 3, 4)
MIXED: Final = "1 or 20"
FOLDS: Final = 5
WEIGHTS: Final = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    percent: dict[float, Percent] = {weight: {} for weight in WEIGHTS}
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        for name in progress.track(DATA_SETS, description="data sets"):
            for title, examples, held in cases(name):
                measure(percent, f"{name}\n{title}", examples, held)
    CONSOLE.print(table(percent))
    save(options.json, "choose_name_prior", {"percent": {str(weight): found for weight, found in percent.items()}})


def cases(name: str) -> list[tuple[str, Split, Split]]:
    """What is learned and what is held out, with the number of examples a class."""
    found = [(str(size), *case) for size in SIZES for case in splits(name, size, FOLDS)]
    for fold, (examples, held) in enumerate(splits(name, 20, FOLDS)):
        found.append((MIXED, half_cut_to_one(examples, fold), held))
    return found


def half_cut_to_one(examples: Split, seed: int) -> Split:
    """These examples with a single one of every second class, drawn at random."""
    names = np.random.default_rng(seed).permutation(np.unique(examples.labels))
    few = np.isin(examples.labels, names[::2])
    first = np.zeros(len(examples), dtype=bool)
    first[np.unique(examples.labels, return_index=True)[1]] = True
    return examples.rows(np.flatnonzero(~few | first))


def measure(percent: dict[float, Percent], title: str, examples: Split, held: Split) -> None:
    """Percent of the held-out examples right, with each weight."""
    statistics, ensemble = solved(examples)
    items = Items(ensemble.space, quantize(held.vectors, ensemble.space.scale))
    counts = np.array([statistics.labels[name].count for name in ensemble.names])
    names = name_codes(ensemble.names, ensemble.space.scale)
    scores, _ = ensemble.scores(items)
    by_name = name_scores(items.codes, items.lengths, names, counts)
    for weight in WEIGHTS:
        answered = np.array(ensemble.names)[(scores + weight / NAME_WEIGHT * by_name).argmax(axis=1)]
        percent[weight].setdefault(title, []).append(100 * float(np.mean(answered == held.labels)))


def name_codes(names: tuple[str, ...], scale: int) -> Codes:
    """The codes of labels' names, as `Memory.predict` makes them."""
    embeddings: npt.NDArray[np.floating] = ENCODER.encode([as_text(name) for name in names])
    return quantize(embeddings, scale)


ENCODER: Final = protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)


def table(percent: dict[float, Percent]) -> Table:
    """A row for each weight, a column for each data set and size."""
    drawn = Table(title="percent of held-out examples right, by the weight of a name for each example missing")
    drawn.add_column("")
    for title in percent[0.0]:
        drawn.add_column(title, justify="right")
    drawn.add_column("mean", justify="right")
    for weight, found in percent.items():
        means = [float(np.mean(folds)) for folds in found.values()]
        cells = [f"{mean:.1f}" for mean in [*means, float(np.mean(means))]]
        drawn.add_row(f"{weight:g}", *cells, style="bold" if weight == NAME_WEIGHT else "")
    return drawn


if __name__ == "__main__":
    main()
