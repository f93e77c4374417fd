"""What was done to a memory can be listed, handed out, and checked without the memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import protomem

Run = Callable[..., Result]
VECTORS = ("--vectors-column", "vector", "--id-column", "id", "--subject-column", "subject")


def document(result: Result, exit_code: int = 0) -> dict[str, Any]:
    assert result.exit_code == exit_code, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def history(run: Run, memory: Path) -> Path:
    """A memory that learned five, forgot ann's two, and was purged."""
    assert run("forget", "-m", memory, "--subject", "ann", "--purge", "--yes").exit_code == 0
    return memory


def test_receipts_lists_every_change(run: Run, history: Path) -> None:
    found = document(run("receipts", "-m", history, "--json"))
    assert [(one["kind"], one["count"]) for one in found["receipts"]] == [("learn", 5), ("forget", 2), ("purge", 2)]
    with protomem.open(history) as memory:
        assert found["public_key"] == memory.public_key
    table = run("receipts", "-m", history).stdout
    assert all(word in table for word in ("learn", "forget", "purge", found["public_key"]))


def test_receipts_shows_those_that_name_an_example(run: Run, history: Path) -> None:
    def kinds(id: str) -> list[str]:
        return [one["kind"] for one in document(run("receipts", "-m", history, "--id", id, "--json"))["receipts"]]

    assert kinds("e1") == ["learn", "forget", "purge"]
    assert kinds("e2") == ["learn"]
    assert kinds("never") == []


