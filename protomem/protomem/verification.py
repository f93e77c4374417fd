"""Recomputing a memory from its kept examples, and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from protomem.commitment import Commitment, content
from protomem.encoders.base import Progress
from protomem.receipts import Receipt
from protomem.state import State, codes_of_rows, digest_of
from protomem.statistics import Statistics
from protomem.store import Row

__all__ = ["Check", "Verification", "verify"]

VERIFY_ROWS = 10_000
"""Rows recomputed between two reports of progress."""


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


def verify(state: State, rows: Sequence[Row], receipts: Sequence[Receipt], progress: Progress | None) -> Verification:
    """Compare a state with what its kept rows and receipts say, bit for bit:

    1. the kept ids and labels are those in use;
    2. the sums recomputed from the kept codes equal the sums in use;
    3. so does the commitment to the multiset of examples;
    4. each receipt begins where the one before ended, and the last one ends here.
    """
    statistics, commitment = Statistics(state.space), Commitment()
    for start in range(0, len(rows), VERIFY_ROWS):
        batch = rows[start : start + VERIFY_ROWS]
        statistics.learn(codes_of_rows(batch, state.space), [row.labels for row in batch])
        commitment.add(content(row.codes, row.labels) for row in batch)
        if progress is not None:
            progress(start + len(batch), len(rows))
    chained = all(old.after == new.before for old, new in pairwise(receipts))
    last = receipts[-1].after if receipts else Commitment().hex()
    checks = (
        Check("examples", {row.id: row.labels for row in rows} == state.labels_of, f"{len(rows)} kept and in use"),
        Check("statistics", statistics == state.statistics(), f"recomputed {statistics.digest()}"),
        Check("commitment", commitment.hex() == state.commitment.hex(), f"recomputed {commitment.hex()}"),
        Check("receipts", chained and last == commitment.hex(), f"{len(receipts)} receipts lead here"),
    )
    return Verification(all(check.ok for check in checks), checks, digest_of(statistics, commitment), len(rows))
