"""Run something again and again, each time in a process that is killed some lines of the store later than before.

    python crashing.py FOLDER ACTION LINES

prepares FOLDER/prepared once, and makes FOLDER/0000 and one for every LINES lines of it, each as a kill left it. The
last one is that of a process that came to its end. Beside each lies `acknowledged`, which is there if the action had
returned.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.store.samples import id_hash, receipt, row

import protomem_store
from protomem.store import Write
from protomem_store import DuckDbStore

PACKAGE = str(Path(protomem_store.__file__).parent)
NAME = "memory.duckdb"


def prepare(path: Path) -> None:
    """A memory with three rows, a tombstone and a snapshot, the last write of which is still in its log."""
    store = DuckDbStore(path)
    store.create({"encoder": "vectors"})
    store.write(Write(receipt(1), [row(1), row(2), row(3)]))
    store.write(Write(receipt(2, "forget"), removed=["id-3"], buried=[id_hash(3)]))
    store.close()
    store = DuckDbStore(path)
    store.write(Write(receipt(3), [row(4)]))
    store.keep_snapshot(b"picture")
    for file in path.parent.iterdir():
        shutil.copy(file, path.parent.parent)
    store.close()
    for file in path.parent.iterdir():
        file.unlink()
    for file in path.parent.parent.glob(f"{NAME}*"):
        file.replace(path.parent / file.name)


ACTIONS: dict[str, Callable[[DuckDbStore], object]] = {
    "learn": lambda store: store.write(Write(receipt(4), [row(5)])),
    "forget": lambda store: store.write(Write(receipt(4, "forget"), removed=["id-1"], buried=[id_hash(1)])),
    "purge": lambda store: store.purge(receipt(4, "purge")),
    "snapshot": lambda store: store.keep_snapshot(b"other"),
    "close": lambda store: store.close(),
    "open": lambda store: store.settings(),  # here opening itself is cut short as well
}


def die_at(number: int) -> Callable[[FrameType, str, Any], Any]:
    """A tracer that ends the process before the line of this number is run in the store.

    A line counts the first two times that it is run: after that a loop repeats what was looked at.
    """
    lines = itertools.count()
    times: Counter[tuple[str, int]] = Counter()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            place = frame.f_code.co_filename, frame.f_lineno
            times[place] += 1
            if times[place] <= 2 and next(lines) == number:
                os._exit(9)
        return trace

    return trace


def run(folder: Path, action: str, number: int) -> None:
    """In a process of its own: the action on a fresh copy, up to that line."""
    shutil.copytree(folder.parent / "prepared", folder)
    tracer = die_at(number)
    if action == "open":
        sys.settrace(tracer)
    store = DuckDbStore(folder / NAME)
    sys.settrace(tracer)
    ACTIONS[action](store)
    sys.settrace(None)
    (folder / "acknowledged").touch()
    os._exit(0)


def main() -> None:
    base, action, lines = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    (base / "prepared").mkdir(parents=True)
    prepare(base / "prepared" / NAME)
    for number in itertools.count(step=lines):
        child = os.fork()
        if child == 0:
            run(base / f"{number:04}", action, number)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


if __name__ == "__main__":
    main()
