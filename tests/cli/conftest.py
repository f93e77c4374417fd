"""A memory of points in the plane, the files it is taught from, and the command line to run on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from protomem.cli.main import app

Run = Callable[..., Result]

POINTS = [
    {"id": "e1", "subject": "ann", "label": "east", "vector": [1.0, 0.1, 0.0, 0.0]},
    {"id": "e2", "subject": "bob", "label": "east", "vector": [1.0, -0.1, 0.1, 0.0]},
    {"id": "n1", "subject": "ann", "label": "north", "vector": [0.1, 1.0, 0.0, 0.0]},
    {"id": "n2", "subject": "bob", "label": "north", "vector": [0.0, 1.0, 0.1, 0.0]},
    {"id": "s1", "subject": None, "label": "south", "vector": [0.0, -1.0, 0.0, 0.1]},
]


@pytest.fixture
def run() -> Run:
    """`run("classes", "--memory", path)`: what `protomem classes --memory path` prints and its exit code."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """The points as a JSONL file."""
    path = tmp_path / "points.jsonl"
    path.write_text("".join(json.dumps(point) + "\n" for point in POINTS), encoding="utf-8")
    return path


@pytest.fixture
def memory(tmp_path: Path, points: Path, run: Run) -> Path:
    """A memory that was taught the points."""
    path = tmp_path / "points.duckdb"
    result = run("learn", points, "-m", path, *VECTORS)
    assert result.exit_code == 0, result.output
    return path


VECTORS = ("--vectors-column", "vector", "--id-column", "id", "--subject-column", "subject")
