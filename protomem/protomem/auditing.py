"""Checking receipts with nothing but a public key: no memory, no encoder, no examples.

The numbers are those of `protomem/RECEIPTS.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from protomem.commitment import Commitment
from protomem.receipts import Receipt
from protomem.reports import Check
from protomem.signing import is_signed

__all__ = ["ABOUT_A_CLIENT", "audit", "audit_chain"]

ABOUT_A_CLIENT: Final = ("merge", "withdraw")
"""Kinds of receipts whose one hash is that of a client's name."""


def audit(receipt: Receipt, public_key: str) -> tuple[Check, ...]:
    """Check one receipt against a memory's public key (hex).

    Raises `InvalidInput` if the key is no key. That it has the form of a receipt (A1) is checked by
    `Receipt.from_json`, which raises `InvalidReceipt`.
    """
    empty = Commitment().hex()
    begins = receipt.sequence == 1
    return (
        Check("A2 signature", is_signed(receipt, public_key), f"Ed25519 under {public_key[:16]}…"),
        Check(
            "A3 place",
            receipt.sequence >= 1 and begins == (receipt.previous == "") and (not begins or receipt.before == empty),
            f"number {receipt.sequence}",
        ),
        Check(
            "A4 count",
            receipt.count == len(receipt.id_hashes) == len(set(receipt.id_hashes))
            and (receipt.kind not in ABOUT_A_CLIENT or receipt.count == 1),
            f"{receipt.count} {'clients' if receipt.kind in ABOUT_A_CLIENT else 'examples'}, each named once",
        ),
        Check("A5 change", _changes_what_it_says(receipt), f"a {receipt.kind} from {receipt.before[:8]}…"),
    )


def audit_chain(receipts: Sequence[Receipt], public_key: str) -> tuple[Check, ...]:
    """Check receipts that follow each other, oldest first: each by itself, and (A6) that none is missing between."""
    failed = [(receipt, check) for receipt in receipts for check in audit(receipt, public_key) if not check.ok]
    follows = [old.sequence + 1 == new.sequence and _follows(old, new) for old, new in pairwise(receipts)]
    first_gap = follows.index(False) + 1 if False in follows else 0
    return (
        Check(
            "A2-A5 each receipt",
            not failed,
            f"receipt number {failed[0][0].sequence} fails {failed[0][1].name}"
            if failed
            else f"{len(receipts)} receipts",
        ),
        Check(
            "A6 chain",
            not first_gap,
            f"receipt number {receipts[first_gap].sequence} does not follow number {receipts[first_gap - 1].sequence}"
            if first_gap
            else "each names the one before and begins where it ended",
        ),
    )


def _follows(old: Receipt, new: Receipt) -> bool:
    return new.previous == old.chain_hash() and new.before == old.after


def _changes_what_it_says(receipt: Receipt) -> bool:
    """A purge leaves what is remembered as it is, and so does a change of nothing; any other change does not."""
    if receipt.kind in ABOUT_A_CLIENT:
        return True  # a client may have nothing new, or nothing at all
    stays = receipt.kind == "purge" or receipt.count == 0
    return (receipt.before == receipt.after) == stays
