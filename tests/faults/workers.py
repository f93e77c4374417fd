"""The test's side of `worker.py`: starts one, gives it jobs, kills its children, collects what they said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]

LONGEST = 300
"""Seconds after which a child that says nothing is taken for hanging and killed."""

Said = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """All that one child said, and how it ended: 0, or minus the number of a signal."""

    said: list[Said]
    ended: int

    @property
    def killed(self) -> bool:
        return self.ended == -signal.SIGKILL

    @property
    def done(self) -> int:
        """How many operations were acknowledged."""
        return max((line["done"] for line in self.said if "done" in line), default=0)


class Worker:
    """One worker process, with a library preloaded if given."""

    def __init__(self, library: Path | None = None) -> None:
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        preload = {"LD_PRELOAD": str(library)} if library else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            cwd=ROOT,
            env=os.environ | threads | preload,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run(self, watch: Callable[[Said, Callable[[], None]], None] | None = None, **job: Any) -> Outcome:
        """Have a child do this job. `watch` sees each line as it comes, with a function that kills the child.

        It may kill once, and only a child that has not ended: its number is then nobody's, or another's.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job, default=str) + "\n")
        self._process.stdin.flush()
        line = self._line()
        kill = partial(os.kill, line["process"], signal.SIGKILL)
        killer = threading.Timer(LONGEST, kill)
        killer.start()
        said: list[Said] = []
        try:
            while "ended" not in line:
                said.append(line)
                if watch is not None:
                    watch(line, kill)
                line = self._line()
        except BaseException:
            kill()
            while "ended" not in self._line():
                """What it says until then is of no interest."""
            raise
        finally:
            killer.cancel()
        crashes = [each["crash"] for each in said if "crash" in each]
        assert not crashes, crashes[0]
        return Outcome(said, line["ended"])

    def inspect(self, path: Path, **more: Any) -> Said:
        """What the memory at this path says of itself, or the error that it raises."""
        outcome = self.run(job="inspect", path=path, **more)
        assert outcome.ended == 0, f"opening {path} ended the process with {outcome.ended}"
        return outcome.said[-1]

    def _line(self) -> Said:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker ended"
        said: Said = json.loads(line)
        return said