def test_an_exported_history_is_audited_without_the_memory(run: Run, history: Path, tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    key = document(run("receipts", "-m", history, "--export", file, "--json"))["public_key"]
    history.unlink()
    found = document(run("audit", file, "--public-key", key, "--json"))
    assert (found["ok"], found["receipts"]) == (True, 3)
    shown = run("audit", file, "--public-key", key)
    assert shown.exit_code == 0
    assert "WRONG" not in shown.stdout


def test_a_single_receipt_is_audited(run: Run, history: Path, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    found = document(run("receipts", "-m", history, "--json"))
    file.write_text(json.dumps(found["receipts"][1]), encoding="utf-8")
    checked = document(run("audit", file, "--public-key", found["public_key"], "--json"))
    assert [check["name"][:2] for check in checked["checks"]] == ["A2", "A3", "A4", "A5"]
    assert checked["ok"]


def test_a_changed_receipt_is_found_out(run: Run, history: Path, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    found = document(run("receipts", "-m", history, "--json"))
    file.write_text(json.dumps(found["receipts"][1] | {"at": "2020-01-01T00:00:00+00:00"}), encoding="utf-8")
    checked = document(run("audit", file, "--public-key", found["public_key"], "--json"), exit_code=1)
    assert [check["name"] for check in checked["checks"] if not check["ok"]] == ["A2 signature"]
    shown = run("audit", file, "--public-key", found["public_key"])
    assert (shown.exit_code, shown.stdout.count("WRONG")) == (1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no receipt: pass what `protomem receipts --export` wrote"),
        (b"\n \n", "holds no receipt"),
        (b"hello\n", "line 1: the receipt is no JSON"),
        (b"\xff\xfe", "cannot be read as text"),
        (b'{"version": 1}', "line 1: the receipt has other fields than a receipt"),
    ],
)
def test_a_file_without_receipts_is_refused(run: Run, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    result = run("audit", file, "--public-key", "00" * 32)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_public_key_is_refused(run: Run, history: Path, tmp_path: Path) -> None:
    file = tmp_path / "receipts.jsonl"
    run("receipts", "-m", history, "--export", file)
    result = run("audit", file, "--public-key", "my key")
    assert result.exit_code == 2
    assert "the public key must be 64 hex digits: memory.public_key shows it" in result.stderr


def test_an_export_to_nowhere_is_refused(run: Run, history: Path, tmp_path: Path) -> None:
    result = run("receipts", "-m", history, "--export", tmp_path / "no folder" / "file")
    assert result.exit_code == 1
    assert "the receipts cannot be written there: No such file or directory" in result.stderr


def test_purge_says_what_is_gone(run: Run, memory: Path) -> None:
    run("forget", "-m", memory, "--id", "e1", "--yes")
    assert document(run("purge", "-m", memory, "--json")) == {
        "purged": 1,
        "examples": 4,
        "receipt": document(run("receipts", "-m", memory, "--json"))["receipts"][-1]["id"],
    }
    assert "the bytes of 0 forgotten examples are gone; 4 examples are remembered" in run("purge", "-m", memory).stdout


def test_what_was_forgotten_is_learned_anew_only_if_asked(run: Run, points: Path, history: Path) -> None:
    refused = run("learn", points, "-m", history, *VECTORS)
    assert refused.exit_code == 1
    assert "forgotten before: 'e1', 'n1'; nothing was learned" in refused.stderr
    assert document(run("learn", points, "-m", history, *VECTORS, "--relearn", "--json"))["learned"] == 2


def test_verify_names_its_steps(run: Run, history: Path) -> None:
    found = document(run("verify", "-m", history, "--json"))
    assert [check["name"][:2] for check in found["checks"]] == ["V1", "V2", "V3", "V4", "V5"]
    assert found["ok"]


def test_a_memory_that_retains_nothing_forgets_by_the_file_of_its_receipts(
    run: Run, points: Path, tmp_path: Path
) -> None:
    path, file = tmp_path / "sums.duckdb", tmp_path / "receipts.jsonl"
    options = ("--vectors-column", "vector", "--id-column", "id", "--batch", 2, "--retain", "nothing", "--json")
    assert document(run("learn", points, "-m", path, *options, "--receipts", file))["learned"] == 5
    assert document(run("classes", "-m", path, "--json"))["classes"] == {"east": 2, "north": 2, "south": 1}
    answers = run("predict", "-m", path, "--file", points, "--vectors-column", "vector")
    assert answers.exit_code == 0
    assert "unknown" in answers.stdout  # novelty
    assert document(run("forget", "-m", path, "--receipt", file, "--purge", "--yes", "--json"))["forgotten"] == 5
    assert document(run("classes", "-m", path, "--json"))["classes"] == {}
    again = run("forget", "-m", path, "--receipt", file, "--yes")
    assert again.exit_code == 1
    assert "are not remembered; nothing was forgotten" in again.stderr


def test_retaining_nothing_without_keeping_the_receipts_is_refused(run: Run, points: Path, tmp_path: Path) -> None:
    path = tmp_path / "sums.duckdb"
    result = run("learn", points, "-m", path, *VECTORS[:4], "--retain", "nothing")
    assert result.exit_code == 2
    assert "say with --receipts in which file to put them" in result.stderr


def test_a_receipt_that_is_refused_among_others_leaves_no_doubt_about_those_before(
    run: Run, points: Path, tmp_path: Path
) -> None:
    path, file = tmp_path / "sums.duckdb", tmp_path / "receipts.jsonl"
    run("learn", points, "-m", path, *VECTORS[:4], "--batch", 2, "--retain", "nothing", "--receipts", file)
    first, _, third = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([first, first, third]), encoding="utf-8")
    result = run("forget", "-m", path, "--receipt", file, "--yes")
    assert result.exit_code == 1
    assert "receipt 2 of 3 is refused; the 2 examples of those before are forgotten" in result.stderr
    assert document(run("classes", "-m", path, "--json"))["examples"] == 3


def test_a_memory_that_keeps_codes_forgets_by_receipt_too(run: Run, points: Path, tmp_path: Path) -> None:
    path, file = tmp_path / "new.duckdb", tmp_path / "receipts.jsonl"
    run("learn", points, "-m", path, *VECTORS, "--receipts", file)
    assert document(run("forget", "-m", path, "--receipt", file, "--yes", "--json"))["forgotten"] == 5
