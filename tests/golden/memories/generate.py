"""Writes the golden memories of format version 2: `python tests/golden/memories/generate.py`.

Each is a zip of the files of one memory: those that are whole begin with `valid`, and each `broken` one is a valid one
with one thing done to it. `tests/core/test_golden_memories.py` says what opening each has to give.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

import protomem

FOLDER = Path(__file__).parent
NAME = "memory.duckdb"

VECTORS = [[1.0, 0.1, 0.0, 0.0], [1.0, 0.0, 0.1, 0.0], [0.0, 0.1, 1.0, 0.0], [0.1, 0.0, 1.0, 0.1]]
LABELS = ["delivery", ["courier", "delivery"], "refund", "refund"]
IDS = ["id-1", "id-2", "id-3", "id-4"]
SUBJECTS = ["ann", "bob", None, "ann"]


def fill(path: Path, retain: str, *, close: bool = True) -> None:
    """Learn three, forget one of them, learn one more; without `close` the process ends as if it were killed."""
    subjects = SUBJECTS if retain != "nothing" else [None] * 4
    memory = protomem.open(path, encoder=protomem.Vectors(4), width=16, retain=retain)  # type: ignore[arg-type]
    memory.learn(VECTORS[:2], LABELS[:2], IDS[:2], subjects[:2])
    third = memory.learn(VECTORS[2:3], LABELS[2:3], IDS[2:3], subjects[2:3])
    memory.forget(receipt=third)
    memory.learn(VECTORS[3:], LABELS[3:], IDS[3:], subjects[3:])
    if not close:
        os._exit(0)
    memory.close()


def killed(path: Path) -> None:
    """As `fill`, with a log beside the file."""
    subprocess.run([sys.executable, __file__, "--killed", str(path)], check=True)


def killed_without_log(path: Path) -> None:
    killed(path)
    _beside(path, ".wal").unlink()


def killed_with_a_cut_log(path: Path) -> None:
    killed(path)
    log = _beside(path, ".wal")
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])


def killed_without_mark(path: Path) -> None:
    killed(path)
    _beside(path, ".mark").unlink()


def older_than_its_mark(path: Path) -> None:
    """The file as it was before the last changes, put back beside the mark of later ones."""
    with TemporaryDirectory() as folder:
        other = Path(folder) / NAME
        killed(other)
        fill(path, "codes")
        with duckdb.connect(path) as file:
            file.execute("DELETE FROM receipts WHERE sequence = 4; DELETE FROM examples WHERE sequence = 4")
        shutil.copy(_beside(other, ".mark"), _beside(path, ".mark"))


def flipped(path: Path) -> None:
    """One bit of a block that is in use."""
    fill(path, "codes")
    content = bytearray(path.read_bytes())
    content[content.index(b"delivery")] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    fill(path, "codes")
    path.write_bytes(path.read_bytes()[:20_000])


def run(sql: str) -> Callable[[Path], None]:
    """A memory closed cleanly, on which this SQL was run by somebody."""

    def make(path: Path) -> None:
        fill(path, "codes")
        with duckdb.connect(path) as file:
            file.execute(sql)

    return make


def without_sums(path: Path) -> None:
    fill(path, "nothing")
    for sums in path.parent.glob("*.sums-*"):
        sums.unlink()


MAKERS: dict[str, Callable[[Path], None]] = {
    "valid-codes": lambda path: fill(path, "codes"),
    "valid-nothing": lambda path: fill(path, "nothing"),
    "valid-killed": killed,
    "broken-log-gone": killed_without_log,
    "broken-log-cut": killed_with_a_cut_log,
    "broken-mark-gone": killed_without_mark,
    "broken-older-than-its-mark": older_than_its_mark,
    "broken-bit-flipped": flipped,
    "broken-file-cut": cut,
    "broken-label-changed": run("UPDATE examples SET labels = ['refund'] WHERE id = 'id-1'"),
    "broken-row-gone": run("DELETE FROM examples WHERE id = 'id-1'"),
    "broken-receipts-gone": run("DELETE FROM receipts"),
    "broken-keys-gone": run("DELETE FROM meta WHERE key = 'signing_key'"),
    "broken-table-gone": run("DROP TABLE tombstones"),
    "broken-future-version": run("UPDATE meta SET value = '99' WHERE key = 'format_version'"),
    "broken-sums-gone": without_sums,
}


def main() -> None:
    for name, make in MAKERS.items():
        with TemporaryDirectory() as folder, zipfile.ZipFile(FOLDER / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as kept:
            make(Path(folder) / NAME)
            for file in sorted(Path(folder).iterdir()):
                kept.write(file, file.name)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--killed"]:
        fill(Path(sys.argv[2]), "codes", close=False)
    main()
