"""The commands do what they say, and with --json print one document and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

import protomem
from protomem import Explanation, KeyEvidence, PrototypeEvidence
from protomem.cli.answers import print_answer

Run = Callable[..., Result]
VECTORS = ("--vectors-column", "vector", "--id-column", "id", "--subject-column", "subject")


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout."""
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def digest(path: Path) -> str:
    with protomem.open(path, create=False) as memory:
        return memory.digest()


def test_learn_teaches_what_the_file_holds(run: Run, points: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    found = document(run("learn", points, "-m", path, *VECTORS, "--json"))
    assert (found["learned"], found["unchanged"], found["examples"], found["classes"]) == (5, 0, 5, 3)
    assert found["ids"] == ["e1", "e2", "n1", "n2", "s1"]
    assert found["digest"] == digest(path)
    with protomem.open(path, create=False) as memory:
        assert memory.classes() == {"east": 2, "north": 2, "south": 1}
        assert {example.id: example.subject for example in memory.examples()}["n1"] == "ann"


def test_learning_in_small_batches_gives_the_same_memory(run: Run, points: Path, memory: Path, tmp_path: Path) -> None:
    path = tmp_path / "batches.duckdb"
    found = document(run("learn", points, "-m", path, *VECTORS, "--batch", 2, "--json"))
    assert len(found["receipts"]) == 3
    assert digest(path) == digest(memory)


def test_learning_the_same_file_again_changes_nothing_and_says_so(run: Run, points: Path, memory: Path) -> None:
    before = digest(memory)
    found = document(run("learn", points, "-m", memory, *VECTORS, "--json"))
    assert (found["learned"], found["unchanged"]) == (0, 5)
    assert digest(memory) == before


def test_learn_selects_rows_by_condition(run: Run, points: Path, tmp_path: Path) -> None:
    path = tmp_path / "some.duckdb"
    found = document(run("learn", points, "-m", path, *VECTORS, "--where", "label <> 'south'", "--json"))
    assert found["examples"] == 4


def test_predict_answers_each_row_of_a_file(run: Run, points: Path, memory: Path) -> None:
    asked = ("--file", points, "--vectors-column", "vector", "--id-column", "id")
    found = document(run("predict", *asked, "-m", memory, "--top-k", 2, "--evidence", 1, "--coverage", 0.9, "--json"))
    by_id = {answer["item"]: answer for answer in found["answers"]}
    assert list(by_id) == ["e1", "e2", "n1", "n2", "s1"]
    assert by_id["e1"]["label"] == "east"
    assert by_id["e1"]["ranking"][0] == {"label": "east", "probability": by_id["e1"]["probability"]}
    assert len(by_id["e1"]["ranking"]) == 2
    assert by_id["e1"]["evidence"] == [{"id": "e1", "labels": ["east"], "similarity": pytest.approx(1.0), "item": None}]
    assert "east" in by_id["e1"]["label_set"]
    assert by_id["e1"]["abstained"] is False
    assert by_id["e1"]["heads"]


def test_predict_answers_only_among_the_labels_asked_for(run: Run, points: Path, memory: Path) -> None:
    asked = ("--file", points, "--vectors-column", "vector", "--among", "north", "--among", "south")
    found = document(run("predict", *asked, "-m", memory, "--json"))
    assert {answer["label"] for answer in found["answers"]} == {"north", "south"}


ASKED: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--coverage", "0.9", "--per-class"), {"coverage": 0.9, "per_class": True}),
    (("--task", "north"), {"among": "north"}),
    (("--threshold", "east=0.99", "--threshold", "north=0.1"), {"thresholds": {"east": 0.99, "north": 0.1}}),
    (("--certainty", "0.7", "--separator", "a"), {"certainty": 0.7, "separator": "a"}),
    (("--multi-label", "--explain"), {"multi_label": True, "explain": True}),
]


