"""What cannot be asked is refused with what is wrong and what to try, whatever a memory keeps."""

from __future__ import annotations

import math
from typing import Any

import pytest

import protomem

WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "per_class alone": ({"per_class": True}, protomem.InvalidInput, "say their coverage too, such as cov"),
    "per_class, a number": ({"coverage": 0.9, "per_class": 1}, protomem.InvalidInput, "per_class is 1: .* True"),
    "thresholds, a number": ({"thresholds": 0.8}, protomem.InvalidInput, "a mapping of labels to probab"),
    "thresholds, unknown": (
        {"thresholds": {"a": 0.8, "z": 0.5}},
        protomem.NotRemembered,
        "thresholds names labels that are not remembered: 'z'",
    ),
    "thresholds, too high": ({"thresholds": {"a": 80}}, protomem.InvalidInput, r"thresholds\['a'\] is 80: it"),
    "thresholds, NaN": ({"thresholds": {"a": math.nan}}, protomem.InvalidInput, r"thresholds\['a'\] is nan: it"),
    "thresholds, a flag": ({"thresholds": {"a": True}}, protomem.InvalidInput, r"thresholds\['a'\] is True"),
    "thresholds, no label": (
        {"thresholds": {3: 0.5}},
        protomem.InvalidLabel,
        "of thresholds is a int: it must",
    ),
    "certainty": ({"certainty": 1}, protomem.InvalidInput, "certainty is 1: it must lie between 0 and 1"),
    "separator": ({"certainty": 0.8, "separator": ""}, protomem.InvalidInput, "separator is '': it must be wh"),
    "multi_label, a text": ({"multi_label": "yes"}, protomem.InvalidInput, "multi_label is 'yes': it must be"),
    "multi_label and coverage": ({"multi_label": True, "coverage": 0.9}, protomem.InvalidInput, "leave coverage"),
    "multi_label and certainty": (
        {"multi_label": True, "certainty": 0.9},
        protomem.InvalidInput,
        "do not add up over a level: leave certainty out",
    ),
    "multi_label and names": (
        {"multi_label": True, "name_prior": True},
        protomem.InvalidInput,
        "name_prior compares labels, which stand alone with multi_label: leave one of them out",
    ),
    "names and coverage": (
        {"name_prior": True, "coverage": 0.9},
        protomem.InvalidInput,
        "label sets compare with examples left out, .* leave out coverage or name_prior",
    ),
    "names of vectors": (
        {"name_prior": True},
        protomem.InvalidInput,
        "labels cannot be encoded by 'vectors:3': open a memory with a text encoder, or leave it out",
    ),
}


@pytest.mark.parametrize(("asked", "error", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("retain", ["codes", "nothing"])
def test_questions_that_make_no_sense(retain: Any, asked: dict[str, Any], error: Any, message: str) -> None:
    with protomem.open(None, encoder=protomem.Vectors(3), width=16, retain=retain) as memory:
        memory.learn([[1.0, 0.0, 0.2], [0.0, 1.0, 0.5]], ["a", "b"])
        answers = memory.predict([[1.0, 1.0, 1.0]])
        with pytest.raises(error, match=message):
            memory.predict([[1.0, 1.0, 1.0]], **asked)
        assert memory.predict([[1.0, 1.0, 1.0]]) == answers


def test_what_is_wrong_is_said_before_the_memory_is_looked_at() -> None:
    with (
        protomem.open(None, encoder=protomem.Vectors(3), width=16) as memory,
        pytest.raises(protomem.InvalidInput, match="certainty is 2"),
    ):
        memory.predict([[1.0, 1.0, 1.0]], certainty=2)
