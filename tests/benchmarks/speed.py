"""How long do learning, forgetting and answering take, beside one fit of logistic regression on the same vectors?

BANKING77's vectors, a DuckDB file in a temporary directory. Every figure is a median over rounds; a round measures each
thing once or several times, the fit of logistic regression among them, so that a slow minute of the machine falls on
both sides of a ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DIMENSION, Split, arguments, load, require_data, save, seconds, show_machine
from rich.table import Table
from sklearn.linear_model import LogisticRegression

import protomem

ROUNDS: Final = 3
FORGOTTEN: Final = 7
"""A round; 21 in all. Each example forgotten is learned again, which is the single learn that is timed."""
SINGLE_ANSWERS: Final = 67
"""A round; 201 in all."""
BATCHES: Final = 3

LOGISTIC: Final = "LogisticRegression(C=10, max_iter=300).fit"
OPEN: Final = "open a new file"
LEARN: Final = "learn all, durable"
LEARN_ANSWER: Final = "learn all, durable, and the first answer"
FORGET: Final = "forget one, durable"
FORGET_ANSWER: Final = "forget one, durable, and the next answer"
RELEARN: Final = "learn one, durable"
RELEARN_ANSWER: Final = "learn one, durable, and the next answer"
ANSWER: Final = "one answer, heads warm"
BATCH: Final = "a batch of all test answers"


@final
@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds by what was timed."""

    times: dict[str, list[float]] = field(default_factory=dict)

    def time(self, what: str, work: Callable[[], object]) -> float:
        """Run it once and note how long it took."""
        taken = seconds(work)
        self.note(what, taken)
        return taken

    def note(self, what: str, taken: float) -> None:
        self.times.setdefault(what, []).append(taken)

    def median(self, what: str) -> float:
        return median(self.times[what])


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    train, test = load("BANKING77", "train"), load("BANKING77", "test")
    LogisticRegression(C=10, max_iter=300).fit(
        train.vectors[:500], train.labels[:500]
    )  # libraries are loaded, pools up
    clock = Clock()
    for number in range(ROUNDS):
        with TemporaryDirectory() as folder:
            measure(clock, train, test, Path(folder) / "memory.duckdb", number)
    CONSOLE.print(table(clock, len(train), len(test)))
    checked = bars(clock, len(test))
    show_bars(checked)
    save(options.json, "speed", {"seconds": clock.times, "bars": saved_bars(checked)})


def measure(clock: Clock, train: Split, test: Split, path: Path, number: int) -> None:
    """One round on a fresh file."""
    clock.time(LOGISTIC, lambda: LogisticRegression(C=10, max_iter=300).fit(train.vectors, train.labels))
    opened: list[protomem.Memory] = []
    clock.time(OPEN, lambda: opened.append(protomem.open(path, encoder=protomem.Vectors(DIMENSION))))
    with opened[0] as memory:
        _learn(clock, memory, train, test)
        memory.predict(test.vectors)  # every class is factored: the heads are warm
        rows = np.random.default_rng(number).permutation(len(train))[:FORGOTTEN]
        for row in rows:
            _forget_and_learn(clock, memory, train, int(row), test.vectors[row % len(test)][None])
        _answer(clock, memory, test, number)


def _learn(clock: Clock, memory: protomem.Memory, train: Split, test: Split) -> None:
    labels, ids = train.labels.tolist(), [_id(row) for row in range(len(train))]
    taken = clock.time(LEARN, lambda: memory.learn(train.vectors, labels, ids=ids))
    clock.note(LEARN_ANSWER, taken + seconds(lambda: memory.predict(test.vectors[:1])))


def _forget_and_learn(
    clock: Clock,
    memory: protomem.Memory,
    train: Split,
    row: int,
    asked: npt.NDArray[np.float32],
) -> None:
    """One example goes and comes back, with an answer after each."""
    taken = clock.time(FORGET, lambda: memory.forget(ids=[_id(row)]))
    clock.note(FORGET_ANSWER, taken + seconds(lambda: memory.predict(asked)))
    one = train.rows(np.array([row]))
    taken = clock.time(RELEARN, lambda: memory.learn(one.vectors, one.labels.tolist(), ids=[_id(row)], relearn=True))
    clock.note(RELEARN_ANSWER, taken + seconds(lambda: memory.predict(asked)))


def _answer(clock: Clock, memory: protomem.Memory, test: Split, number: int) -> None:
    memory.predict(test.vectors)
    for row in range(number * SINGLE_ANSWERS, (number + 1) * SINGLE_ANSWERS):
        clock.time(ANSWER, partial(memory.predict, test.vectors[row : row + 1]))
    for _ in range(BATCHES):
        clock.time(BATCH, lambda: memory.predict(test.vectors))


def _id(row: int) -> str:
    return f"{row:06}"


def bars(clock: Clock, asked: int) -> list[Bar]:
    """The bars with what was measured for each."""
    fit = clock.median(LOGISTIC)
    return [
        Bar(f"{LEARN_ANSWER} / fit", clock.median(LEARN_ANSWER) / fit, 1.0, "of the fit", least=False),
        Bar(f"{FORGET_ANSWER} / fit", clock.median(FORGET_ANSWER) / fit, 1 / 20, "of the fit", least=False),
        Bar(ANSWER, 1_000 * clock.median(ANSWER), 3.0, "ms", least=False),
        Bar(BATCH, asked / clock.median(BATCH), 5_000, "answers/s"),
    ]


def table(clock: Clock, learned: int, asked: int) -> Table:
    """A row for each thing timed; the share is of the fit of logistic regression."""
    drawn = Table(title=f"BANKING77: {learned:,} examples, {asked:,} questions, DuckDB file; medians")
    drawn.add_column("what")
    for column in ("median", "fastest", "slowest", "times", "of the fit", "rate"):
        drawn.add_column(column, justify="right")
    rates = {LEARN: (learned, "rows/s"), BATCH: (asked, "answers/s")}
    for what, times in clock.times.items():
        count, unit = rates.get(what, (0, ""))
        rate = f"{count / clock.median(what):,.0f} {unit}" if count else ""
        share = f"1/{clock.median(LOGISTIC) / clock.median(what):,.1f}"
        drawn.add_row(what, *map(_time, (clock.median(what), min(times), max(times))), str(len(times)), share, rate)
    return drawn


def _time(taken: float) -> str:
    return f"{taken:.2f} s" if taken >= 1 else f"{1_000 * taken:.1f} ms"


if __name__ == "__main__":
    main()
