"""`protomem purge`: take the bytes of what was forgotten out of a memory's files."""

from __future__ import annotations

import typer

from protomem.cli.shared import AsJson, MemoryPath, open_existing, print_json, progress_bar, reported_errors

__all__ = ["purge"]


@reported_errors()
def purge(memory: MemoryPath, as_json: AsJson = False) -> None:
    """Rewrite the memory's file without a byte of what was forgotten; copies made by others are out of its reach."""
    with open_existing(memory) as opened, progress_bar("rewriting") as report:
        receipt = opened.purge(report)
        left = len(opened)
    if as_json:
        print_json({"purged": receipt.count, "examples": left, "receipt": receipt.id})
    else:
        typer.echo(f"the bytes of {receipt.count} forgotten examples are gone; {left} examples are remembered")
