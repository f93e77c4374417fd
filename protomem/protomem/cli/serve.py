"""`protomem serve`: the HTTP service on a folder of memories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from protomem.cli.keys import key_file
from protomem.cli.shared import reported_errors
from protomem.errors import InvalidInput, MissingExtra

__all__ = ["serve"]


@reported_errors()
def serve(
    data: Annotated[
        Path | None, typer.Option("--data", "-d", metavar="DIR", help="The folder of the memories.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen at; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="The port; 8000 by default.")] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="Ask for no API keys; on loopback alone.")] = False,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="A TOML file with settings.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting, such as rate=100; may come several times. A wrong name is told all of them.",
        ),
    ] = None,
) -> None:
    """Serve the memories of a folder over HTTP until stopped.

    Settings come from FILE, over them those of the environment (PROTOMEM_PORT=8000), over them those given here.
    """
    try:
        from protomem_api import read_settings, serve
    except ImportError as error:
        raise MissingExtra("the HTTP service", "server") from error
    given = {"data": data, "host": host, "port": port, "auth": False if no_auth else None}
    flags = {name: value for name, value in given.items() if value is not None}
    settings = read_settings(flags | dict(map(_pair, set_ or [])), os.environ, config)  # noqa: TID251  # the border
    serve(settings, (lambda: _first_key(settings.data)) if settings.auth else None)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"--set {text!r} has no value: write NAME=VALUE, such as --set rate=100")
    return name, value


def _first_key(data: Path) -> None:
    """Make a key for whoever starts the first server on a folder, and print it this once."""
    keys = key_file(data)
    if not keys.all():
        _, secret = keys.create("first", "admin")
        typer.echo(f"the first API key, with all rights, shown this once:\n\n    {secret}\n", err=True)
