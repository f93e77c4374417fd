"""The sample messages that come with protomem."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import final

from protomem.errors import ProtomemError

__all__ = ["Message", "load_sample"]

FILE = "support_messages.csv"


@final
@dataclass(frozen=True, slots=True)
class Message:
    """One message of the sample: whose it is, what it is about, and whether it is there to `learn` or to `ask`."""

    id: str
    subject: str
    label: str
    split: str
    text: str


def load_sample() -> list[Message]:
    """The messages, from the installed package or, in a checkout, from the repository's folder of examples."""
    lines = _place().read_text(encoding="utf-8").splitlines(keepends=True)
    return [Message(**row) for row in csv.DictReader(lines)]


def _place() -> Traversable | Path:
    packaged = files("protomem") / "data" / FILE
    if packaged.is_file():
        return packaged
    checkout = Path(__file__).parents[3] / "examples" / FILE
    if checkout.is_file():
        return checkout
    raise ProtomemError(f"this installation lacks the sample {FILE}: install protomem again")
