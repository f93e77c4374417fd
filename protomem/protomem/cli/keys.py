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
    role: Annotated[str, typer.Option(help="read, write or admin; each may do what those before it may.")] = "read",
    memory: Annotated[
        list[str] | None, typer.Option(help="A memory it is for; may come several times. All if none is named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, this once."""
    if role not in ("read", "write", "admin"):
        raise InvalidInput(f"role is {role!r}: it must be one of read, write, admin")
    key, secret = key_file(data, create=True).create(name, role, memory)  # type: ignore[arg-type]  # checked just above
    if as_json:
        print_json({"id": key.id, "secret": secret})
    else:
        typer.echo(secret)


@app.command("list")
@reported_errors()
def list_keys(data: Data, as_json: AsJson = False) -> None:
    """The keys, without their secrets."""
    keys = key_file(data).all()
    if as_json:
        shown = [
            {"id": key.id, "name": key.name, "role": key.role, "memories": key.memories, "created": key.created}
            for key in keys
        ]
        print_json({"keys": shown})
        return
    table = Table("id", "name", "role", "memories", "created", box=None, pad_edge=False, padding=(0, 2))
    for key in keys:
        memories = "all" if key.memories is None else ", ".join(key.memories)
        table.add_row(key.id, cell(key.name, 40), key.role, cell(memories, 40), key.created)
    OUT.print(table)


@app.command()
@reported_errors()
def delete(data: Data, id: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.")]) -> None:
    """Delete a key; a server that runs refuses it within a second."""
    key_file(data).delete(id)
    typer.echo(f"deleted {id}")
