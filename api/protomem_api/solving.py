"""Heads solved by a process beside the server, whose many small steps then hold no lock that answers wait for."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import BinaryIO, Final, cast, final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes
from protomem.over_all import OverAll, solve_over_all
from protomem_api.frames import question, read_answer, write_frame
from protomem_api.logs import log
from protomem_api.threads import have_give_way

__all__ = ["APART_FROM", "SolvingProcess"]

Targets = npt.NDArray[np.bool_]

APART_FROM: Final = 256
"""Examples from which on the process solves. Fewer take some milliseconds where they are asked for, and a server of
such memories is spared a process of some 190 MB."""

PIPE_BYTES: Final = 256 * 1_024
"""On the way in one go, as many as Linux lets anybody have: 5.4 MB are read in 4 ms so."""

END_SECONDS: Final = 5.0
"""For the process to end by itself, which takes it a moment, before it is killed."""

FAILURES: Final = (OSError, EOFError, ValueError, MemoryError)
"""What comes of a process that cannot be started, that died, or that answers something else."""


@final
class SolvingProcess:
    """What `protomem.open(..., solve_over_all=)` of a server is told, by any of its threads.

    One process, started by the first who has enough examples, solves one at a time. Nobody waits for it to begin or for
    another's turn: he solves in his own thread, as is done where it fails, and comes to the same bits. One that failed
    is ended, and the next to come starts another.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._solver: Solver | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The id of the process, once it takes questions."""
        solver = self._solver
        return solver.pid if solver is not None and solver.has_begun else None

    def solve(self, codes: Codes, targets: Targets, *, centred: bool) -> OverAll:
        """As `protomem.over_all.solve_over_all`. Of many examples the process solves them, if it is there and idle."""
        found = self._apart(codes, targets, centred=centred) if len(codes) >= APART_FROM else None
        return solve_over_all(codes, targets, centred=centred) if found is None else found

    def close(self) -> None:
        """End the process, after what it is doing. Twice is once; whoever comes later solves by himself."""
        with self._turn:
            self._closed = True
            solver, self._solver = self._solver, None
            if solver is not None:
                solver.end()

    def _apart(self, codes: Codes, targets: Targets, *, centred: bool) -> OverAll | None:
        """What the process solved; None where it did not."""
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._asked(codes, targets, centred=centred)
        except FAILURES as error:
            self._drop(error)
            return None
        finally:
            self._turn.release()

    def _asked(self, codes: Codes, targets: Targets, *, centred: bool) -> OverAll | None:
        if self._solver is not None and self._solver.has_begun:
            return self._solver.solve(codes, targets, centred=centred)
        if self._solver is None and not self._closed:
            self._solver = Solver()
        return None

    def _drop(self, error: BaseException) -> None:
        solver, self._solver = self._solver, None
        status = None if solver is None else solver.kill()
        log.warning("solving process failed", error=type(error).__name__, status=status)


@final
class Solver:
    """One such process, which gives way as threads in the background do. For one thread at a time."""

    def __init__(self) -> None:
        """Start it. Raises `OSError` where that cannot be."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "protomem_api.solver"],  # -P: nothing is imported from the working directory
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            process_group=0,  # a Ctrl-C in a terminal is for the server, also while this begins
        )
        self.pid = self._process.pid
        self._questions = cast(BinaryIO, self._process.stdin)
        self._answers = cast(BinaryIO, self._process.stdout)
        self._begun = Event()
        self._beginning = Thread(target=self._begin, name="solver-begins", daemon=True)
        self._beginning.start()
        have_give_way(self.pid)

    @property
    def has_begun(self) -> bool:
        """Whether it takes questions by now, or has ended."""
        return self._begun.is_set()

    def solve(self, codes: Codes, targets: Targets, *, centred: bool) -> OverAll | None:
        """What it answers; None where the mathematics raised an error. Raises FAILURES, and is of no use then."""
        write_frame(self._questions, question(codes, targets, centred=centred))
        return read_answer(self._answers, targets.shape)

    def end(self) -> None:
        """Have it end, and see to it."""
        with suppress(OSError):  # it has ended before
            self._questions.close()
        with suppress(subprocess.TimeoutExpired):  # then it is killed
            self._process.wait(END_SECONDS)
        self.kill()

    def kill(self) -> int:
        """Its exit status, after its end."""
        self._process.kill()  # which does nothing to one that has ended
        status = self._process.wait()
        self._beginning.join()
        with suppress(OSError):  # what it was asked last may not have reached it
            self._questions.close()
        self._answers.close()
        return status

    def _begin(self) -> None:
        self._answers.read(1)  # BEGUN, or nothing at its end
        self._begun.set()
