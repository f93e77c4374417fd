"""Settings come from a file, the environment and flags, in this order, and are checked once."""

from __future__ import annotations

from pathlib import Path

import pytest

from protomem import InvalidInput
from protomem_api import read_settings


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "protomem.toml"
    file.write_text('data = "from-file"\nport = 1\nrate = 7\nencoders = ["a", "b"]\n')
    environment = {"PROTOMEM_PORT": "2", "PROTOMEM_ITEMS": "20", "PROTOMEM_ENCODERS": "c,d", "PORT": "9"}
    found = read_settings({"port": 3, "idle_seconds": "1.5"}, environment, file)
    assert (found.data, found.rate, found.port) == (Path("from-file"), 7, 3)
    assert (found.items, found.encoders, found.idle_seconds) == (20, ("c", "d"), 1.5)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({}, "give --data DIR, or set PROTOMEM_DATA"),
        ({"data": "d", "port": "many"}, "the setting port is wrong: Expected `int`"),
        ({"data": "d", "port": 70_000}, "the setting port is wrong"),
        ({"data": "d", "prot": 8000}, "there is no setting prot: there are data, host, port, auth"),
        ({"data": "d", "rate": -1}, "the setting rate is wrong"),
        ({"data": "d", "auth": False, "host": "0.0.0.0"}, "loopback alone, not at 0.0.0.0"),  # noqa: S104
    ],
    ids=str,
)
def test_what_cannot_be_is_named(flags: dict, match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        read_settings(flags, {}, None)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing\.toml cannot be read"):
        read_settings({}, {}, tmp_path / "nothing.toml")
