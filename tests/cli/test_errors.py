"""Errors: one line on stderr, nothing on stdout, exit code 2 for wrong input and 1 for others, the memory unchanged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import protomem
from protomem.cli import classes as classes_command

Run = Callable[..., Result]
VECTORS = ("--vectors-column", "vector", "--id-column", "id")


def assert_refused(result: Result, code: int, message: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_wrong_input_is_exit_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("message,label\nx,a\n", encoding="utf-8")
    assert_refused(run("learn", path, "-m", tmp_path / "m.duckdb"), 2, "error: ")
    assert not (tmp_path / "m.duckdb").exists()


def test_wrong_usage_is_exit_code_2(run: Run, memory: Path) -> None:
    assert_refused(run("forget", "-m", memory), 2, "error: say what to forget: exactly one of")
    assert_refused(run("forget", "-m", memory, "--id", "e1", "--label", "east"), 2, "exactly one of")
    assert_refused(run("predict", "-m", memory), 2, "error: say what to ask about")
    assert_refused(
        run("predict", "-m", memory, "x", "--among", "east", "--task", "north"), 2, "either --among or --task"
    )
    assert_refused(run("predict", "-m", memory, "x", "--threshold", "east"), 2, "'east' is not LABEL=P: write it as in")
    assert_refused(run("predict", "-m", memory, "x", "--name-prior"), 2, "error: name_prior reads the labels' names")
    assert_refused(run("classes"), 2, "--memory")
    assert_refused(run("classify"), 2, "classify")


@pytest.mark.parametrize("command", ["classes", "verify"])
def test_a_memory_that_is_not_there_is_exit_code_1_and_is_not_made(run: Run, tmp_path: Path, command: str) -> None:
    path = tmp_path / "nowhere.duckdb"
    assert_refused(run(command, "-m", path, "--json"), 1, "error: there is no memory at")
    assert not path.exists()


def test_forgetting_what_is_not_there_is_exit_code_1(run: Run, memory: Path) -> None:
    for choice in (("--id", "zz"), ("--subject", "zz"), ("--label", "zz")):
        assert_refused(run("forget", *choice, "-m", memory, "--yes"), 1, "zz")


def test_a_file_that_is_no_memory_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "letter.duckdb"
    path.write_text("dear all", encoding="utf-8")
    assert_refused(run("classes", "-m", path), 1, "error: ")
    assert path.read_text(encoding="utf-8") == "dear all"


def test_a_batch_that_is_refused_says_which_rows_and_what_stays(run: Run, tmp_path: Path) -> None:
    rows, memory = tmp_path / "rows.jsonl", tmp_path / "m.duckdb"
    good = '{"label": "a", "vector": [1, 0], "id": "x"}\n'
    rows.write_text(good + '{"label": "a", "vector": [0, 0], "id": "y"}\n', encoding="utf-8")
    result = run("learn", rows, "-m", memory, *VECTORS, "--batch", 1)
    assert_refused(result, 2, "nothing of rows 2 to 2 of")
    assert "the 1 rows before are remembered" in result.stderr
    with protomem.open(memory, create=False) as opened:
        assert [example.id for example in opened.examples()] == ["x"]


def test_an_id_learned_with_other_content_is_exit_code_1_and_changes_nothing(
    run: Run, memory: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"label": "west", "vector": [-1, 0, 0, 0], "id": "e1"}\n', encoding="utf-8")
    assert_refused(run("learn", rows, "-m", memory, *VECTORS), 1, "e1")
    with protomem.open(memory, create=False) as opened:
        assert opened.classes() == {"east": 2, "north": 2, "south": 1}


def test_a_defect_is_not_hidden(run: Run, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no ProtomemError goes up with its traceback."""

    def fail(path: Path) -> protomem.Memory:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(classes_command, "open_existing", fail)
    assert isinstance(run("classes", "-m", memory).exception, ZeroDivisionError)
