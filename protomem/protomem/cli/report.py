"""`protomem report`: a memory in numbers, as tables, as JSON or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from protomem.cli.file_query import Columns
from protomem.cli.items_file import read_items
from protomem.cli.reading import ItemFile
from protomem.cli.report_plot import check_picture, plot_report
from protomem.cli.report_tables import print_report
from protomem.cli.shared import (
    OUT,
    AsJson,
    MemoryPath,
    name_of,
    open_existing,
    print_json,
    progress_bar,
    reported_errors,
)

__all__ = ["report"]


@reported_errors()
def report(
    memory: MemoryPath,
    recent: Annotated[
        Path | None,
        typer.Option(help="Unlabelled items that came since, oldest first: a .csv, .jsonl or .parquet file."),
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column of the texts in that file.")] = "text",
    vectors_column: Annotated[str | None, typer.Option(help="A column of lists of numbers, in place of texts.")] = None,
    where: Annotated[str | None, typer.Option(help="Take only its rows of this SQL condition.")] = None,
    windows: Annotated[int, typer.Option(min=2, help="Parts in which the stream is played.")] = 10,
    false_alarm: Annotated[
        float, typer.Option(help="How often a steady stream may raise an alarm, such as 0.01.")
    ] = 0.01,
    drift: Annotated[bool, typer.Option(help="Look for drift.")] = True,
    costs: Annotated[bool, typer.Option(help="Measure what each head costs and gives.")] = True,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw a picture too.")] = None,
    as_json: AsJson = False,
) -> None:
    """A memory in numbers: classes, prequential accuracy, novelty, drift, confusions, and what each head costs."""
    if plot is not None:
        check_picture(plot)
    items = _recent(recent, text_column, vectors_column, where)
    with open_existing(memory) as opened, progress_bar("playing the stream") as told:
        found = opened.report(
            items, windows=windows, false_alarm=false_alarm if drift else None, costs=costs, progress=told
        )
    if plot is not None:
        plot_report(found, plot, name_of(memory))
    if as_json:
        print_json(found.to_dict())
    else:
        print_report(OUT, found)
        if plot is not None:
            OUT.print(f"drawn to {plot}", soft_wrap=True)


def _recent(
    file: Path | None, text: str, vectors: str | None, where: str | None
) -> list[str] | npt.NDArray[np.float64] | None:
    return None if file is None else read_items(ItemFile(file, Columns(text=text, vectors=vectors), where))[0]
