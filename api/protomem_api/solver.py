"""The process that solves for a server, `python -m protomem_api.solver`: frames in, frames out, until nothing comes.

It ends with the server, whatever ended that: then its standard input ends. Between two questions it holds nothing of
either.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import BinaryIO

import numpy as np

from protomem.beside import begin_helpers_with
from protomem.blas import one_blas_thread
from protomem.over_all import OverAll, solve_over_all
from protomem_api.frames import BEGUN, asked, read_frame, write_answer
from protomem_api.threads import give_all_way

__all__ = ["main"]


def main() -> None:
    """Answer every question, one after another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the server, which may still need what is solved
    begin_helpers_with(give_all_way)
    with suppress(EOFError, BrokenPipeError), _standard_output() as answers, one_blas_thread():
        answers.write(BEGUN)
        answers.flush()
        while True:
            write_answer(answers, _solved(read_frame(sys.stdin.buffer)))


def _standard_output() -> BinaryIO:
    """It, for frames alone: whatever else is printed there goes to standard error from now on."""
    alone = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return alone


def _solved(document: bytes) -> OverAll | None:
    """What is asked for; None where the mathematics raises an error, to which the server then comes by itself."""
    codes, targets, centred = asked(document)
    try:
        return solve_over_all(codes, targets, centred=centred)
    except np.linalg.LinAlgError:
        return None


if __name__ == "__main__":
    main()
