"""`protomem receipts`: what was done to a memory, to look at or to hand out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from protomem.auditing import ABOUT_A_CLIENT
from protomem.cli.receipt_files import write_receipts
from protomem.cli.shared import OUT, AsJson, MemoryPath, cell, open_existing, print_json, reported_errors
from protomem.receipts import Receipt

__all__ = ["receipts"]


@reported_errors()
def receipts(
    memory: MemoryPath,
    id: Annotated[str | None, typer.Option("--id", help="Only the receipts that name this example.")] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them to a file, one a line, for `protomem audit`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The signed receipts of a memory, oldest first, and the public key to check them with."""
    with open_existing(memory) as opened:
        found, public_key = opened.receipts(), opened.public_key
        if id is not None:
            wanted = opened.id_hash(id)
            found = [receipt for receipt in found if wanted in receipt.id_hashes]
    if export is not None:
        write_receipts(export, found)
    if as_json:
        print_json({"public_key": public_key, "receipts": [json.loads(receipt.to_json()) for receipt in found]})
    else:
        OUT.print(_table(found))
        OUT.print(f"{len(found)} receipts{f' written to {export}' if export else ''}; public key {public_key}")


def _table(found: list[Receipt]) -> Table:
    number, of = Column("number", justify="right"), Column("of", justify="right")
    table = Table(number, "what", of, "at", "leads to", box=None, pad_edge=False)
    table.padding = (0, 2)
    for receipt in found:
        leads_to = cell(receipt.after[:16], style="dim")
        table.add_row(Text(str(receipt.sequence)), cell(receipt.kind), _named(receipt), cell(receipt.at), leads_to)
    return table


def _named(receipt: Receipt) -> Text:
    """How many examples the change was of, or clients."""
    what = "client" if receipt.kind in ABOUT_A_CLIENT else "example"
    return Text(f"{receipt.count:,} {what}{'' if receipt.count == 1 else 's'}", justify="right")
