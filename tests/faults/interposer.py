"""The shared library of `faults.c`: compiled here, preloaded into a worker, driven from inside it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")


class Act(IntEnum):
    """What happens at the chosen call; the numbers are those of `faults.c`."""

    COUNT = 0
    FAIL_ONCE = 1
    FAIL_FROM_THERE_ON = 2
    KILL_BEFORE = 3
    KILL_AFTER = 4
    KILL_HALFWAY = 5  # half of the bytes of a write reach the file; other calls are done whole


def compiled(folder: Path) -> Path:
    """The library, built in this folder. Skips the test where it cannot be."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("system calls are interposed on Linux, with a C compiler: neither is optional for this test")
    library = folder / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


class Interposer:
    """The library as it was preloaded into this very process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.faults_trace.restype = ctypes.c_char_p

    def arm(self, folder: Path, act: Act, at: int, error: int) -> None:
        """From now on count the calls that change files under the folder, and act at call number `at`, from 1."""
        self._library.faults_arm(str(folder.resolve()).encode(), int(act), ctypes.c_long(at), error)

    def disarm(self) -> list[str]:
        """Stop; the calls there were."""
        self._library.faults_disarm()
        return str(self._library.faults_trace().decode()).splitlines()
