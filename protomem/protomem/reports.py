"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["Check"]


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: its name, whether it held, and what was compared."""

    name: str
    ok: bool
    detail: str
