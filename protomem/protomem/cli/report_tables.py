"""A report as tables for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from protomem.cli.shared import bar, cell, percent
from protomem.head_costs import HeadCosts
from protomem.memory_report import Alarm, ClassSizes, Report, StreamReport, Window

__all__ = ["print_report"]

MEGABYTE = 1e6


def print_report(console: Console, report: Report) -> None:
    """Classes, stream, alarms, confusions and costs, whatever of them the report has."""
    console.print(Text.assemble(f"{report.examples:,} examples", _sizes(report.classes)))
    if report.stream is not None:
        _print_stream(console, report.stream)
    if report.costs is not None:
        _print_costs(console, report.costs)


def _sizes(classes: ClassSizes) -> Text:
    if classes.largest is None or classes.smallest is None:
        return Text(" of no class")
    largest, smallest = classes.largest, classes.smallest
    return Text.assemble(
        f" of {classes.count:,} classes: from {smallest.count:,} (",
        cell(smallest.label, 40),
        f") to {largest.count:,} (",
        cell(largest.label, 40),
        f"); {classes.singletons:,} of a single example",
    )


def _print_stream(console: Console, stream: StreamReport) -> None:
    if stream.accuracy is not None:
        known = "" if stream.accuracy_known is None else f", {percent(stream.accuracy_known)} where the label was known"
        console.print(
            f"\nprequential accuracy {percent(stream.accuracy)}{known} "
            f"({stream.tested:,} of {stream.length:,} examples, each asked about before it was learned)"
        )
    if stream.windows or stream.recent:
        console.print(_windows(stream))
    _print_alarms(console, stream)
    if stream.confused:
        console.print("\nconfused most")
        console.print(_confused(stream))


def _windows(stream: StreamReport) -> Table:
    table = Table(
        Column("items", no_wrap=True), *_right("accuracy"), "", *_right("new labels", "strange", "mean novelty")
    )
    table.box, table.pad_edge, table.padding = None, False, (0, 2)
    for window in (*stream.windows, *stream.recent):
        table.add_row(*_window(window))
    return table


def _window(window: Window) -> tuple[str | Text, ...]:
    accuracy = "" if window.accuracy is None else percent(window.accuracy)
    return (
        f"{window.start + 1:,} to {window.end:,}",
        accuracy or "no label",
        "" if window.accuracy is None else bar(window.accuracy, 10),
        "" if window.new_labels is None else f"{window.new_labels:,}",
        percent(window.strange),
        f"{window.novelty:.2f}",
    )


def _print_alarms(console: Console, stream: StreamReport) -> None:
    if stream.alarms is None or stream.false_alarm is None:
        return
    for alarm in stream.alarms:
        console.print(_alarm(alarm), style="yellow")
    if not stream.alarms:
        console.print(f"no drift found (a steady stream raises an alarm in {percent(stream.false_alarm)} of cases)")


def _alarm(alarm: Alarm) -> str:
    what = "wrong answers" if alarm.of == "error" else "strange items"
    return (
        f"drift: {what} rose from {percent(alarm.before)} to {percent(alarm.after)}, since about item "
        f"{alarm.began + 1:,}, found at item {alarm.found + 1:,}"
    )


def _confused(stream: StreamReport) -> Table:
    table = Table("labels", "answered", *_right("times"), box=None, pad_edge=False, padding=(0, 2))
    for one in stream.confused:
        table.add_row(cell(", ".join(one.labels), 50), cell(one.answer, 50), f"{one.count:,}")
    return table


def _print_costs(console: Console, costs: HeadCosts) -> None:
    asked = f", measured on {costs.left_out:,} examples left out" if costs.left_out else ""
    console.print(f"\nwhat the parts cost{asked}")
    table = Table("part", *_right("megabytes", "right alone", "lost without"), box=None, pad_edge=False)
    table.padding = (0, 2)
    table.add_row("examples", _megabytes(costs.examples), "", "")
    table.add_row("sums", _megabytes(costs.sums), "", "")
    for head in costs.heads:
        alone = "" if head.alone is None else percent(head.alone)
        lost = "" if head.lost is None else f"{head.lost * 100:+.1f} points"
        table.add_row(cell(head.name), _megabytes(head.bytes), alone, lost)
    if costs.together is not None:
        table.add_row("all heads", _megabytes(sum(head.bytes for head in costs.heads)), percent(costs.together), "")
    console.print(table)


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.2f}"


def _right(*headers: str) -> list[Column]:
    return [Column(header, justify="right") for header in headers]
