"""What the benchmarks share: data sets as texts and vectors, taught memories, the machine, and saved numbers.

Texts are encoded once and kept in `.bench-cache/` under the repository's root, one file for each split, named after the
encoder and the texts, so that neither can change unnoticed. BENCH_ENCODER in the environment names another encoder,
such as `onnx:all-MiniLM-L6-v2`, the last layer alone. Splits are loaded one by one: what is chosen on training data
never opens a test file.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal, final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress

import protomem
from protomem.beside import Later
from protomem.codes import quantize
from protomem.encoders import Encoder, resolve_encoder
from protomem.ensemble import Ensemble
from protomem.examples import Examples
from protomem.heads.analytic import Dual, Primal
from protomem.over_all import Solving
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

__all__ = [
    "CACHE",
    "CONSOLE",
    "DATA_SETS",
    "DIMENSION",
    "DRAWS",
    "ROOT",
    "Names",
    "Split",
    "arguments",
    "draw",
    "fitted",
    "load",
    "median",
    "named",
    "percent_right",
    "require_data",
    "save",
    "seconds",
    "show_machine",
    "solved",
    "taught",
    "texts",
]

Vectors = npt.NDArray[np.float32]
Names = npt.NDArray[np.str_]
Rows = npt.NDArray[np.int64]
Part = Literal["train", "val", "test", "oos_train", "oos_val", "oos_test"]
Flag = tuple[str, dict[str, Any]]  # of a command line: its name, and what argparse is told of it

ROOT: Final = Path(__file__).resolve().parents[2]
DATA: Final = ROOT.parent / "shared" / "data"
CACHE: Final = ROOT / ".bench-cache"
DATA_SETS: Final = ("CLINC150", "BANKING77")
ENCODER: Final = os.environ.get("BENCH_ENCODER", "layers:all-MiniLM-L6-v2")
DIMENSION: Final = 384
OUT_OF_SCOPE: Final = "out of scope"
"""The label given to every text of a file that has no column of labels."""
PACKAGES: Final = ("numpy", "scipy", "faiss-cpu", "duckdb", "scikit-learn", "onnxruntime")
DRAWS: Final[Flag] = ("--draws", {"type": int, "default": 10, "help": "draws of few examples a class (default: 10)"})
BUSY: Final = 0.5
"""Load average above which the numbers of a machine are not to be quoted."""

CONSOLE: Final = Console(width=None if sys.stdout.isatty() else 140, highlight=False)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One split of a data set: `vectors` float32 (n, DIMENSION) and the label of each, (n,)."""

    vectors: Vectors
    labels: Names

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, rows: Rows) -> Split:
        """These rows of it."""
        return Split(self.vectors[rows], self.labels[rows])


def require_data(*more: tuple[str, Part]) -> None:
    """Leave with a message and exit code 0 where the data sets, or more files of them, are not on this machine."""
    wanted = [*((name, part) for name in DATA_SETS for part in ("train", "test")), *more]
    missing = [file for name, part in wanted if not (file := _file(name, part)).is_file()]
    if missing:
        CONSOLE.print(f"skipped: {missing[0]} is absent; tests/benchmarks/README.md says where the data sets come from")
        raise SystemExit(0)


def load(name: str, part: Part) -> Split:
    """One split of a data set, encoded with ENCODER."""
    found, labels = texts(name, part)
    return Split(_encoded(f"{name} {part}", found), labels)


def texts(name: str, part: Part) -> tuple[list[str], Names]:
    """The texts of one split and the label of each."""
    with _file(name, part).open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    return [record["text"] for record in records], np.array([record.get("label", OUT_OF_SCOPE) for record in records])


