"""A report as a picture: accuracy and strangeness along the stream, what is confused, and what heads cost and give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from protomem.errors import InvalidInput, MissingExtra
from protomem.head_costs import HeadCosts
from protomem.memory_report import Report, StreamReport, Window

__all__ = ["check_picture", "plot_report"]

SIZE = (12.0, 8.5)
"""Inches, at 120 dots each: 1,440 by 1,020, which a console and a README show whole."""

DOTS = 120
INK, RIGHT, WRONG, CALM = "#333333", "#0072b2", "#d55e00", "#999999"
"""Blue and vermilion of Okabe and Ito, which colour-blind readers can tell apart."""

LONGEST = 26
"""Characters of a label that are shown."""


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before the work of a report is done for it.

    Raises `MissingExtra` without `protomem[plots]`, `InvalidInput` for an unknown ending or a folder that is not there.
    """
    endings = sorted(_canvas()[0].canvas.get_supported_filetypes())
    if path.suffix.removeprefix(".").lower() not in endings:
        raise InvalidInput(f"{path} does not end like a picture: use one of {', '.join(endings)}")
    if not path.parent.is_dir():
        raise InvalidInput(f"{path} cannot be written: there is no folder {path.parent}; create it first")


def plot_report(report: Report, path: Path, title: str) -> None:
    """Draw the report to a file whose ending says the format, such as .png or .svg; see `check_picture`."""
    figure, axes = _canvas()
    figure.suptitle(_plain(f"{title}: {report.examples:,} examples, {report.classes.count:,} classes"), fontsize=14)
    stream = report.stream
    if stream is not None and (stream.windows or stream.recent):
        _draw_accuracy(axes[0][0], stream)
        _draw_strange(axes[1][0], stream)
    if stream is not None and stream.confused:
        _draw_confused(axes[0][1], stream)
    if report.costs is not None:
        _draw_costs(axes[1][1], report.costs)
    for panel in axes.flat:
        if not panel.has_data():
            panel.set_axis_off()
    _save(figure, path)


def _canvas() -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("drawing a report", "plots") from error
    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(2, 2, width_ratios=(3, 2))


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}; look at its folder and try again") from error


def _draw_accuracy(panel: Any, stream: StreamReport) -> None:
    panel.set_title("prequential accuracy: asked first, then learned", loc="left", fontsize=11)
    points = [window for window in stream.windows if window.accuracy is not None]
    panel.plot(list(map(_middle, points)), [100 * (one.accuracy or 0) for one in points], "o-", color=RIGHT)
    if stream.accuracy is not None:
        panel.axhline(100 * stream.accuracy, color=CALM, linestyle=":", label=f"all: {stream.accuracy:.1%}")
    _finish_stream(panel, stream, "error", "right, %")


def _draw_strange(panel: Any, stream: StreamReport) -> None:
    panel.set_title("strange items: novelty p-value at most 0.05", loc="left", fontsize=11)
    for some, name, style in ((stream.windows, "learned since", "o-"), (stream.recent, "recent, not learned", "s--")):
        if some:
            panel.plot(list(map(_middle, some)), [100 * one.strange for one in some], style, color=RIGHT, label=name)
    panel.axhline(5, color=CALM, linestyle=":", label="expected: 5 %")
    panel.set_ylim(bottom=0)
    _finish_stream(panel, stream, "novelty", "strange, %")


def _finish_stream(panel: Any, stream: StreamReport, signal: str, unit: str) -> None:
    alarms = [alarm for alarm in stream.alarms or () if alarm.of == signal]
    for number, alarm in enumerate(alarms):
        panel.axvline(alarm.found, color=WRONG, label="drift found" if number == 0 else None)
        panel.axvspan(alarm.began, alarm.found, color=WRONG, alpha=0.15, linewidth=0)
    everything = (*stream.windows, *stream.recent)
    panel.set_xlim(0, max(window.end for window in everything))
    panel.set_xlabel("item of the stream")
    panel.set_ylabel(unit)
    panel.grid(alpha=0.3)
    panel.legend(loc="best", fontsize=9, framealpha=0.9)


def _draw_confused(panel: Any, stream: StreamReport) -> None:
    panel.set_title("confused most: label → answer", loc="left", fontsize=11)
    pairs = [f"{_short(', '.join(one.labels))}\n→ {_short(one.answer)}" for one in stream.confused]
    bars = panel.barh(range(len(pairs)), [one.count for one in stream.confused], color=WRONG)
    panel.bar_label(bars, padding=3, fontsize=9, color=INK)
    panel.set_yticks(range(len(pairs)), pairs, fontsize=8)
    panel.invert_yaxis()
    panel.set_xlabel("times")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.margins(x=0.12)


def _draw_costs(panel: Any, costs: HeadCosts) -> None:
    asked = f" of {costs.left_out:,}" if costs.left_out else ""
    panel.set_title(f"heads: bytes, and right alone{asked}", loc="left", fontsize=11)
    bars = panel.barh(range(len(costs.heads)), [head.bytes / 1e6 for head in costs.heads], color=RIGHT)
    panel.bar_label(
        bars, ["" if head.alone is None else f"{head.alone:.1%}" for head in costs.heads], padding=3, fontsize=9
    )
    panel.set_yticks(range(len(costs.heads)), [head.name for head in costs.heads], fontsize=9)
    panel.invert_yaxis()
    panel.set_xlabel("megabytes")
    panel.margins(x=0.15)


def _middle(window: Window) -> float:
    return (window.start + window.end) / 2


def _short(label: str) -> str:
    return _plain(label if len(label) <= LONGEST else label[: LONGEST - 1] + "…")


def _plain(text: str) -> str:
    """Without what matplotlib would read as a formula, or could not print."""
    return "".join(letter if letter.isprintable() else "·" for letter in text).replace("$", r"\$")
