"""What the commands share: their common options, the two consoles, errors, progress and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

import protomem
from protomem.errors import InvalidInput, NotAMemory, ProtomemError
from protomem.progress import Progress as Reports
from protomem.reports import Check
from protomem.settings import Retain

__all__ = [
    "ERR",
    "OUT",
    "AsJson",
    "MemoryPath",
    "OpenMemory",
    "bar",
    "cell",
    "name_of",
    "open_existing",
    "open_or_create",
    "open_server",
    "percent",
    "print_checks",
    "print_json",
    "progress_bar",
    "reported_errors",
]

OUT = Console(highlight=False)
ERR = Console(highlight=False, stderr=True)

KEY = "PROTOMEM_API_KEY"
"""The environment variable of the API key: an option would show it to everyone who may list processes."""

MemoryPath = Annotated[
    str,
    typer.Option(
        "--memory",
        "-m",
        metavar="PATH|URL",
        help=f"The file of the memory, or http://HOST:PORT/NAME on a server, with the API key in {KEY}.",
    ),
]
OpenMemory: TypeAlias = "protomem.Memory | protomem.RemoteMemory"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


@contextmanager
def reported_errors() -> Iterator[None]:
    """Print an error that protomem raised on purpose without a traceback: exit code 2 for wrong input, 1 for others."""
    try:
        yield
    except ProtomemError as error:
        typer.echo(f"error: {_printable(str(error))}", err=True)
        raise typer.Exit(2 if isinstance(error, InvalidInput) else 1) from error


@contextmanager
def progress_bar(what: str) -> Iterator[Reports]:
    """A bar on the terminal's stderr, gone when done; the function to report (done, all) to."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextmanager
def open_existing(where: str) -> Iterator[OpenMemory]:
    """Open a memory that must be there already, with its own encoder; say if that took longer than usual."""
    with _opened(where, create=False) as memory:
        if isinstance(memory, protomem.Memory) and memory.opening.note:
            typer.echo(memory.opening.note, err=True)
        yield memory


@contextmanager
def open_server(where: str) -> Iterator[tuple[protomem.Client, str]]:
    """The server of a memory's URL, and the memory's name; the memory itself is not looked at."""
    if not _is_url(where):
        raise InvalidInput(f"{where} is a file: write http://HOST:PORT/NAME, a memory on a server")
    server, name = _server_and_name(where)
    key = os.environ.get(KEY) or None  # noqa: TID251  # the border
    with protomem.Client(server, key) as client:
        yield client, name


@contextmanager
def open_or_create(
    where: str, encoder: str | None, retain: Retain | None, first_encoder: Callable[[], str]
) -> Iterator[OpenMemory]:
    """Open a memory, or create it: with `first_encoder` where none is named."""
    with ExitStack() as stack:
        try:
            memory = stack.enter_context(_opened(where, encoder=encoder, retain=retain, create=False))
        except NotAMemory:
            if not _is_url(where) and Path(where).exists():
                raise
            chosen = encoder or first_encoder()
            memory = stack.enter_context(_opened(where, encoder=chosen, retain=retain))
        yield memory


def name_of(where: str) -> str:
    """What to call a memory in a heading: the last part of its path or URL."""
    return Path(where).name


@contextmanager
def _opened(
    where: str, *, encoder: str | None = None, retain: Retain | None = None, create: bool = True
) -> Iterator[OpenMemory]:
    if not _is_url(where):
        with protomem.open(where, encoder=encoder, retain=retain, create=create) as memory:
            yield memory
        return
    with (
        open_server(where) as (client, name),
        client.memory(name, encoder=encoder, retain=retain, create=create) as remote,
    ):
        yield remote


def _is_url(where: str) -> bool:
    return where.startswith(("http://", "https://"))


def _server_and_name(url: str) -> tuple[str, str]:
    server, _, name = url.partition("://")[2].rstrip("/").rpartition("/")
    if not server:
        raise InvalidInput(
            "the url names no memory: write http://HOST:PORT/NAME, such as http://127.0.0.1:8000/support"
        )
    return url[: url.index("://") + 3] + server, name


def print_json(document: Mapping[str, Any]) -> None:
    """The document on stdout, where nothing else is printed."""
    typer.echo(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2))


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """One line a check. What does not fit the terminal is cut; `--json` has all of it."""
    detail = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    table = Table("", "", detail, box=None, show_header=False, pad_edge=False, padding=(0, 2), expand=True)
    for check in checks:
        verdict = cell("ok", style="green") if check.ok else cell("WRONG", style="bold red")
        table.add_row(verdict, cell(check.name), cell(check.detail, style="dim"))
    console.print(table)


def cell(text: str, width: int | None = None, style: str = "") -> Text:
    """Text that others wrote, as one harmless line of at most `width` characters: no markup, no control characters."""
    line = _printable(" ".join(text.split()))
    if width is not None and len(line) > width:
        line = line[: width - 1] + "…"
    return Text(line, style=style)


def bar(share: float, width: int = 20) -> Text:
    """A bar of `width` characters, filled to this share of 0 to 1."""
    return Text("█" * round(share * width), style="cyan")


def percent(share: float) -> str:
    """A share of 0 to 1 in per cent, as in `97.5 %`."""
    return f"{share * 100:.1f} %"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "·" for letter in text)
