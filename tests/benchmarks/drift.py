"""How often does a steady stream raise an alarm, and how soon is real drift found?

Training data only. Steady: random orders of a data set, as `Memory.report` plays them, and then followed by recent
items of the same classes. Drifting: after 1,000 steady recent items, a share of those that follow is of classes the
memory has never seen.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DATA_SETS, DIMENSION, Split, arguments, load, median, require_data, save, show_machine
from rich.table import Table

import protomem
from protomem.codes import quantize
from protomem.drift import rises
from protomem.predicting import Predictor
from protomem.reporting import STRANGE
from protomem.space import Space, SpaceSettings
from protomem.state import State
from protomem.store import Row
from protomem.streams import PLAIN, replay

Rates = npt.NDArray[np.float64]

MEMORIES: Final = 4
LEARNED: Final = 2_000
WINDOWS: Final = 10
UNSEEN: Final = 15
"""Classes that a memory is not taught: the drift."""

STEADY: Final = (500, 2_000, 5_000)
ORDERS: Final = 100
FALSE_ALARMS: Final = (0.01, 0.05, 0.2)
BEFORE: Final = 1_000
AFTER: Final = 1_000
SHARES: Final = (0.1, 0.2, 0.5, 1.0)
DRIFTS: Final = 25


def main() -> None:
    given = arguments(__doc__)
    require_data()
    show_machine()
    found = {name: _measure(load(name, "train")) for name in DATA_SETS}
    _show(found)
    save(given.json, "drift", {"found": found})


def _measure(data: Split) -> dict[str, Any]:
    runs = [_run(data, seed) for seed in range(MEMORIES)]
    return {
        "replayed": {
            level: {signal: sum(bool(rises(run[signal], level)) for run in runs) for signal in ("error", "strange")}
            for level in FALSE_ALARMS
        },
        "steady": {length: {level: _steady(runs, length, level) for level in FALSE_ALARMS} for length in STEADY},
        "drift": {share: _delays(runs, share) for share in SHARES},
    }


def _run(data: Split, seed: int) -> dict[str, Rates]:
    """One memory's stream, and whether each other item looks strange to it: of its classes, and of unseen ones."""
    dice = np.random.default_rng(seed)
    unseen = np.isin(data.labels, dice.permutation(np.unique(data.labels))[:UNSEEN])
    order = dice.permutation(np.flatnonzero(~unseen))
    space = Space(SpaceSettings(DIMENSION, protomem.Vectors(DIMENSION).fingerprint))
    codes = quantize(data.vectors, space.scale)
    rows = [Row(f"{row}", None, (str(data.labels[row]),), codes[row].tobytes()) for row in order[:LEARNED]]
    played = replay(space, rows, WINDOWS)
    predictor = Predictor.of(State.of(space, rows), None)

    def strange(some: npt.NDArray[np.int64]) -> Rates:
        novelty = [answer.novelty or 0.0 for answer in predictor.answers(codes[some], PLAIN)]
        return (np.array(novelty) <= STRANGE).astype(float)

    return {
        "error": np.array([float(not one.is_right) for one in played]),
        "strange": np.array([float(one.novelty <= STRANGE) for one in played]),
        "same": strange(order[LEARNED:]),
        "other": strange(np.flatnonzero(unseen)),
    }


def _steady(runs: list[dict[str, Rates]], length: int, level: float) -> float:
    """The share of streams with an alarm: a replay, then random items of the same classes."""
    dice = np.random.default_rng(0)
    alarms = [
        bool(rises(np.concatenate([run["strange"], dice.permutation(run["same"])[:length]]), level))
        for run in runs
        for _ in range(ORDERS // MEMORIES)
    ]
    return float(np.mean(alarms))


def _delays(runs: list[dict[str, Rates]], share: float) -> dict[str, float]:
    """How many of the drifts are found within AFTER items, and after how many items (the median of those found)."""
    dice = np.random.default_rng(0)
    delays, offsets = [], []
    for run in runs:
        for _ in range(DRIFTS // MEMORIES + 1):
            same, other = dice.permutation(run["same"]), dice.permutation(run["other"])
            later = np.where(dice.random(AFTER) < share, dice.choice(other, AFTER), same[BEFORE : BEFORE + AFTER])
            start = len(run["strange"]) + BEFORE
            values = np.concatenate([run["strange"], same[:BEFORE], later])
            hit = next((rise for rise in rises(values, 0.01 / 2) if rise.found >= start), None)
            if hit is not None:
                delays.append(hit.found - start + 1)
                offsets.append(abs(hit.began - start))
    tried = MEMORIES * (DRIFTS // MEMORIES + 1)
    seen = float(np.mean([run["other"].mean() for run in runs]))
    return {
        "found": len(delays) / tried,
        "delay": float(median(delays)) if delays else float("nan"),
        "began off by": float(median(offsets)) if offsets else float("nan"),
        "strange of unseen": seen,
    }


def _show(found: dict[str, dict[str, Any]]) -> None:
    table = Table("steady streams with an alarm, %", *(f"asked {level:.0%}" for level in FALSE_ALARMS))
    for name, numbers in found.items():
        for signal in ("error", "strange"):
            counts = [numbers["replayed"][level][signal] for level in FALSE_ALARMS]
            table.add_row(f"{name}, {signal}, {MEMORIES} replays", *(f"{100 * one / MEMORIES:.0f}" for one in counts))
        for length in STEADY:
            rates = [numbers["steady"][length][level] for level in FALSE_ALARMS]
            table.add_row(f"{name}, strange, {length:,} recent", *(f"{100 * one:.0f}" for one in rates))
    CONSOLE.print(table)
    table = Table(f"drift after {BEFORE:,} steady items", "found", "after items, median", "began off by, median")
    for name, numbers in found.items():
        for share, row in numbers["drift"].items():
            table.add_row(
                f"{name}, {share:.0%} of {UNSEEN} unseen classes ({row['strange of unseen']:.0%} of them strange)",
                f"{row['found']:.0%}",
                f"{row['delay']:.0f}",
                f"{row['began off by']:.0f}",
            )
    CONSOLE.print(table)


if __name__ == "__main__":
    main()
