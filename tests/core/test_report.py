"""A report counts rightly what hand-counting counts, says where a stream changed, and refuses what it cannot say."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.core.drawing import SPACE

import protomem
from protomem.memory_report import Confusion, LabelCount
from protomem.reporting import Inventory, Wanted, report
from protomem.streams import Outcome

Vectors = npt.NDArray[np.float64]


def clouds(seed: int, count: int, centres: int, spread: float = 0.3) -> tuple[Vectors, list[str]]:
    """Points around `centres` fixed directions of 8, with the name of each."""
    dice = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(10, 8))
    which = dice.integers(0, centres, count)
    return directions[which] + spread * dice.normal(size=(count, 8)), [f"class {one}" for one in which]


def opened(retain: Any = None) -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(8), width=64, retain=retain)


def test_classes_are_counted() -> None:
    with opened() as memory:
        vectors, _ = clouds(1, 6, 3)
        memory.learn(vectors, ["b", "b", "b", "a", "c", ["c", "d"]])
        sizes = memory.report(false_alarm=None).classes
    assert sizes.count == 4
    assert sizes.largest == LabelCount("b", 3)
    assert sizes.smallest == LabelCount("a", 1)
    assert sizes.singletons == 2


def test_mistakes_and_windows_are_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = [
        Outcome(4, 1, ("a",), "a", is_right=True, is_known=True, novelty=0.5),
        Outcome(5, 1, ("a",), "b", is_right=False, is_known=True, novelty=0.04),
        Outcome(6, 2, ("z",), "b", is_right=False, is_known=False, novelty=0.05),
        Outcome(7, 2, ("a",), "b", is_right=False, is_known=True, novelty=0.9),
    ]
    monkeypatch.setattr("protomem.reporting.replay", lambda *_: tested)
    held = Inventory(8, {"a": 8}, [], None)
    stream = report(SPACE, held, [0.01, 0.2, 0.05], Wanted(4, None, costs=False), None).stream
    assert stream is not None
    assert (stream.tested, stream.accuracy, stream.accuracy_known) == (4, 0.25, pytest.approx(1 / 3))
    first, second = stream.windows
    assert (first.start, first.end, first.accuracy, first.new_labels, first.strange) == (4, 6, 0.5, 0, 0.5)
    assert (second.start, second.end, second.accuracy, second.new_labels, second.strange) == (6, 8, 0.0, 1, 0.5)
    assert (first.novelty, second.novelty) == (pytest.approx(0.27), pytest.approx(0.475))
    (recent,) = stream.recent
    assert (recent.tested, recent.accuracy, recent.new_labels) == (3, None, None)
    assert recent.strange == pytest.approx(2 / 3)
    assert stream.confused == (Confusion(("a",), "b", 2),)
    assert (stream.alarms, stream.false_alarm) == (None, None)


def test_a_report_is_json_without_loss() -> None:
    with opened() as memory:
        memory.learn(*clouds(1, 40, 3))
        found = memory.report(clouds(2, 60, 3)[0], windows=4, false_alarm=None)
    assert json.loads(found.to_json()) == json.loads(json.dumps(found.to_dict()))
    assert json.loads(found.to_json())["stream"]["recent"][0]["accuracy"] is None


def test_strange_recent_items_raise_an_alarm_where_they_begin() -> None:
    pytest.importorskip("river", reason="drift is found by river: protomem[streams]")
    steady, strange = clouds(3, 400, 3)[0], -10 * clouds(4, 200, 3)[0]
    with opened() as memory:
        memory.learn(*clouds(2, 400, 3))
        digest = memory.digest()
        calm = memory.report(steady, costs=False).stream
        drifted = memory.report(np.concatenate([steady, strange]), costs=False).stream
        assert memory.digest() == digest
    assert calm is not None
    assert drifted is not None
    assert calm.alarms == ()
    assert drifted.alarms is not None
    (alarm,) = drifted.alarms
    assert (alarm.of, drifted.length) == ("novelty", 400)
    assert 795 <= alarm.began <= 805
    assert 800 <= alarm.found < 900
    assert alarm.after > 0.9


def test_new_classes_raise_an_alarm_of_error() -> None:
    pytest.importorskip("river", reason="drift is found by river: protomem[streams]")
    old, new = clouds(5, 900, 3, 0.1), clouds(6, 300, 3, 0.1)
    with opened() as memory:
        for start in range(0, 900, 100):
            memory.learn(old[0][start : start + 100], old[1][start : start + 100])
        memory.learn(new[0], [f"renamed {label}" for label in new[1]])
        stream = memory.report(windows=12, costs=False).stream
    assert stream is not None
    alarms = [one for one in stream.alarms or () if one.of == "error"]
    assert alarms[0].began == pytest.approx(900, abs=5)
    assert [one.new_labels for one in stream.windows][8] == 100


# --------------------------------------------------------------------------------------------------------------- errors


def test_a_memory_of_sums_has_sizes_and_bytes_and_no_stream() -> None:
    with opened("nothing") as memory:
        memory.learn(*clouds(1, 20, 3))
        found = memory.report()
        assert found.stream is None
        assert (found.examples, found.classes.count) == (20, 3)
        assert found.costs is not None
        assert [head.name for head in found.costs.heads] == ["analytic", "discriminant", "prototypes", "codebooks"]
        with pytest.raises(protomem.InvalidInput, match=r'recent= .* this memory retains "nothing"'):
            memory.report(clouds(2, 5, 3)[0])


def test_an_empty_memory_has_an_empty_report() -> None:
    with opened() as memory:
        found = memory.report(false_alarm=None)
        assert (found.examples, found.classes.count, found.classes.largest, found.costs) == (0, 0, None, None)
        assert found.stream is not None
        assert (found.stream.windows, found.stream.accuracy) == ((), None)
        with pytest.raises(protomem.EmptyMemory, match="nothing is remembered yet"):
            memory.report(clouds(2, 5, 3)[0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"windows": 1}, "windows is 1: it must be a whole number, at least 2"),
        ({"windows": "many"}, "windows is 'many'"),
        ({"false_alarm": 0.0}, r"false_alarm is 0\.0: it must lie between 0 and 1"),
        ({"false_alarm": 2}, "false_alarm is 2"),
        ({"recent": [[1.0]]}, r"got an array \(1, 1\), expected \(n, 8\)"),
    ],
)
def test_wrong_input_is_refused(wrong: dict[str, Any], said: str) -> None:
    with opened() as memory:
        memory.learn(*clouds(1, 10, 3))
        with pytest.raises(protomem.InvalidInput, match=said):
            memory.report(**wrong)


def test_without_river_drift_is_refused_and_the_rest_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river", None)
    with opened() as memory:
        memory.learn(*clouds(1, 10, 3))
        with pytest.raises(protomem.MissingExtra, match=r"pip install 'protomem\[streams\]'"):
            memory.report()
        stream = memory.report(false_alarm=None).stream
    assert stream is not None
    assert stream.alarms is None
