"""`protomem forget`: make a memory forget examples, a subject or a label."""

from __future__ import annotations

from typing import Annotated

import typer

import protomem
from protomem.cli.shared import AsJson, MemoryPath, open_existing, print_json, reported_errors
from protomem.errors import InvalidInput

__all__ = ["forget"]


@reported_errors()
def forget(
    memory: MemoryPath,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Forget this example; may be repeated.")] = None,
    subject: Annotated[str | None, typer.Option(help="Forget every example of this subject.")] = None,
    label: Annotated[str | None, typer.Option(help="Forget every example with this label.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget examples exactly: the memory becomes the one that never saw them."""
    if sum((bool(ids), subject is not None, label is not None)) != 1:
        raise InvalidInput("say what to forget: exactly one of --id, --subject and --label")
    with open_existing(memory) as opened:
        count = _count(opened, ids, subject, label)
        if count and not yes:
            typer.confirm(f"Forget {count} of {len(opened)} examples of {memory}?", abort=True, err=True)
        receipt = opened.forget(ids=ids or None, subject=subject, label=label)
        left, digest = len(opened), opened.digest()

    if as_json:
        print_json({"forgotten": receipt.count, "examples": left, "receipt": receipt.id, "digest": digest})
    else:
        typer.echo(f"forgot {receipt.count} examples; {left} are left")


def _count(memory: protomem.Memory, ids: list[str] | None, subject: str | None, label: str | None) -> int:
    """How many examples would go. Ids that are not remembered count too: `Memory.forget` refuses them by name."""
    return len(ids) if ids else sum(1 for _ in memory.examples(label=label, subject=subject))
