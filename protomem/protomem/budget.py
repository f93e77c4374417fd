"""Which examples stay when a memory is trimmed: a pure function of the examples that are remembered.

Examples with the same labels form a class; in each they are ranked by a hash of their codes, as good as at random.
Those with the lowest ranks over all classes stay: the smallest classes whole, the largest alike. So the example that
goes is always one of a largest class, and trimming twice is trimming once to the smaller number.

There is no cap that works by itself while a memory learns: what it would have dropped could not come back when
something else is forgotten, and the memory would no longer be the one that never saw that.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from protomem.inputs import check_whole
from protomem.store import Row

__all__ = ["beyond", "check_budget"]


def check_budget(to: int) -> None:
    """Raise `InvalidInput` for what is no number of examples that may stay."""
    check_whole("to", to, 1)


def beyond(rows: Sequence[Row], most: int) -> list[str]:
    """The ids of the examples that go so that at most this many stay, sorted. Empty where there are no more than that.

    Of examples with equal codes and labels, which nothing learned can tell apart, the ones with larger ids go.
    """
    hashes = {row.id: hashlib.blake2b(row.codes, digest_size=16).digest() for row in rows}
    classes = defaultdict(list)
    for row in rows:
        classes[row.labels].append((hashes[row.id], row.id))
    ranked = [(rank, *one) for members in classes.values() for rank, one in enumerate(sorted(members))]
    return sorted(id for _, _, id in sorted(ranked)[most:])
