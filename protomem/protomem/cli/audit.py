"""`protomem audit`: check receipts with a public key and no access to the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protomem.auditing import audit as audit_one
from protomem.auditing import audit_chain
from protomem.cli.receipt_files import read_receipts
from protomem.cli.shared import OUT, AsJson, print_checks, print_json, reported_errors

__all__ = ["audit"]


@reported_errors()
def audit(
    file: Annotated[
        Path, typer.Argument(metavar="RECEIPT", help="A file with one receipt, or with several, one a line.")
    ],
    public_key: Annotated[
        str, typer.Option(metavar="HEX", help="The memory's public key: `protomem receipts` shows it.")
    ],
    as_json: AsJson = False,
) -> None:
    """Check one receipt, or receipts that follow each other; exit code 1 if anything is wrong."""
    receipts = read_receipts(file)
    checks = audit_one(receipts[0], public_key) if len(receipts) == 1 else audit_chain(receipts, public_key)
    ok = all(check.ok for check in checks)
    if as_json:
        print_json(
            {
                "ok": ok,
                "receipts": len(receipts),
                "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
            }
        )
    else:
        print_checks(OUT, checks)
    if not ok:
        raise typer.Exit(1)
