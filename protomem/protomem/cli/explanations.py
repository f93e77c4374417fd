"""Why an answer is what it is, as a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protomem.answers import Explanation
from protomem.cli.shared import cell

__all__ = ["print_explanation"]


def print_explanation(console: Console, told: Explanation) -> None:
    """What each head added, and the prototypes and keys that spoke for the best label."""
    console.print(Text.assemble("  why ", cell(told.label, 40, "bold"), _against(told)))
    table = Table(box=None, show_header=False, padding=(0, 2))
    for head, part in told.parts:
        table.add_row(Text(f"{part:+.2f}", justify="right"), cell(head))
    for one in told.prototypes:
        what = "the mean" if one.mode is None else f"mode {one.mode}"
        table.add_row(Text(f"{one.similarity:.2f}", justify="right"), f"cosine with {what} of {one.count} examples")
    for key in told.keys:
        shared = f"examples share key {key.key} of book {key.book}"
        table.add_row(Text(f"{key.count} of {key.total}", justify="right"), shared)
    console.print(table)


def _against(told: Explanation) -> Text:
    if told.log_odds is None:
        return Text(", the only label")
    rest = Text(" by itself") if told.against is None else Text.assemble(" and not ", cell(told.against, 40))
    return Text.assemble(rest, f": log-odds {told.log_odds:+.2f}")
