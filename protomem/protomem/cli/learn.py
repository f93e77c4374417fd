"""`protomem learn`: teach a memory the examples in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from protomem.cli.file_query import Columns
from protomem.cli.reading import Batch, ItemFile
from protomem.cli.receipt_files import append_receipt
from protomem.cli.shared import (
    OUT,
    AsJson,
    MemoryPath,
    OpenMemory,
    cell,
    open_or_create,
    print_json,
    progress_bar,
    reported_errors,
)
from protomem.errors import InvalidInput, ProtomemError
from protomem.progress import Progress as Reports
from protomem.receipts import Receipt
from protomem.settings import Retain

__all__ = ["learn"]

DEFAULT_ENCODER = "layers:all-MiniLM-L6-v2"


@reported_errors()
def learn(
    file: Annotated[Path, typer.Argument(help="A file ending in .csv, .jsonl or .parquet.", metavar="FILE")],
    memory: MemoryPath,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="layers:NAME, onnx:NAME or NAME of a sentence-transformers model, or vectors:DIMENSION. A memory that "
            f"is there keeps its own; a new one takes {DEFAULT_ENCODER}, or the length of the vectors in the file."
        ),
    ] = None,
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="The column of the labels; a list holds several.")] = "label",
    id_column: Annotated[str | None, typer.Option(help="The column of the ids; without it, new ones are made.")] = None,
    subject_column: Annotated[str | None, typer.Option(help="The column that says whose data a row is.")] = None,
    vectors_column: Annotated[str | None, typer.Option(help="A column of lists of numbers, in place of texts.")] = None,
    labels_separator: Annotated[
        str | None, typer.Option(help="What parts several labels in one text, such as '|'.")
    ] = None,
    where: Annotated[str | None, typer.Option(help="Learn only the rows of this SQL condition.")] = None,
    retain: Annotated[
        Retain | None,
        typer.Option(help="What a new memory keeps of each example: codes, items for the text as well, or nothing."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Rows that are learned at once, wholly or not at all.")] = 1000,
    relearn: Annotated[bool, typer.Option("--relearn", help="Learn ids anew that were forgotten before.")] = False,
    receipts_file: Annotated[
        Path | None,
        typer.Option("--receipts", metavar="FILE", help="Append each receipt to this file; needed to retain nothing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Teach a memory the examples in a file; the memory is created if it is not there."""
    columns = Columns(text_column, vectors_column, label_column, id_column, subject_column)
    source = ItemFile(file, columns, where, labels_separator)
    with open_or_create(memory, encoder, retain, lambda: _first_encoder(source)) as opened:
        if opened.settings.retain == "nothing" and receipts_file is None:
            raise InvalidInput(
                'this memory retains "nothing", and forgets only by the receipts of what it learned: '
                "say with --receipts in which file to put them"
            )
        receipts = _learn_all(opened, source, batch, receipts_file, relearn=relearn)
        report = _report(memory, opened, receipts)
    if as_json:
        print_json(report)
    else:
        _print_report(report)


def _first_encoder(source: ItemFile) -> str:
    """The encoder of a new memory."""
    return DEFAULT_ENCODER if source.columns.vectors is None else f"vectors:{source.dimension()}"


def _learn_all(
    memory: OpenMemory, source: ItemFile, size: int, receipts_file: Path | None, *, relearn: bool
) -> list[Receipt]:
    receipts = []
    with progress_bar("learning") as report:
        for batch in source.batches(size):
            receipts.append(_learn_batch(memory, source, batch, report, relearn=relearn))
            if receipts_file is not None:
                append_receipt(receipts_file, receipts[-1])
            report(batch.last, source.count)
    return receipts


def _learn_batch(memory: OpenMemory, source: ItemFile, batch: Batch, report: Reports, *, relearn: bool) -> Receipt:
    def advance(done: int, _: int) -> None:
        report(batch.first - 1 + done, source.count)

    try:
        return memory.learn(
            batch.items, batch.labels or [], batch.ids, batch.subjects, progress=advance, relearn=relearn
        )
    except ProtomemError:
        before = f"; the {batch.first - 1} rows before are remembered" if batch.first > 1 else ""
        typer.echo(f"nothing of rows {batch.first} to {batch.last} of {source.path} was learned{before}", err=True)
        raise


def _report(path: str, memory: OpenMemory, receipts: list[Receipt]) -> dict[str, object]:
    return {
        "memory": path,
        "learned": sum(receipt.count for receipt in receipts),
        "unchanged": sum(len(receipt.unchanged) for receipt in receipts),
        "examples": len(memory),
        "classes": len(memory.classes()),
        "digest": memory.digest(),
        "receipts": [receipt.id for receipt in receipts],
        "ids": [id for receipt in receipts for id in receipt.ids],
    }


def _print_report(report: dict[str, object]) -> None:
    table = Table(box=None, show_header=False)
    for name in ("memory", "learned", "unchanged", "examples", "classes", "digest"):
        table.add_row(name, cell(str(report[name]), style="bold"))
    OUT.print(table)
