"""`protomem forget`: make a memory forget examples, a subject or a label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protomem.cli.receipt_files import read_receipts
from protomem.cli.shared import AsJson, MemoryPath, OpenMemory, open_existing, print_json, reported_errors
from protomem.errors import InvalidInput, ProtomemError
from protomem.receipts import Receipt

__all__ = ["forget"]


@reported_errors()
def forget(
    memory: MemoryPath,
    ids: Annotated[list[str] | None, typer.Option("--id", help="Forget this example; may be repeated.")] = None,
    subject: Annotated[str | None, typer.Option(help="Forget every example of this subject.")] = None,
    label: Annotated[str | None, typer.Option(help="Forget every example with this label.")] = None,
    receipt_file: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="Forget what these receipts say was learned.")
    ] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Take their bytes out of the file too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget examples exactly: the memory becomes the one that never saw them."""
    if sum((bool(ids), subject is not None, label is not None, receipt_file is not None)) != 1:
        raise InvalidInput("say what to forget: exactly one of --id, --subject, --label and --receipt")
    learned = read_receipts(receipt_file) if receipt_file else []
    with open_existing(memory) as opened:
        count = sum(one.count for one in learned) if learned else _count(opened, ids, subject, label)
        if count and not yes:
            typer.confirm(f"Forget {count} of {len(opened)} examples of {memory}?", abort=True, err=True)
        if learned:
            receipts = _forget_learned(opened, learned)
        else:
            receipts = [opened.forget(ids=ids or None, subject=subject, label=label)]
        if purge:
            opened.purge()
        left, digest = len(opened), opened.digest()

    forgotten = sum(one.count for one in receipts)
    if as_json:
        receipt_ids = [one.id for one in receipts]
        print_json({"forgotten": forgotten, "examples": left, "receipts": receipt_ids, "digest": digest})
    else:
        typer.echo(f"forgot {forgotten} examples; {left} are left")


def _forget_learned(memory: OpenMemory, learned: list[Receipt]) -> list[Receipt]:
    """Forget by each receipt in turn; if one is refused, say what was forgotten before it."""
    receipts: list[Receipt] = []
    for number, one in enumerate(learned, start=1):
        try:
            receipts.append(memory.forget(receipt=one))
        except ProtomemError:
            before = f"; the {sum(done.count for done in receipts)} examples of those before are forgotten"
            typer.echo(f"receipt {number} of {len(learned)} is refused{before if receipts else ''}", err=True)
            raise
    return receipts


def _count(memory: OpenMemory, ids: list[str] | None, subject: str | None, label: str | None) -> int:
    """How many examples would go. Ids that are not remembered count too: `Memory.forget` refuses them by name."""
    return len(ids) if ids else sum(1 for _ in memory.examples(label=label, subject=subject))