def draw(labels: Names, per_class: int, seed: int) -> Rows:
    """Rows of `per_class` random examples of each class (all of a class that has fewer), ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.sort(np.concatenate([order[labels[order] == name][:per_class] for name in np.unique(labels)]))


def solved(examples: Split, width: int | None = None, kernel_rows: int = 0) -> tuple[Statistics, Ensemble]:
    """The sums and the heads of a memory that remembers these examples, as `fitted` has them."""
    statistics, ensemble, _ = fitted(examples, width, kernel_rows)
    return statistics, ensemble


def fitted(
    examples: Split, width: int | None = None, kernel_rows: int = 0
) -> tuple[Statistics, Ensemble, Later[Primal | Dual] | None]:
    """The sums and the heads of a memory that remembers these examples, and what its ridge regression solved.

    From the core's parts without a memory, and equal to those behind `Memory.predict`: a pure function of what is
    remembered. Options are those of `protomem.open`.
    """
    settings = SpaceSettings(DIMENSION, protomem.Vectors(DIMENSION).fingerprint)
    space = Space(settings if width is None else replace(settings, width=width))
    codes = quantize(examples.vectors, space.scale)
    labels = [(str(label),) for label in examples.labels]
    ids = [f"{row:06}" for row in range(len(examples))]
    statistics = Statistics.of(space, codes, labels)
    remembered = Examples(DIMENSION).with_rows(ids, codes, labels)
    ensemble, problem = Ensemble.fit(statistics, remembered, solving=Solving(kernel_rows))
    return statistics, ensemble, problem


def taught(examples: Split, kernel_rows: int = 0) -> protomem.Memory:
    """A memory in RAM, as `protomem.open` sets it, that remembers these examples by the numbers of their rows."""
    memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION), kernel_rows=kernel_rows)
    memory.learn(examples.vectors, examples.labels.tolist(), ids=[f"{row:06}" for row in range(len(examples))])
    return memory


def named(answers: list[protomem.Answer]) -> Names:
    """The label of each answer."""
    return np.array([answer.label for answer in answers])


def percent_right(answers: Names, truth: Names) -> float:
    return 100 * float(np.mean(answers == truth))


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def arguments(question: str | None, *more: Flag) -> Namespace:
    """The command line of a benchmark: `--json FILE`, and more options."""
    parser = ArgumentParser(description=(question or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the numbers")
    for name, settings in more:
        parser.add_argument(name, **settings)
    return parser.parse_args()


def save(path: Path | None, question: str, numbers: dict[str, Any]) -> None:
    """Write numbers, machine and date as JSON, if a path was given."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"question": question, "machine": _machine(), **numbers}, indent=1) + "\n", "utf-8")
    CONSOLE.print(f"saved {path}")


def show_machine() -> None:
    """Print what the numbers were measured on, and a warning if the machine is busy with something else."""
    machine = _machine()
    date, processor, cores, system = (machine[name] for name in ("date", "processor", "cores", "system"))
    CONSOLE.print(f"[bold]{date[:10]}[/] · {processor}, {cores} cores · {system} · {ENCODER}")
    CONSOLE.print(" · ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    if machine["load"] > BUSY:
        CONSOLE.print(f"[yellow]the load average is {machine['load']}: times measured now are not to be quoted[/]")


def _file(name: str, part: str) -> Path:
    return DATA / name.lower() / f"{part}.csv"


def _encoded(title: str, texts: list[str]) -> Vectors:
    encoder = _encoder()
    key = hashlib.sha256("\0".join([encoder.fingerprint, *texts]).encode()).hexdigest()[:16]
    path = CACHE / f"{title.lower().replace(' ', '-')}-{key}.npz"
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(unfinished, vectors=_encode(encoder, title, texts))
        unfinished.replace(path)
    with np.load(path, allow_pickle=False) as kept:
        return np.asarray(kept["vectors"])


@cache
def _encoder() -> Encoder:
    return resolve_encoder(ENCODER)


def _encode(encoder: Encoder, title: str, texts: list[str]) -> Vectors:
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        task = progress.add_task(f"encoding {title}, once", total=len(texts))
        vectors = encoder.encode(texts, lambda done, _: progress.update(task, completed=done))
    return vectors.astype(np.float32, copy=False)


@cache
def _machine() -> dict[str, Any]:
    """The machine and the encoder in words; the load is that of the moment of the first call."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "encoder": ENCODER,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown processor"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
