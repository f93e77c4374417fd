"""The configuration of Flower: what is listed is what is read, and what cannot be is refused by name."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from protomem.errors import InvalidInput
from protomem_flower import APP, ClientSettings, CoordinatorSettings
from protomem_flower.settings import Value


def test_the_app_lists_every_setting_with_its_default() -> None:
    app = tomllib.loads((APP / "pyproject.toml").read_text("utf-8"))["tool"]["flwr"]["app"]
    listed = {name.replace("-", "_"): value for name, value in app["config"].items()}
    assert listed.keys() == {field.name for field in fields(CoordinatorSettings)}
    assert CoordinatorSettings.of(app["config"] | {"memory": "m.duckdb"}) == CoordinatorSettings(Path("m.duckdb"))
    assert CoordinatorSettings.of({"memory": "m.duckdb"}) == CoordinatorSettings(Path("m.duckdb"))


def test_a_client_grants_what_both_sides_allow() -> None:
    asked = ClientSettings.of({"memory": "m", "client": "c", "level": "codebooks", "min-count": 5})
    assert asked.granted("full", 2) == ("codebooks", 5)
    assert asked.granted("prototypes", 9) == ("prototypes", 9)


def test_names_are_parted_by_commas(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"a": "12" * 32}), "utf-8")
    found = CoordinatorSettings.of({"memory": "m", "withdraw": "a, b c,", "keys": str(keys)})
    assert found.withdraw == ("a", "b c")
    assert found.keys == {"a": "12" * 32}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": "12"}', "with keys of 64 hex digits as"),
        (json.dumps({"a": "AB" * 32}), "with keys of 64 hex digits as"),
        (json.dumps({"a": 12}), "with keys of 64 hex digits as"),
        (json.dumps(["12" * 32]), "must be one JSON object"),
        (f'{{"a": "{"12" * 32}", "a": "{"34" * 32}"}}', "a name is there twice"),
        ("{", "cannot be read as JSON"),
    ],
    ids=["too short", "capitals", "a number", "a list", "twice", "no JSON"],
)
def test_keys_that_no_client_can_have_are_refused(text: str, why: str, tmp_path: Path) -> None:
    """Every contribution would be refused for them, or the second key of a name hide the first."""
    keys = tmp_path / "keys.json"
    keys.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=why):
        CoordinatorSettings.of({"memory": "m", "keys": str(keys)})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "memory is None"),
        ({"memory": ""}, "memory is ''"),
        ({"memory": 3}, "memory is 3"),
        ({"memory": "m", "level": "all"}, "level is 'all'"),
        ({"memory": "m", "rounds": 0}, "rounds is 0"),
        ({"memory": "m", "rounds": True}, "rounds is True"),
        ({"memory": "m", "clients": 1.5}, r"clients is 1\.5"),
        ({"memory": "m", "timeout": -1.0}, r"timeout is -1\.0"),
        ({"memory": "m", "wait": float("nan")}, "wait is nan"),
        ({"memory": "m", "withdraw": 4}, "withdraw is 4"),
        ({"memory": "m", "keys": "/nowhere/keys.json"}, "cannot be read as JSON"),
        ({"memory": "m", "report": "/nowhere/report.json"}, "whose folder is not there"),
    ],
)
def test_what_cannot_be_is_refused_by_name(config: dict[str, Value], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        CoordinatorSettings.of(config)
