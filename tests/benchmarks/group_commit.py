"""What do writers in several threads gain by sharing commits? Durable one-item learns and forgets, 1 and 32 threads.

Random vectors of 150 classes, 3,000 remembered, default settings, a DuckDB file in a temporary directory. Every request
has an id and an idempotency key, as a client that repeats lost requests sends them. The two rates are of one run, in
turns, since the time of a commit is the disk's. Needs no data.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DIMENSION, arguments, save, seconds, show_machine
from rich.table import Table

import protomem

CLASSES: Final = 150
REMEMBERED: Final = 3_000
THREADS: Final = 32
ROUNDS: Final = 5
ALONE, SHARED = 100, 640
"""Requests of one round, of one writer and of all."""

LEAST: Final = 3.0

Rates = dict[str, dict[int, list[float]]]
"""Requests a second of each round, by what is done and the number of threads."""


def main() -> None:
    options = arguments(__doc__)
    show_machine()
    rates = measure()
    CONSOLE.print(table(rates))
    checked = [Bar(f"{what}, {THREADS} threads / 1", _ratio(taken), LEAST, "times") for what, taken in rates.items()]
    show_bars(checked, "bars")
    save(options.json, "group_commit", {"requests a second": rates, "bars": saved_bars(checked)})


def measure() -> Rates:
    """Rounds of one writer and of many, in turns, on one file."""
    dice = np.random.default_rng(0)
    vectors = dice.normal(size=(REMEMBERED, DIMENSION)).astype(np.float32)
    labels = [f"class {row % CLASSES}" for row in range(REMEMBERED)]
    rates: Rates = {what: {1: [], THREADS: []} for what in ("learn", "forget")}
    with TemporaryDirectory() as folder:
        encoder = protomem.Vectors(DIMENSION)
        with protomem.open(Path(folder) / "memory.duckdb", encoder=encoder) as memory:
            memory.learn(vectors, labels)

            def learn(name: str) -> None:
                row = int(name.rsplit(maxsplit=1)[-1]) % REMEMBERED
                memory.learn(vectors[row : row + 1], [labels[row]], ids=[name], idempotency_key=f"learn {name}")

            def forget(name: str) -> None:
                memory.forget(ids=[name], idempotency_key=f"forget {name}")

            for turn in range(ROUNDS):
                for threads, requests in ((1, ALONE), (THREADS, SHARED)):
                    names = [f"{turn} {threads} {number}" for number in range(requests)]
                    rates["learn"][threads].append(_rate(learn, names, threads))
                    rates["forget"][threads].append(_rate(forget, names, threads))
    return rates


def _rate(call: Callable[[str], None], names: list[str], threads: int) -> float:
    """Requests a second, all of them acknowledged."""
    with ThreadPoolExecutor(threads) as pool:
        return len(names) / seconds(lambda: list(pool.map(call, names)))


def _ratio(taken: dict[int, list[float]]) -> float:
    return median(many / one for one, many in zip(taken[1], taken[THREADS], strict=True))


def table(rates: Rates) -> Table:
    """A row for each thing, a column for each number of threads."""
    drawn = Table(title="durable requests a second, medians")
    for head in ("what", "1 thread", f"{THREADS} threads", "gain"):
        drawn.add_column(head, justify="left" if head == "what" else "right")
    for what, taken in rates.items():
        drawn.add_row(what, f"{median(taken[1]):.0f}", f"{median(taken[THREADS]):.0f}", f"{_ratio(taken):.1f}")
    return drawn


if __name__ == "__main__":
    main()
