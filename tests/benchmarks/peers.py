"""How many answers are right beside adaptive-classifier and SetFit, fed the same encoder?

Both read texts and live in an environment of their own, which `make peers` makes and then runs this with `--run`. Their
answers are kept in `.bench-cache/`, since learning takes them minutes to an hour on a CPU; without `--run` only kept
answers are compared, so that `make bench` stays quick. protomem and logistic regression learn the same draws.

adaptive-classifier leaves the encoder as it is. SetFit trains all of it anew for every task: 22 million weights, which
no example can be taken out of.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from common import (
    CACHE,
    CONSOLE,
    DATA_SETS,
    ROOT,
    Split,
    arguments,
    draw,
    load,
    named,
    percent_right,
    require_data,
    save,
    show_machine,
    taught,
    texts,
)
from rich.table import Table
from sklearn_peers import LOGISTIC

Names = npt.NDArray[np.str_]

ALL: Final = 0
DRAWS: Final = {
    "adaptive-classifier": {ALL: 1, 10: 10, 5: 10, 1: 10},
    "setfit": {10: 1, 5: 1},
}
"""By peer and examples a class: how many of the draws of `accuracy.py`. SetFit takes up to an hour for each."""

MEMORY: Final = "protomem"
LOGISTIC_PEER: Final = "LogisticRegression C=10"

WORKER: Final = Path(__file__).with_name("peers_worker.py")
REQUIREMENTS: Final = Path(__file__).with_name("requirements-peers.txt")
PYTHON: Final = ROOT / ".venv-peers" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MISSING: Final = "skipped: {} is absent; `make peers` makes the environment of adaptive-classifier and SetFit"


@final
@dataclass(frozen=True, slots=True)
class Task:
    """What one peer is to learn and to answer: one draw of one data set."""

    peer: str
    name: str
    size: int
    seed: int

    @property
    def setting(self) -> str:
        return "all" if self.size == ALL else f"{self.size} a class"

    def rows(self, labels: Names) -> npt.NDArray[np.int64]:
        """The training rows that are learned."""
        return np.arange(len(labels)) if self.size == ALL else draw(labels, self.size, self.seed)

    def request(self) -> str:
        """What the worker reads."""
        learned, labels = texts(self.name, "train")
        rows = self.rows(labels)
        asked, _ = texts(self.name, "test")
        return json.dumps({"texts": [learned[row] for row in rows], "labels": labels[rows].tolist(), "asked": asked})

    def kept(self) -> Path:
        """Where its answers are kept: named after the request, the worker and the versions asked for."""
        parts = (self.request().encode(), WORKER.read_bytes(), REQUIREMENTS.read_bytes())
        key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        return CACHE / f"{self.peer}-{self.name.lower()}-{self.size}-{self.seed}-{key}.json"

    def run(self, python: Path) -> None:
        """Learn and answer in the peers' environment, and keep the answers."""
        with TemporaryDirectory() as folder:
            request, answers = Path(folder) / "request.json", Path(folder) / "answers.json"
            request.write_text(self.request(), "utf-8")
            subprocess.run([str(python), str(WORKER), self.peer, str(request), str(answers)], check=True)
            CACHE.mkdir(exist_ok=True)
            unfinished = self.kept().with_suffix(f".{os.getpid()}.json")
            unfinished.write_bytes(answers.read_bytes())
            unfinished.replace(self.kept())

    def answered(self) -> dict[str, Any] | None:
        """The answers, the seconds they took and the peer's version; None where none are kept."""
        return json.loads(self.kept().read_text("utf-8")) if self.kept().is_file() else None


def main() -> None:
    options = arguments(
        __doc__,
        ("--run", {"action": "store_true", "help": "let the peers answer what is not kept yet"}),
        ("--python", {"type": Path, "default": PYTHON, "help": "of the peers' environment (default: .venv-peers)"}),
        ("--peers", {"nargs": "+", "choices": tuple(DRAWS), "default": tuple(DRAWS)}),
        ("--data", {"nargs": "+", "choices": DATA_SETS, "default": DATA_SETS}),
        ("--sizes", {"nargs": "+", "type": int, "help": "examples a class, 0 for all (default: every size below)"}),
    )
    require_data()
    show_machine()
    tasks = list(_tasks(options.peers, options.data, options.sizes))
    if options.run:
        _run(tasks, options.python)
    answered = {task: found for task in tasks if (found := task.answered())}
    _show_missing([task for task in tasks if task not in answered])
    if not answered:
        CONSOLE.print(MISSING.format("any answer of theirs" if options.python.is_file() else options.python))
        return
    results = measure(answered)
    CONSOLE.print(table(results, answered))
    save(options.json, "peers", {"percent": _plain(results), "seconds": _seconds(answered)})


