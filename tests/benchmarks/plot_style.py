"""How the pictures look: a colour for every method, lines, and a legend below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

__all__ = ["COLOURS", "MEMORY", "STYLE", "WIDTH", "legend", "line"]

DPI: Final = 110
WIDTH: Final = 9.2
"""Inches: 1,012 pixels, a little more than a README's column."""

MEMORY: Final = "protomem"
COLOURS: Final = {
    "protomem": "#0b3c8c",
    "logistic regression": "#d55e00",
    "linear SVM": "#009e73",
    "kNN": "#cc79a7",
    "nearest class mean": "#7f7f7f",
    "ridge": "#e6a700",
    "network": "#56b4e9",
    "adaptive-classifier": "#8c564b",
    "setfit": "#222222",
}
"""The same for a method in every picture; apart for the colour-blind (Okabe and Ito)."""

STYLE: Final = {
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def legend(figure: Figure, axes: Iterable[Axes], columns: int) -> None:
    """One legend for all lines of these axes, below the picture, where it can hide none."""
    found = {label: drawn for axis in axes for drawn, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=columns)


def line(axis: Axes, x: Sequence[float], y: list[float], colour: str, label: str | None = None) -> list[Line2D]:
    """A line with points; protomem's is thicker and on top."""
    mine = colour == MEMORY
    return axis.plot(
        x,
        y,
        color=COLOURS[colour],
        linewidth=2.2 if mine else 1.2,
        marker="o",
        markersize=4.5 if mine else 3,
        zorder=3 if mine else 2,
        label=label or colour,
    )
