"""How long do opening, a single durable change and a purge take at 200,000 examples, and does a receipt's cost grow?

Random vectors around 77 centres, default settings, a DuckDB file in a temporary directory. Needs no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DIMENSION, arguments, save, seconds, show_machine
from rich.table import Table

import protomem
from protomem.commitment import Commitment, content
from protomem.store import Row

SMALL: Final = 1_000
LARGE: Final = 200_000
CLASSES: Final = 77
SINGLES: Final = 31
OPENINGS: Final = 3
FORGOTTEN: Final = 2_000
"""Examples forgotten before the purge: 1 %."""

LEARN: Final = "learn all, durable"
SUMS: Final = "sum what was learned (digest)"
OPEN: Final = "open from the snapshot"
REBUILD: Final = "open without a snapshot"
LEARN_ONE: Final = "learn one, durable"
FORGET_ONE: Final = "forget one by id, durable"
RECEIPT: Final = "the receipt of one change"
PURGE: Final = "purge, 1 % forgotten"
CLOSE: Final = "close, with a snapshot"

Times = dict[str, list[float]]


def main() -> None:
    options = arguments(__doc__)
    show_machine()
    results = {count: measure(count) for count in (SMALL, LARGE)}
    CONSOLE.print(table(results))
    checked = bars(results)
    show_bars(checked, f"bars, at {LARGE:,} examples")
    times = {str(count): taken for count, taken in results.items()}
    save(options.json, "durability", {"seconds": times, "bars": saved_bars(checked)})


def measure(count: int) -> Times:
    """Everything at this number of examples, on a fresh file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "memory.duckdb"
        return dict(_timed(path, count))


def _timed(path: Path, count: int) -> Iterator[tuple[str, list[float]]]:
    vectors, labels = _drawn(count)
    ids = [f"id {row}" for row in range(count)]
    with protomem.open(path, encoder=protomem.Vectors(DIMENSION)) as memory:
        yield LEARN, [seconds(lambda: memory.learn(vectors, labels, ids=ids))]
        yield SUMS, [seconds(memory.digest)]
        yield CLOSE, [seconds(memory.close)]
    yield OPEN, [seconds(lambda: protomem.open(path).close()) for _ in range(OPENINGS)]
    with protomem.open(path) as memory:
        assert count < LARGE or not memory.opening.summed, memory.opening
        yield LEARN_ONE, [_learn_one(memory, vectors, row) for row in range(SINGLES)]
        yield FORGET_ONE, [_forget_one(memory, row) for row in range(SINGLES)]
        yield RECEIPT, [_receipt(memory) for _ in range(SINGLES)]
        memory.forget(ids=ids[: count // 100])
        yield PURGE, [seconds(memory.purge)]
    path.with_name(path.name + ".snapshot").unlink(missing_ok=True)
    yield REBUILD, [seconds(lambda: _summed(path))]


def _learn_one(memory: protomem.Memory, vectors: npt.NDArray[np.float32], row: int) -> float:
    return seconds(lambda: memory.learn(vectors[row : row + 1], ["one"], ids=[f"one {row}"]))


def _forget_one(memory: protomem.Memory, row: int) -> float:
    return seconds(lambda: memory.forget(ids=[f"one {row}"]))


def _receipt(memory: protomem.Memory) -> float:
    """Chain, commitment, keyed hash and signature of a change of one example, without the change itself."""
    state = memory._shared.keeping._state
    row = Row("an id", None, ("one",), bytes(DIMENSION))
    return seconds(lambda: memory._shared.ledger.next("learn", _after(state.commitment, row), [memory.id_hash(row.id)]))


def _after(commitment: Commitment, row: Row) -> str:
    changed = commitment.copy()
    changed.add([content(row.codes, row.labels)])
    return changed.hex()


def _summed(path: Path) -> None:
    with protomem.open(path) as memory:
        memory.digest()


def _drawn(count: int) -> tuple[npt.NDArray[np.float32], list[str]]:
    dice = np.random.default_rng(0)
    owners = dice.integers(CLASSES, size=count)
    centres = 0.3 * dice.normal(size=(CLASSES, DIMENSION))
    vectors = centres[owners] + dice.normal(size=(count, DIMENSION))
    return vectors.astype(np.float32), [f"class {owner}" for owner in owners]


def bars(results: dict[int, Times]) -> list[Bar]:
    """The bars with what was measured for each."""
    large, small = ({what: median(taken) for what, taken in results[count].items()} for count in (LARGE, SMALL))
    return [
        Bar(OPEN, large[OPEN], 2.0, "s", least=False),
        Bar("relearn all and sum it / open", (large[LEARN] + large[SUMS]) / large[OPEN], 10.0, "times"),
        Bar(LEARN_ONE, 1e3 * large[LEARN_ONE], 20.0, "ms", least=False),
        Bar(FORGET_ONE, 1e3 * large[FORGET_ONE], 20.0, "ms", least=False),
        Bar(PURGE, large[PURGE], 10.0, "s", least=False),
        Bar(f"{RECEIPT}, at {LARGE:,} / at {SMALL:,}", large[RECEIPT] / small[RECEIPT], 1.5, "times", least=False),
    ]


def table(results: dict[int, Times]) -> Table:
    """A row for each thing, a column for each number of examples."""
    drawn = Table(title="medians")
    drawn.add_column("what")
    for count in results:
        drawn.add_column(f"{count:,} examples", justify="right")
    for what in results[LARGE]:
        drawn.add_row(what, *(_shown(median(times[what])) for times in results.values()))
    return drawn


def _shown(taken: float) -> str:
    return f"{taken:.2f} s" if taken >= 1 else f"{1e3 * taken:.1f} ms"


if __name__ == "__main__":
    main()