@pytest.mark.parametrize(("options", "asked"), ASKED, ids=lambda some: " ".join(map(str, some)))
def test_predict_asks_as_the_library_does(
    run: Run, points: Path, memory: Path, options: tuple[str, ...], asked: dict[str, Any]
) -> None:
    rows = ("--file", points, "--vectors-column", "vector")
    found = document(run("predict", *rows, *options, "-m", memory, "--json"))["answers"]
    vectors = [json.loads(line)["vector"] for line in points.read_text(encoding="utf-8").splitlines()]
    with protomem.open(memory, create=False) as opened:
        answers = opened.predict(vectors, **asked)
    for one, other in zip(found, answers, strict=True):
        assert (one["label"], one["probability"], one["abstained"]) == (other.label, other.probability, other.abstained)
        assert one["label_set"] == (None if other.label_set is None else sorted(other.label_set))
        assert one["explanation"] == (
            None if other.explanation is None else json.loads(json.dumps(asdict(other.explanation)))
        )


def test_an_answer_is_explained_in_full() -> None:
    told = Explanation(
        "card/lost",
        "refund",
        1.5,
        (("analytic", 1.0), ("names", 0.5)),
        (PrototypeEvidence(None, 0.75, 12), PrototypeEvidence(3, 0.5, 9)),
        (KeyEvidence(4, 17, 6, 12),),
    )
    answer = protomem.Answer("card", 0.9, (("card/lost", 0.6),), None, None, False, (), ("analytic",), told)
    console = Console(file=io.StringIO(), width=100)
    print_answer(console, "a text", answer)
    shown = console.file.getvalue()
    for line in (
        "answer     card (90.0 %)",
        "why card/lost and not refund: log-odds +1.50",
        "+0.50  names",
        "0.75  cosine with the mean of 12 examples",
        "0.50  cosine with mode 3 of 9 examples",
        "6 of 12  examples share key 17 of book 4",
    ):
        assert " ".join(line.split()) in " ".join(shown.split())


def test_predict_prints_a_line_for_each_row(run: Run, points: Path, memory: Path) -> None:
    result = run("predict", "--file", points, "--vectors-column", "vector", "--id-column", "id", "-m", memory)
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "north" in lines["n2"]
    assert "n2 (1.00)" in lines["n2"]


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (("--id", "e1", "--id", "s1"), {"e2", "n1", "n2"}),
        (("--subject", "ann"), {"e2", "n2", "s1"}),
        (("--label", "north"), {"e1", "e2", "s1"}),
    ],
)
def test_forget_removes_what_was_named(run: Run, memory: Path, choice: tuple[str, ...], left: set[str]) -> None:
    found = document(run("forget", *choice, "-m", memory, "--yes", "--json"))
    assert (found["forgotten"], found["examples"]) == (2, 3)
    assert found["digest"] == digest(memory)
    with protomem.open(memory, create=False) as opened:
        assert {example.id for example in opened.examples()} == left


def test_forget_asks_first_and_takes_no_for_an_answer(run: Run, memory: Path) -> None:
    before = digest(memory)
    refused = run("forget", "--subject", "ann", "-m", memory)  # nothing on stdin: no consent
    assert refused.exit_code == 1
    assert "Forget 2 of 5 examples" in refused.stderr
    assert digest(memory) == before


def test_classes_lists_counts_largest_first(run: Run, memory: Path) -> None:
    assert document(run("classes", "-m", memory, "--json")) == {
        "examples": 5,
        "classes": {"east": 2, "north": 2, "south": 1},
    }
    shown = run("classes", "-m", memory).stdout
    assert shown.index("east") < shown.index("north") < shown.index("south")
    assert "3 classes, 5 examples" in shown


def test_verify_passes_on_a_sound_memory(run: Run, memory: Path) -> None:
    found = document(run("verify", "-m", memory, "--json"))
    assert found["ok"] is True
    assert found["digest"] == digest(memory)
    assert found["checks"]
    assert all(set(check) == {"name", "ok", "detail"} for check in found["checks"])
    assert "WRONG" not in run("verify", "-m", memory).stdout


def test_what_others_wrote_cannot_speak_to_the_terminal(run: Run, tmp_path: Path) -> None:
    path, rows = tmp_path / "odd.duckdb", tmp_path / "odd.jsonl"
    rows.write_text(json.dumps({"label": "[bold]\x1b[2J", "vector": [1, 0]}) + "\n", encoding="utf-8")
    assert run("learn", rows, "-m", path, "--vectors-column", "vector").exit_code == 0
    shown = run("classes", "-m", path).stdout
    assert "[bold]·[2J" in shown
    assert "\x1b" not in shown


@pytest.mark.skipif(not list(Distribution.discover(name="protomem")), reason="protomem is on the path, not installed")
def test_version_is_printed(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("protomem ")
