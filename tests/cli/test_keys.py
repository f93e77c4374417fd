"""`protomem keys`: made, listed and deleted in a data folder, and `protomem serve` refusing what it cannot do."""

from __future__ import annotations

import json
import socket
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


def test_a_key_of_clients_is_made_and_listed(run: Run, tmp_path: Path) -> None:
    public_key = "ab" * 32
    clients = ("--client", "clinic-7", "--client", f"a=b={public_key}")
    assert run("keys", "create", "--data", tmp_path, "--name", "x", "--role", "contribute", *clients).exit_code == 0
    [key] = json.loads(run("keys", "list", "--data", tmp_path, "--json").stdout)["keys"]
    assert (key["role"], key["clients"]) == ("contribute", {"clinic-7": None, "a=b": public_key})
    assert "clinic-7" in run("keys", "list", "--data", tmp_path).stdout


def test_what_cannot_be_is_told(run: Run, tmp_path: Path) -> None:
    file, damaged = tmp_path / "file", tmp_path / "damaged"
    file.touch()
    damaged.mkdir()
    (damaged / "keys.json").write_text("{}")
    for arguments, code, message in (
        (("keys", "create", "--data", tmp_path, "--name", "x", "--role", "owner"), 2, "must be one of read, write"),
        (("keys", "create", "--data", tmp_path, "--name", " "), 2, "name is empty"),
        (("keys", "create", "--data", tmp_path, "--name", "x", "--role", "contribute"), 2, "clients is missing"),
        (("keys", "create", "--data", tmp_path, "--name", "x", "--client", "c"), 2, "of the role contribute alone"),
        (
            ("keys", "create", "--data", tmp_path, "--name", "x", "--role", "contribute", "--client", "c=ab"),
            2,
            "no public key for 'c'",
        ),
        (("keys", "delete", "--data", tmp_path, "nobody"), 1, "there is no key 'nobody'"),
        (("serve", "--data", tmp_path, "--host", "192.0.2.1", "--no-auth"), 2, "loopback alone"),
        (("serve", "--data", tmp_path, "--set", "rate"), 2, "write NAME=VALUE"),
        (("serve", "--data", tmp_path, "--set", "rates=5"), 2, "there is no setting rates: there are data,"),
        (("serve",), 2, "give --data DIR"),
        (("serve", "--data", file, "--port", "0"), 1, "cannot be the data folder (File exists)"),
        (("serve", "--data", tmp_path, "--host", "192.0.2.1"), 2, "this machine has no such address"),
        (("serve", "--data", damaged, "--port", "0"), 1, "keys.json cannot be read as keys"),
        (("keys", "list", "--data", damaged), 1, "restore it from a copy, or move it away"),
        (("keys", "create", "--data", file, "--name", "x"), 2, "cannot be a data folder (File exists)"),
        (("keys", "list", "--data", tmp_path / "typo"), 2, "typo is no folder: give --data the folder"),
        (("keys", "create", "--data", tmp_path, "--name", "x", "--memory", "A b"), 2, "'A b' is no name of a memory"),
    ):
        result = run(*arguments)
        assert (result.exit_code, message in result.stderr) == (code, True), (arguments, result.stderr)
    assert not (tmp_path / "typo").exists()
    assert not (tmp_path / "keys.json").exists()


def test_a_port_that_is_taken_is_told_and_nothing_is_made(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "--data", tmp_path / "new", "--port", port)
    assert result.exit_code == 2
    assert f"cannot listen at 127.0.0.1:{port}: another program has port {port}" in result.stderr
    assert "pm_" not in result.output
    assert not (tmp_path / "new").exists()
