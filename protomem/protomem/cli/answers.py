"""Answers for people, as tables, and for programs, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from protomem.answers import Answer
from protomem.cli.explanations import print_explanation
from protomem.cli.shared import bar, cell, percent

__all__ = ["answer_as_json", "print_answer", "print_answers"]


def answer_as_json(name: str, answer: Answer) -> dict[str, Any]:
    """An answer as a JSON object; `name` is the text, or the id or number of the row."""
    return {
        "item": name,
        "label": answer.label,
        "probability": answer.probability,
        "ranking": [{"label": label, "probability": probability} for label, probability in answer.ranking],
        "label_set": None if answer.label_set is None else sorted(answer.label_set),
        "novelty": answer.novelty,
        "abstained": answer.abstained,
        "evidence": [
            {"id": one.id, "labels": list(one.labels), "similarity": one.similarity, "item": one.item}
            for one in answer.evidence
        ],
        "heads": list(answer.heads),
        "explanation": None if answer.explanation is None else asdict(answer.explanation),
    }


def print_answer(console: Console, name: str, answer: Answer) -> None:
    """One answer in full: the ranking, then the evidence, then the explanation."""
    console.print(Text.assemble("\n“", cell(name, style="bold"), "”"))
    console.print(_ranking(answer))
    if _is_a_level(answer):
        console.print(Text.assemble("  answer     ", _label(answer), f" ({percent(answer.probability)})"))
    if answer.label_set is not None:
        console.print(Text.assemble("  label set  ", cell(", ".join(sorted(answer.label_set)) or "none")))
    console.print(Text.assemble(f"  novelty    {_novelty(answer)}", " (abstained: none of these)" * answer.abstained))
    if answer.evidence:
        console.print(_evidence(answer))
    if answer.explanation is not None:
        print_explanation(console, answer.explanation)


def print_answers(console: Console, names: Sequence[str], answers: Sequence[Answer]) -> None:
    """Many answers, one line each, with the nearest remembered example."""
    table = Table(
        "item", "label", _right("probability"), _right("novelty"), "nearest example", box=None, pad_edge=False
    )
    for name, answer in zip(names, answers, strict=True):
        nearest = f"{answer.evidence[0].id} ({answer.evidence[0].similarity:.2f})" if answer.evidence else ""
        table.add_row(cell(name, 40), _label(answer), percent(answer.probability), _novelty(answer), cell(nearest))
    console.print(table)


def _is_a_level(answer: Answer) -> bool:
    """Whether the answer is not the best label itself, but a level above it or another of several."""
    return answer.label is not None and answer.label != answer.ranking[0][0]


def _right(header: str) -> Column:
    return Column(header, justify="right")


def _label(answer: Answer) -> Text:
    return Text("none of these", style="yellow") if answer.label is None else cell(answer.label, 40, style="bold")


def _ranking(answer: Answer) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for place, (label, probability) in enumerate(answer.ranking):
        style = "bold" if place == 0 and not answer.abstained else ""
        table.add_row(cell(label, 40, style), Text(percent(probability), justify="right"), bar(probability))
    return table


def _evidence(answer: Answer) -> Table:
    text = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    table = Table("", "", "", text, box=None, show_header=False, padding=(0, 2), expand=True)
    for one in answer.evidence:
        told = "" if one.item is None else f"“{one.item}”"
        table.add_row(
            f"{one.similarity:.2f}", cell(one.id, 36), cell(", ".join(one.labels), 36), cell(told, style="dim")
        )
    return table


def _novelty(answer: Answer) -> str:
    return "unknown" if answer.novelty is None else f"{answer.novelty:.3f}"
