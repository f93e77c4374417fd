"""Receipts in files, one a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from protomem.errors import InvalidReceipt, StoreUnavailable
from protomem.receipts import Receipt

__all__ = ["append_receipt", "read_receipts", "write_receipts"]


def read_receipts(path: Path) -> list[Receipt]:
    """The receipts of a file, at least one. Raises `InvalidReceipt` with the line of the first that is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidReceipt(f"{path} cannot be read as text: {error}") from error
    receipts = [_read(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not receipts:
        raise InvalidReceipt(f"{path} holds no receipt: pass what `protomem receipts --export` wrote")
    return receipts


def write_receipts(path: Path, receipts: Sequence[Receipt]) -> None:
    """Write a file of these receipts alone."""
    _write(path, "w", receipts)


def append_receipt(path: Path, receipt: Receipt) -> None:
    """Put a receipt at the end of a file."""
    _write(path, "a", [receipt])


def _read(path: Path, number: int, line: str) -> Receipt:
    try:
        return Receipt.from_json(line)
    except InvalidReceipt as error:
        raise InvalidReceipt(f"{path}, line {number}: {error}") from error


def _write(path: Path, mode: str, receipts: Sequence[Receipt]) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.writelines(f"{receipt.to_json()}\n" for receipt in receipts)
    except OSError as error:
        raise StoreUnavailable(f"{path}: the receipts cannot be written there: {error.strerror}") from error
