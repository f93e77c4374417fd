"""`protomem suggest`: which unlabelled items of a file to label next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from protomem.cli.file_query import Columns
from protomem.cli.items_file import read_items
from protomem.cli.reading import ItemFile
from protomem.cli.shared import (
    OUT,
    AsJson,
    MemoryPath,
    cell,
    open_existing,
    percent,
    print_json,
    progress_bar,
    reported_errors,
)
from protomem.suggestions import Suggestion, check_pool

__all__ = ["suggest"]


@reported_errors()
def suggest(
    file: Annotated[Path, typer.Argument(help="A .csv, .jsonl or .parquet file of unlabelled items.", metavar="FILE")],
    memory: MemoryPath,
    count: Annotated[int, typer.Option(min=1, help="Items to suggest.")] = 10,
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
    id_column: Annotated[str | None, typer.Option(help="The column to name the rows by.")] = None,
    vectors_column: Annotated[str | None, typer.Option(help="A column of lists of numbers, in place of texts.")] = None,
    where: Annotated[str | None, typer.Option(help="Choose only among the rows of this SQL condition.")] = None,
    as_json: AsJson = False,
) -> None:
    """The items of a file whose labels would settle most of what the memory is unsure of, best first."""
    source = ItemFile(file, Columns(text=text_column, vectors=vectors_column, id=id_column), where)
    check_pool(source.count, count)
    with open_existing(memory) as opened, progress_bar("looking") as report:
        items, names = read_items(source)
        found = opened.suggest(items, count, report)
    if as_json:
        print_json({"suggestions": [_as_json(names[one.position], one) for one in found]})
    else:
        OUT.print(_table(names, found))


def _as_json(name: str, one: Suggestion) -> dict[str, object]:
    return {
        "item": name,
        "row": one.position + 1,
        "value": one.value,
        "answer": one.answer,
        "probability": one.probability,
        "novelty": one.novelty,
    }


def _table(names: Sequence[str], found: Sequence[Suggestion]) -> Table:
    right = [Column(header, justify="right") for header in ("row", "value", "novelty")]
    item = Column("item", ratio=1, no_wrap=True, overflow="ellipsis")
    table = Table(right[0], item, right[1], "the memory would say", right[2], box=None, pad_edge=False, expand=True)
    for one in found:
        answer = "" if one.answer is None else f"{one.answer} ({percent(one.probability or 0.0)})"
        novelty = "" if one.novelty is None else f"{one.novelty:.3f}"
        table.add_row(
            f"{one.position + 1}", cell(names[one.position]), f"{one.value:.2f}", cell(answer, 50), cell(novelty)
        )
    return table
