"""`protomem verify`: recompute everything from the remembered examples and compare."""

from __future__ import annotations

import typer
from rich.console import Console

from protomem.cli.shared import (
    OUT,
    AsJson,
    MemoryPath,
    open_existing,
    print_checks,
    print_json,
    progress_bar,
    reported_errors,
)
from protomem.verification import Verification

__all__ = ["print_verification", "verify"]


@reported_errors()
def verify(memory: MemoryPath, as_json: AsJson = False) -> None:
    """Recompute everything from the remembered examples and compare bit for bit; exit code 1 if anything differs."""
    with open_existing(memory) as opened, progress_bar("recomputing") as report:
        found = opened.verify(report)
    if as_json:
        print_json(
            {
                "ok": found.ok,
                "examples": found.examples,
                "digest": found.digest,
                "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in found.checks],
            }
        )
    else:
        print_verification(OUT, found)
    if not found.ok:
        raise typer.Exit(1)


def print_verification(console: Console, found: Verification) -> None:
    """One line a check, then the digest."""
    print_checks(console, found.checks)
    console.print(f"digest {found.digest}")
