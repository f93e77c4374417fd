"""A path, a closed memory at it, and other processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.samples import receipt, row

from protomem.store import Write
from protomem_store import DuckDbStore

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A path in a folder of its own with nothing there yet."""
    return tmp_path / "memory.duckdb"


@pytest.fixture
def memory(path: Path) -> Path:
    """A closed memory of one row, `id-1`, and one receipt."""
    store = DuckDbStore(path)
    store.create({"encoder": "vectors"})
    store.write(Write(receipt(1), [row(1)]))
    store.close()
    return path


@pytest.fixture
def run() -> Run:
    """Run Python code with arguments in another process, to its end."""

    def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run
