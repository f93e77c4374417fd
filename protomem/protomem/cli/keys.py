"""`protomem keys`: who may use the HTTP service of a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from protomem.cli.shared import OUT, AsJson, cell, print_json, reported_errors
from protomem.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from protomem_api import KeyFile

__all__ = ["Data", "app", "key_file"]

Data = Annotated[
    Path, typer.Option("--data", "-d", metavar="DIR", envvar="PROTOMEM_DATA", help="The folder of the memories.")
]

app = typer.Typer(help="API keys of the HTTP service: make, list and delete them.", no_args_is_help=True)


def key_file(data: Path, *, create: bool = False) -> KeyFile:
    """The keys of a data folder, which is made if it is not there and `create` says so."""
    try:
        from protomem_api import KeyFile
    except ImportError as error:
        raise MissingExtra("the HTTP service", "server") from error
    try:
        if create:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(f"{data} cannot be a data folder ({error.strerror}): give --data another") from error
    if not data.is_dir():
        raise InvalidInput(f"{data} is no folder: give --data the folder that `protomem serve` serves")
    return KeyFile(data)


@app.command()
@reported_errors()
def create(
    data: Data,
    name: Annotated[str, typer.Option(help="What the key is for.")],
    role: Annotated[
        str, typer.Option(help="read, write or admin, each of which may do what those before it may; or contribute.")
    ] = "read",
    memory: Annotated[
        list[str] | None, typer.Option(help="A memory it is for; may come several times. All if none is named.")
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=HEX]",
            help="With the role contribute: a client whose contributions it may merge, and the public key that they "
            "must have; may come several times.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, this once."""
    clients = dict(map(_client, client)) if client else None
    keys = key_file(data, create=True)
    key, secret = keys.create(name, role, memory, clients)  # type: ignore[arg-type]  # checked there
    if as_json:
        print_json({"id": key.id, "secret": secret})
    else:
        typer.echo(secret)


def _client(given: str) -> tuple[str, str | None]:
    name, found, public_key = given.rpartition("=")
    return (name, public_key) if found else (given, None)


@app.command("list")
@reported_errors()
def list_keys(data: Data, as_json: AsJson = False) -> None:
    """The keys, without their secrets."""
    keys = key_file(data).all()
    if as_json:
        shown = [
            {name: getattr(key, name) for name in ("id", "name", "role", "memories", "clients", "created")}
            for key in keys
        ]
        print_json({"keys": shown})
        return
    table = Table("id", "name", "role", "memories", "clients", "created", box=None, pad_edge=False, padding=(0, 2))
    for key in keys:
        memories = "all" if key.memories is None else ", ".join(key.memories)
        clients = ", ".join(key.clients or ())
        table.add_row(key.id, cell(key.name, 40), key.role, cell(memories, 40), cell(clients, 40), key.created)
    OUT.print(table)


@app.command()
@reported_errors()
def delete(data: Data, id: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")]) -> None:
    """Delete a key; a server that runs refuses it within a second."""
    key_file(data).delete(id)
    typer.echo(f"deleted {id}")
