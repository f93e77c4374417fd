"""A number that a release has to reach: how it is told, and how it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

from common import CONSOLE
from rich.table import Table

__all__ = ["Bar", "saved_bars", "show_bars"]

DIGITS: Final = "{:,.5g}"


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """One number, and the bound that it may not go under; above, with `least` False."""

    what: str
    measured: float
    bound: float
    unit: str = "%"
    least: bool = True

    @property
    def met(self) -> bool:
        return bool(self.measured >= self.bound if self.least else self.measured <= self.bound)


def show_bars(bars: list[Bar], title: str = "bars") -> None:
    """Print each bar, and whether it is met."""
    drawn = Table(title=title)
    for column in ("bar", "bound", "measured", "unit", ""):
        drawn.add_column(column, justify="right" if column in ("bound", "measured") else "left")
    for bar in bars:
        bound = f"{'≥' if bar.least else '≤'} {DIGITS.format(bar.bound)}"
        met = "[green]met[/]" if bar.met else "[red]missed[/]"
        drawn.add_row(bar.what, bound, DIGITS.format(bar.measured), bar.unit, met)
    CONSOLE.print(drawn)


def saved_bars(bars: list[Bar]) -> list[dict[str, Any]]:
    """The bars as JSON takes them."""
    return [
        {"what": bar.what, "measured": float(bar.measured), "bound": float(bar.bound), "unit": bar.unit, "met": bar.met}
        for bar in bars
    ]
