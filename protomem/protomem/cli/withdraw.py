"""`protomem withdraw`: take a client out of a memory that merged it."""

from __future__ import annotations

from typing import Annotated

import typer

from protomem.cli.shared import AsJson, MemoryPath, open_existing, print_json, reported_errors

__all__ = ["withdraw"]


@reported_errors()
def withdraw(
    memory: MemoryPath,
    client: Annotated[str, typer.Argument(help="The name under which the client contributed.")],
    as_json: AsJson = False,
) -> None:
    """Take out all that was merged of a client; its old contributions are refused from then on."""
    with open_existing(memory) as opened:
        before = len(opened)
        receipt = opened.withdraw(client)
        left, digest = len(opened), opened.digest()
    if as_json:
        print_json({"withdrawn": before - left, "examples": left, "receipt": receipt.id, "digest": digest})
    else:
        typer.echo(f"withdrew {before - left:,} examples of {client}; {left:,} are left")
