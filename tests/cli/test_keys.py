"""`protomem keys`: made, listed and deleted in a data folder, and `protomem serve` refusing what it cannot do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from protomem_api import KeyFile

Run = Callable[..., Result]


def test_a_key_is_made_listed_and_deleted(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    made = run("keys", "create", "--data", folder, "--name", "website", "--role", "write", "--memory", "a", "--json")
    told = json.loads(made.stdout)
    listed = run("keys", "list", "--data", folder, "--json")
    [key] = json.loads(listed.stdout)["keys"]
    assert (key["id"], key["name"], key["role"], key["memories"]) == (told["id"], "website", "write", ["a"])
    assert told["secret"] not in listed.stdout
    assert KeyFile(folder).all()[0].sha256 not in listed.stdout
    assert "website" in run("keys", "list", "--data", folder).stdout
    assert run("keys", "delete", "--data", folder, told["id"]).exit_code == 0
    assert json.loads(run("keys", "list", "--data", folder, "--json").stdout) == {"keys": []}


def test_what_cannot_be_is_told(run: Run, tmp_path: Path) -> None:
    for arguments, code, message in (
        (("keys", "create", "--data", tmp_path, "--name", "x", "--role", "owner"), 2, "must be one of read, write"),
        (("keys", "create", "--data", tmp_path, "--name", " "), 2, "name is empty"),
        (("keys", "delete", "--data", tmp_path, "nobody"), 1, "there is no key 'nobody'"),
        (("serve", "--data", tmp_path, "--host", "192.0.2.1", "--no-auth"), 2, "loopback alone"),
        (("serve", "--data", tmp_path, "--set", "rate"), 2, "write NAME=VALUE"),
        (("serve", "--data", tmp_path, "--set", "rates=5"), 2, "rates"),
        (("serve",), 2, "data"),
    ):
        result = run(*arguments)
        assert (result.exit_code, message in result.stderr) == (code, True), (arguments, result.stderr)