def _tasks(peers: list[str], data: list[str], sizes: list[int] | None) -> Iterator[Task]:
    for peer, name in product(peers, data):
        for size, draws in DRAWS[peer].items():
            if sizes is None or size in sizes:
                yield from (Task(peer, name, size, seed) for seed in range(draws))


def _run(tasks: list[Task], python: Path) -> None:
    """Every task whose answers are not kept."""
    if not python.is_file():
        CONSOLE.print(MISSING.format(python))
        return
    for task in tasks:
        if task.answered() is None:
            with CONSOLE.status(f"{task.peer}: {task.name}, {task.setting}, draw {task.seed}"):
                task.run(python)


def _show_missing(tasks: list[Task]) -> None:
    """What is not kept, by peer, data set and size."""
    draws = Counter(f"{task.peer} {task.name}, {task.setting}" for task in tasks)
    if draws:
        CONSOLE.print(f"draws not answered yet: {'; '.join(f'{what}: {count}' for what, count in draws.items())}")


Results = dict[tuple[str, str, str], dict[str, list[float]]]
"""By data set, setting and peer: percent right of it, of protomem and of logistic regression on the same draws."""


def measure(answered: dict[Task, dict[str, Any]]) -> Results:
    results: Results = {}
    ours: dict[tuple[str, int, int], dict[str, float]] = {}
    for task, found in answered.items():
        key = (task.name, task.size, task.seed)
        train, test = load(task.name, "train"), load(task.name, "test")
        if key not in ours:
            ours[key] = _ours(train.rows(task.rows(train.labels)), test)
        right = {task.peer: percent_right(np.array(found["answers"]), test.labels), **ours[key]}
        runs = results.setdefault((task.name, task.setting, task.peer), {})
        for method, percent in right.items():
            runs.setdefault(method, []).append(percent)
    return results


def _ours(train: Split, test: Split) -> dict[str, float]:
    with taught(train) as memory:
        mine = percent_right(named(memory.predict(test.vectors, evidence=0)), test.labels)
    return {MEMORY: mine, LOGISTIC_PEER: percent_right(LOGISTIC[LOGISTIC_PEER](train, test), test.labels)}


def table(results: Results, answered: dict[Task, dict[str, Any]]) -> Table:
    """A row for each peer, data set and size."""
    drawn = Table(title="percent right on the test split, each beside the others on the same draws; seconds to learn")
    for column in ("peer", "data set", "draws", "the peer", MEMORY, LOGISTIC_PEER, "seconds of the peer"):
        drawn.add_column(column, justify="left" if column in ("peer", "data set") else "right")
    seconds = _seconds(answered)
    versions = {task.peer: found["version"] for task, found in answered.items()}
    for (name, setting, peer), runs in results.items():
        means = [f"{np.mean(runs[method]):.2f}" for method in (peer, MEMORY, LOGISTIC_PEER)]
        learning = f"{np.mean(seconds[f'{peer}, {name}, {setting}']):,.0f}"
        drawn.add_row(f"{peer} {versions[peer]}", f"{name}, {setting}", str(len(runs[peer])), *means, learning)
    return drawn


def _seconds(answered: dict[Task, dict[str, Any]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {}
    for task, found in answered.items():
        seconds.setdefault(f"{task.peer}, {task.name}, {task.setting}", []).append(found["seconds"]["learn"])
    return seconds


def _plain(results: Results) -> dict[str, dict[str, dict[str, dict[str, list[float]]]]]:
    """By data set, setting and peer, with keys that JSON has."""
    plain: dict[str, dict[str, dict[str, dict[str, list[float]]]]] = {}
    for (name, setting, peer), runs in results.items():
        plain.setdefault(name, {}).setdefault(setting, {})[peer] = runs
    return plain


if __name__ == "__main__":
    main()
