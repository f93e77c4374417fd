"""A number that a release has to reach: how it is told, and how it is saved.

Bars are counted for the defaults. What an option reaches is told beside a bar, and changes nothing of its verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

from common import CONSOLE
from rich.table import Table

__all__ = ["Bar", "Option", "saved_bars", "show_bars"]

DIGITS: Final = "{:,.5g}"


@final
@dataclass(frozen=True, slots=True)
class Option:
    """What is measured with an option that is not the default."""

    what: str
    measured: float


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """One number, and the bound that it may not go under; above, with `least` False."""

    what: str
    measured: float
    bound: float
    unit: str = "%"
    least: bool = True
    option: Option | None = None

    @property
    def met(self) -> bool:
        return self._reached(self.measured)

    @property
    def verdict(self) -> str:
        """Whether it is met, and whether with the option."""
        mine = _word(met=self.met)
        if self.option is None:
            return mine
        beside = DIGITS.format(self.option.measured)
        return f"{mine}; {_word(met=self._reached(self.option.measured))} with {self.option.what}: {beside}"

    def _reached(self, number: float) -> bool:
        return bool(number >= self.bound if self.least else number <= self.bound)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        found = {"what": self.what, "measured": float(self.measured), "bound": float(self.bound), "unit": self.unit}
        if self.option is None:
            return found | {"met": self.met}
        beside = {"what": self.option.what, "measured": float(self.option.measured)}
        return found | {"met": self.met, "option": beside | {"met": self._reached(self.option.measured)}}


def show_bars(bars: list[Bar], title: str = "bars") -> None:
    """Print each bar, and whether it is met."""
    drawn = Table(title=title)
    for column in ("bar", "bound", "measured", "unit", ""):
        drawn.add_column(column, justify="right" if column in ("bound", "measured") else "left")
    for bar in bars:
        bound = f"{'≥' if bar.least else '≤'} {DIGITS.format(bar.bound)}"
        verdict = f"[{'green' if bar.met else 'red'}]{bar.verdict}[/]"
        drawn.add_row(bar.what, bound, DIGITS.format(bar.measured), bar.unit, verdict)
    CONSOLE.print(drawn)


def saved_bars(bars: list[Bar]) -> list[dict[str, Any]]:
    """The bars as JSON takes them."""
    return [bar.plain() for bar in bars]


def _word(*, met: bool) -> str:
    return "met" if met else "missed"
