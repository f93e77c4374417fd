"""A memory in numbers on the command line; what to label next; and trimming."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

import protomem

Run = Callable[..., Result]
PNG = b"\x89PNG\r\n\x1a\n"


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def clouds(seed: int, count: int) -> tuple[np.ndarray, list[str]]:
    dice = np.random.default_rng(seed)
    which = dice.integers(0, 3, count)
    return np.eye(6)[which] + 0.2 * dice.normal(size=(count, 6)), [f"[b]class[/b] {one} $x$" for one in which]


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """A memory that learned sixty examples in six calls; the labels look like markup and like formulas."""
    path = tmp_path / "stream.duckdb"
    vectors, labels = clouds(1, 60)
    with protomem.open(path, encoder=protomem.Vectors(6), width=32) as memory:
        for start in range(0, 60, 10):
            memory.learn(vectors[start : start + 10], labels[start : start + 10])
    return path


@pytest.fixture
def recent(tmp_path: Path) -> Path:
    path = tmp_path / "recent.jsonl"
    vectors, _ = clouds(2, 120)
    path.write_text(
        "".join(json.dumps({"vector": row.tolist(), "id": f"r{n}"}) + "\n" for n, row in enumerate(vectors))
    )
    return path


def test_the_report_is_that_of_the_library(run: Run, stream: Path, recent: Path) -> None:
    shown = ("--recent", recent, "--vectors-column", "vector", "--windows", 4, "--no-drift")
    found = document(run("report", "-m", stream, *shown, "--json"))
    with protomem.open(stream) as memory:
        expected = memory.report(clouds(2, 120)[0], windows=4, false_alarm=None)
    assert found == json.loads(expected.to_json())
    table = run("report", "-m", stream, *shown)
    assert table.exit_code == 0, table.output
    assert "60 examples of 3 classes" in table.stdout
    assert "prequential accuracy" in table.stdout
    assert "16 to 30" in table.stdout
    assert "[b]class[/b]" in table.stdout
    assert "logistic" in table.stdout
    assert "drift" not in table.stdout


def test_drift_is_looked_for_unless_told_otherwise(run: Run, stream: Path) -> None:
    pytest.importorskip("river", reason="drift is found by river: protomem[streams]")
    table = run("report", "-m", stream, "--no-costs")
    assert table.exit_code == 0, table.output
    assert "no drift found" in table.stdout
    assert "analytic" not in table.stdout


def test_a_report_of_drift_says_where(run: Run, stream: Path, tmp_path: Path) -> None:
    pytest.importorskip("river", reason="drift is found by river: protomem[streams]")
    file = tmp_path / "strange.jsonl"
    rows = [*clouds(3, 300)[0], *(-clouds(4, 200)[0])]
    file.write_text("".join(json.dumps({"vector": row.tolist()}) + "\n" for row in rows))
    table = run("report", "-m", stream, "--recent", file, "--vectors-column", "vector")
    assert table.exit_code == 0, table.output
    assert "drift: strange items rose from" in " ".join(table.stdout.split())


def test_a_picture_is_drawn(run: Run, stream: Path, recent: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures are drawn by matplotlib: protomem[plots]")
    picture = tmp_path / "report.png"
    shown = ("--recent", recent, "--vectors-column", "vector", "--no-drift")
    result = run("report", "-m", stream, *shown, "--plot", picture)
    assert result.exit_code == 0, result.output
    content = picture.read_bytes()
    assert content.startswith(PNG)
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (1440, 1020)
    assert len(content) > 20_000  # the panels are there: an empty figure of this size has 5,000 bytes


def test_a_picture_of_nothing_is_drawn_too(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures are drawn by matplotlib: protomem[plots]")
    empty, picture = tmp_path / "empty.duckdb", tmp_path / "report.svg"
    protomem.open(empty, encoder=protomem.Vectors(6), width=32).close()
    result = run("report", "-m", empty, "--no-drift", "--plot", picture)
    assert result.exit_code == 0, result.output
    assert "0 examples of no class" in result.stdout
    assert "<svg" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("report.doc", "does not end like a picture: use one of"),
        ("none/report.png", "cannot be written: there is no folder"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_refused(
    run: Run, stream: Path, tmp_path: Path, file: str, said: str
) -> None:
    pytest.importorskip("matplotlib", reason="pictures are drawn by matplotlib: protomem[plots]")
    result = run("report", "-m", stream, "--no-drift", "--no-costs", "--plot", tmp_path / file)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("module", "flags", "extra"),
    [("river", (), "protomem[streams]"), ("matplotlib.figure", ("--no-drift", "--plot", "r.png"), "protomem[plots]")],
)
def test_a_missing_extra_is_named(
    run: Run, stream: Path, module: str, flags: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    result = run("report", "-m", stream, "--no-costs", *flags)
    assert result.exit_code == 1
    assert f"pip install '{extra}'" in result.stderr


# -------------------------------------------------------------------------------------------------------------- suggest


def test_suggestions_are_those_of_the_library(run: Run, stream: Path, recent: Path) -> None:
    shown = (recent, "-m", stream, "--vectors-column", "vector", "--count", 4)
    found = document(run("suggest", *shown, "--json"))["suggestions"]
    with protomem.open(stream) as memory:
        expected = memory.suggest(clouds(2, 120)[0], count=4)
    assert [(one["row"], one["value"]) for one in found] == [(one.position + 1, one.value) for one in expected]
    assert [one["item"] for one in found] == [str(one.position + 1) for one in expected]
    named = document(run("suggest", *shown, "--id-column", "id", "--json"))["suggestions"]
    assert [one["item"] for one in named] == [f"r{one.position}" for one in expected]
    table = run("suggest", *shown, "--id-column", "id")
    assert table.exit_code == 0, table.output
    assert all(f"r{one.position}" in table.stdout for one in expected)


# ----------------------------------------------------------------------------------------------------------------- trim


def test_trim_forgets_what_is_too_much(run: Run, stream: Path) -> None:
    found = document(run("trim", "-m", stream, "--to", 9, "--purge", "--yes", "--json"))
    assert (found["forgotten"], found["examples"]) == (51, 9)
    assert set(document(run("classes", "-m", stream, "--json"))["classes"].values()) == {3}
    assert run("verify", "-m", stream).exit_code == 0
    assert "forgot 0 examples; 9 are left" in run("trim", "-m", stream, "--to", 9).stdout


def test_trim_asks_first(run: Run, stream: Path) -> None:
    refused = run("trim", "-m", stream, "--to", 9)
    assert refused.exit_code == 1
    assert "Forget 51 of 60 examples" in refused.stderr
    assert document(run("classes", "-m", stream, "--json"))["examples"] == 60
