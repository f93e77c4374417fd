"""A worker for a module of tests, with and without the library that makes system calls fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.faults.interposer import compiled
from tests.faults.workers import Worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """A worker whose system calls are its own."""
    with Worker() as started:
        yield started


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker whose system calls can be made to fail."""
    with Worker(compiled(tmp_path_factory.mktemp("library"))) as started:
        yield started
