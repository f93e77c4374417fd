"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["Check", "Verification"]


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: its name, whether it held, and what was compared."""

    name: str
    ok: bool
    detail: str


@final
@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of recomputing a memory from its kept examples: `ok` if every check held."""

    ok: bool
    checks: tuple[Check, ...]
    digest: str
    examples: int
