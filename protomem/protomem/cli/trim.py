"""`protomem trim`: forget the examples that are more than a memory shall hold."""

from __future__ import annotations

from typing import Annotated

import typer

from protomem.cli.shared import AsJson, MemoryPath, open_existing, print_json, reported_errors

__all__ = ["trim"]


@reported_errors()
def trim(
    memory: MemoryPath,
    to: Annotated[int, typer.Option(min=1, help="The number of examples that stay at most.")],
    purge: Annotated[bool, typer.Option("--purge", help="Take the bytes of the others out of the file too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget examples of the largest classes, until no more than a number are left."""
    with open_existing(memory) as opened:
        count = len(opened)
        if count > to and not yes:
            typer.confirm(f"Forget {count - to} of {count} examples of {memory}?", abort=True, err=True)
        receipt = opened.trim(to, purge=purge)
        left, digest = len(opened), opened.digest()
    if as_json:
        print_json({"forgotten": receipt.count, "examples": left, "receipt": receipt.id, "digest": digest})
    else:
        typer.echo(f"forgot {receipt.count} examples; {left} are left")
