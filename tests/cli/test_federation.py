"""`protomem contribute`, `merge` and `withdraw` give the central memory, and say what they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import protomem

Run = Callable[..., Result]


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout."""
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def coordinator(tmp_path: Path) -> Path:
    """A memory of the same space that was taught nothing."""
    path = tmp_path / "coordinator.duckdb"
    protomem.open(path, encoder=protomem.Vectors(4)).close()
    return path


def test_what_was_contributed_is_merged_and_withdrawn(
    run: Run, memory: Path, coordinator: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part.safetensors"
    sent = document(run("contribute", "-m", memory, "--client", "clinic", "-o", part, "--json"))
    assert (sent["client"], sent["sequence"], sent["since"], sent["level"]) == ("clinic", 1, 0, "full")
    assert (sent["count"], sent["labels"], sent["bytes"]) == (5, 3, part.stat().st_size)
    merged = document(run("merge", part, part, "-m", coordinator, "--key", f"clinic={sent['public_key']}", "--json"))
    assert (merged["merged"], merged["clients"], merged["examples"]) == (2, 1, 5)
    assert merged["digest"] == sent["digest"]
    assert len(set(merged["receipts"])) == 1
    gone = document(run("withdraw", "clinic", "-m", coordinator, "--json"))
    assert (gone["withdrawn"], gone["examples"]) == (5, 0)


def test_the_commands_say_what_they_did(run: Run, memory: Path, coordinator: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.safetensors"
    said = run("contribute", "-m", memory, "--client", "clinic", "-o", part, "--level", "prototypes", "--min-count", 2)
    assert said.exit_code == 0, said.output
    assert "contribution 1 of clinic, everything: 4 examples of 2 labels" in said.stdout
    again = run("contribute", "-m", memory, "--client", "clinic", "-o", tmp_path / "two", "--level", "prototypes")
    assert "contribution 2 of clinic, the difference against number 1: 1 examples of 1 labels" in again.stdout
    assert (
        "merged 2 contributions; 5 examples, of 1 clients and its own"
        in run("merge", part, tmp_path / "two", "-m", coordinator).stdout
    )
    assert "withdrew 5 examples of clinic; 0 are left" in run("withdraw", "clinic", "-m", coordinator).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("merge", "nowhere"), 2, "nowhere: the contribution cannot be read"),
        (("merge", __file__), 2, "error: C1: this is no contribution"),
        (("merge", __file__, "--key", "clinic"), 2, "--key 'clinic': write CLIENT=HEX"),
        (("withdraw", "nobody"), 1, "nothing of the client 'nobody' is merged"),
    ],
)
def test_what_is_refused_is_said(run: Run, coordinator: Path, arguments: tuple[str, ...], code: int, why: str) -> None:
    result = run(*arguments, "-m", coordinator)
    assert result.exit_code == code
    assert why in result.stderr
