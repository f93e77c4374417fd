"""`protomem predict`: ask a memory about texts, or about the items in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import numpy as np
import numpy.typing as npt
import typer

from protomem.answers import Answer
from protomem.cli.answers import answer_as_json, print_answer, print_answers
from protomem.cli.file_query import Columns
from protomem.cli.reading import ItemFile
from protomem.cli.shared import (
    OUT,
    AsJson,
    MemoryPath,
    OpenMemory,
    open_existing,
    print_json,
    progress_bar,
    reported_errors,
)
from protomem.errors import InvalidInput
from protomem.progress import Progress as Reports

__all__ = ["predict"]

BATCH = 1_000

Items = list[str] | npt.NDArray[np.float64]

SHOWN_IN_FULL = 5
"""Up to so many texts are answered in full; more, and the rows of a file, get a line each."""


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """How each item is asked about: the arguments of `Memory.predict`."""

    top_k: int
    evidence: int
    coverage: float | None
    per_class: bool
    false_alarm: float | None
    among: list[str] | str | None
    thresholds: dict[str, float]
    certainty: float | None
    separator: str
    multi_label: bool
    explain: bool
    name_prior: bool

    def of(self, memory: OpenMemory, items: Items, report: Reports | None = None) -> list[Answer]:
        """The answers of the memory."""
        return memory.predict(
            items,
            top_k=self.top_k,
            evidence=self.evidence,
            coverage=self.coverage,
            false_alarm=self.false_alarm,
            among=self.among,
            progress=report,
            per_class=self.per_class,
            thresholds=self.thresholds,
            certainty=self.certainty,
            separator=self.separator,
            multi_label=self.multi_label,
            explain=self.explain,
            name_prior=self.name_prior,
        )


@reported_errors()
def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to ask about.", metavar="[TEXT]...")] = None,
    *,
    memory: MemoryPath,
    file: Annotated[Path | None, typer.Option(help="Ask about the rows of a .csv, .jsonl or .parquet file.")] = None,
    text_column: Annotated[str, typer.Option(help="The column of the texts.")] = "text",
    id_column: Annotated[str | None, typer.Option(help="The column to name the rows by.")] = None,
    vectors_column: Annotated[str | None, typer.Option(help="A column of lists of numbers, in place of texts.")] = None,
    where: Annotated[str | None, typer.Option(help="Ask only about the rows of this SQL condition.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Labels to rank.")] = 5,
    evidence: Annotated[int, typer.Option(min=0, help="Remembered examples to show for each answer.")] = 3,
    coverage: Annotated[
        float | None, typer.Option(help="Also give the label set of this coverage, such as 0.95.")
    ] = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Let the label set hold each label this often by itself.")
    ] = False,
    false_alarm: Annotated[
        float | None, typer.Option(help="Abstain where an item is novel, wrongly at most at this rate, such as 0.05.")
    ] = None,
    among: Annotated[list[str] | None, typer.Option(help="Answer only with this label; may be repeated.")] = None,
    task: Annotated[
        str | None, typer.Option(help="Answer only with the label of this name and those below it, such as card/lost.")
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=P", help="Abstain where LABEL is best and less likely than P; may be repeated."),
    ] = None,
    certainty: Annotated[
        float | None, typer.Option(help="Answer at the deepest level of labels that is this likely, such as 0.8.")
    ] = None,
    separator: Annotated[str, typer.Option(help="What parts the levels of labels.")] = "/",
    multi_label: Annotated[
        bool, typer.Option("--multi-label", help="Give each label a probability by itself: an item may carry several.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what each head added, and what spoke for it.")
    ] = False,
    name_prior: Annotated[
        bool, typer.Option("--name-prior", help="Let labels' names help those with fewer than five examples.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a memory about texts, or about the items in a file."""
    if bool(texts) == (file is not None):
        raise InvalidInput("say what to ask about: either texts or --file")
    if among and task is not None:
        raise InvalidInput("say which labels to answer with: either --among or --task")
    asked = Asked(
        top_k=top_k,
        evidence=evidence,
        coverage=coverage,
        per_class=per_class,
        false_alarm=false_alarm,
        among=among if task is None else task,
        thresholds=dict(map(_threshold, threshold or [])),
        certainty=certainty,
        separator=separator,
        multi_label=multi_label,
        explain=explain,
        name_prior=name_prior,
    )
    if file is None:
        names, answers = _about_texts(memory, texts or [], asked)
    else:
        columns = Columns(text=text_column, vectors=vectors_column, id=id_column)
        names, answers = _about_file(memory, ItemFile(file, columns, where), asked)

    if as_json:
        print_json({"answers": [answer_as_json(name, answer) for name, answer in zip(names, answers, strict=True)]})
    elif file is None and len(names) <= SHOWN_IN_FULL:
        for name, answer in zip(names, answers, strict=True):
            print_answer(OUT, name, answer)
    else:
        print_answers(OUT, names, answers)


def _threshold(given: str) -> tuple[str, float]:
    """A label and the least probability at which it is answered, from `LABEL=P`; a label may hold `=` itself."""
    label, _, least = given.rpartition("=")
    try:
        return label, float(least)
    except ValueError:
        raise InvalidInput(f"--threshold {given!r} is not LABEL=P: write it as in refund=0.8") from None


def _about_texts(path: str, texts: list[str], asked: Asked) -> tuple[list[str], list[Answer]]:
    with open_existing(path) as memory, progress_bar("answering") as report:
        return texts, asked.of(memory, texts, report)


def _about_file(path: str, source: ItemFile, asked: Asked) -> tuple[list[str], list[Answer]]:
    """The answers, and what each is about: the id of its row, or the text, or the number of the row."""
    names: list[str] = []
    answers: list[Answer] = []
    with open_existing(path) as memory, progress_bar("answering") as report:
        for batch in source.batches(BATCH):
            texts = batch.items if isinstance(batch.items, list) else None
            names += batch.ids or texts or [str(row) for row in range(batch.first, batch.last + 1)]
            answers += asked.of(memory, batch.items)
            report(batch.last, source.count)
    return names, answers
