"""What the commands share: their common options, the two consoles, errors, progress and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

import protomem
from protomem.errors import InvalidInput, ProtomemError
from protomem.progress import Progress as Reports
from protomem.reports import Check

__all__ = [
    "ERR",
    "OUT",
    "AsJson",
    "MemoryPath",
    "bar",
    "cell",
    "open_existing",
    "percent",
    "print_checks",
    "print_json",
    "progress_bar",
    "reported_errors",
]

OUT = Console(highlight=False)
ERR = Console(highlight=False, stderr=True)

MemoryPath = Annotated[Path, typer.Option("--memory", "-m", metavar="PATH", help="The file of the memory.")]
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


def open_existing(path: Path) -> protomem.Memory:
    """Open a memory that must be there already, with the encoder it was made with; say if it took longer than usual."""
    memory = protomem.open(path, create=False)
    if memory.opening.note:
        typer.echo(memory.opening.note, err=True)
    return memory


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
