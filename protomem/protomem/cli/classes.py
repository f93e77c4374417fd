"""`protomem classes`: what a memory can tell apart."""

from __future__ import annotations

from rich.table import Column, Table
from rich.text import Text

from protomem.cli.shared import OUT, AsJson, MemoryPath, bar, cell, open_existing, print_json, reported_errors

__all__ = ["classes"]


@reported_errors()
def classes(memory: MemoryPath, as_json: AsJson = False) -> None:
    """The classes of a memory, with the number of examples of each."""
    with open_existing(memory) as opened:
        counts = opened.classes()
        total = len(opened)
    if as_json:
        print_json({"examples": total, "classes": counts})
    else:
        OUT.print(_table(counts))
        OUT.print(f"{len(counts)} classes, {total} examples")


def _table(counts: dict[str, int]) -> Table:
    table = Table("class", Column("examples", justify="right"), "", box=None, pad_edge=False, padding=(0, 2))
    most = max(counts.values(), default=1)
    for label, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        table.add_row(cell(label, 50), Text(f"{count:,}", justify="right"), bar(count / most))
    return table
