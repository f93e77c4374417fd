"""Recomputing a memory from its kept examples, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from protomem.auditing import audit_chain
from protomem.commitment import Commitment, content
from protomem.progress import Progress
from protomem.receipts import Receipt
from protomem.reports import Check
from protomem.snapshots import Snapshot
from protomem.state import State, codes_of_rows, digest_of
from protomem.statistics import Statistics
from protomem.store import Row

__all__ = ["Verification", "verify", "verify_sums"]

VERIFY_ROWS = 10_000
"""Rows recomputed between two reports of progress."""


@final
@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of recomputing a memory from its kept examples: `ok` if every check held."""

    ok: bool
    checks: tuple[Check, ...]
    digest: str
    examples: int


def verify(
    state: State,
    rows: Sequence[Row],
    receipts: Sequence[Receipt],
    leads_to: Callable[[Commitment], str],
    public_key: str,
    progress: Progress | None,
) -> Verification:
    """Compare a state with what its kept rows and receipts say, bit for bit. `leads_to` tells what a receipt that leads
    to these examples commits to, with what is merged of others. The numbers are those of RECEIPTS.md:

    V1 the kept ids and labels are those in use;
    V2 the sums recomputed from the kept codes equal the sums in use;
    V3 so does the commitment to the multiset of examples;
    V4 the last receipt leads to this commitment;
    V5 every receipt is signed by the memory's key, has its form, and follows the one before, from number 1 on.
    """
    statistics, commitment = Statistics(state.space), Commitment()
    for start in range(0, len(rows), VERIFY_ROWS):
        batch = rows[start : start + VERIFY_ROWS]
        statistics.learn(codes_of_rows(batch, state.space), [row.labels for row in batch])
        commitment.add(content(row.codes, row.labels) for row in batch)
        if progress is not None:
            progress(start + len(batch), len(rows))
    last = receipts[-1].after if receipts else Commitment().hex()
    leads_here = last == leads_to(commitment)
    checks = (
        Check("V1 examples", {row.id: row.labels for row in rows} == state.labels_of, f"{len(rows)} kept and in use"),
        Check("V2 statistics", statistics == state.statistics(), f"recomputed {statistics.digest()}"),
        Check("V3 commitment", commitment.hex() == state.commitment.hex(), f"recomputed {commitment.hex()}"),
        Check("V4 last receipt", leads_here, f"{len(receipts)} receipts lead here"),
        _chain(receipts, public_key),
    )
    return Verification(all(check.ok for check in checks), checks, digest_of(statistics, commitment), len(rows))


def _chain(receipts: Sequence[Receipt], public_key: str) -> Check:
    """Receipts from before format version 2 have no signature; they may only stand before all others."""
    unsigned = next((row for row, receipt in enumerate(receipts) if receipt.signature), len(receipts))
    wrong = [check.detail for check in audit_chain(receipts[unsigned:], public_key) if not check.ok]
    missing = set(range(1, len(receipts) + 1)) - {receipt.sequence for receipt in receipts}
    if missing:
        wrong.append(f"receipt number {min(missing)} is missing")
    old = f", after {unsigned} unsigned ones of format version 1" if unsigned else ""
    found = wrong[0] if wrong else f"{len(receipts) - unsigned} signed receipts, each following the one before{old}"
    return Check("V5 chain", not wrong, found)


def verify_sums(
    used: Snapshot,
    kept: Snapshot,
    receipts: Sequence[Receipt],
    leads_to: Callable[[Commitment], str],
    public_key: str,
    remembered: int,
) -> Verification:
    """As `verify`, where no example is kept to recompute from: V1, V2 and V3 compare with the sums on the disk."""
    statistics, commitment = kept.statistics, kept.commitment
    last = receipts[-1].after if receipts else Commitment().hex()
    leads_here = last == leads_to(commitment)
    checks = (
        Check("V1 examples", statistics.count == remembered, f"sums of {statistics.count} examples, none of them kept"),
        Check("V2 statistics", statistics == used.statistics, f"kept {statistics.digest()}"),
        Check("V3 commitment", commitment.hex() == used.commitment.hex(), f"kept {commitment.hex()}"),
        Check("V4 last receipt", leads_here, f"{len(receipts)} receipts lead here"),
        _chain(receipts, public_key),
    )
    return Verification(all(check.ok for check in checks), checks, digest_of(statistics, commitment), statistics.count)
