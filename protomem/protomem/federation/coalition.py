"""Everything that is merged of others: who they are, and the sums over all of them, one for each level they came at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, final

from protomem.commitment import Commitment
from protomem.errors import ContributionRefused
from protomem.federation.acceptance import MergedClient
from protomem.federation.levels import Level, lowest
from protomem.federation.plausibility import MAX_EXAMPLES
from protomem.federation.sums import Sums
from protomem.snapshots import Snapshot
from protomem.space import Space
from protomem.state import digest_of

__all__ = ["Coalition"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Coalition:
    """The clients of a memory by name, those withdrawn among them, and by level the `totals` of what is merged.

    What is merged at a reduced level has no commitment to its examples. So that receipts commit to it all the same,
    `marks` is that to the digests of the sums of every such client.
    """

    space: Space
    clients: Mapping[str, MergedClient]
    totals: Mapping[Level, Sums]
    marks: Commitment

    @classmethod
    def empty(cls, space: Space) -> Coalition:
        """Nothing was ever merged."""
        return cls(space, {}, {}, Commitment())

    @classmethod
    def of(cls, space: Space, clients: Iterable[Mapping[str, Any]], totals: Mapping[str, Sums]) -> Coalition:
        """The coalition of clients as `fields` lists them, with these totals."""
        every = [MergedClient(**fields) for fields in clients]
        marks = Commitment()
        marks.add(_mark(one) for one in every if _is_marked(one))
        return cls(space, {one.name: one for one in every}, {one.level: one for one in totals.values()}, marks)

    def fields(self) -> list[dict[str, Any]]:
        """The clients, as a file keeps them."""
        return [asdict(client) for _, client in sorted(self.clients.items())]

    def by_level(self) -> dict[str, Sums]:
        """The totals, as a file keeps them."""
        return {level: total for level, total in self.totals.items()}  # noqa: C416 - a mapping is invariant in its keys

    @property
    def level(self) -> Level | None:
        """The level that all merged clients have in common; None where none is merged."""
        return lowest(self.totals) if self.totals else None

    @property
    def count(self) -> int:
        """How many examples are merged."""
        return sum(total.count for total in self.totals.values())

    def classes(self) -> Counter[str]:
        """How many merged examples carry each label."""
        found: Counter[str] = Counter()
        for total in self.totals.values():
            found.update(dict(zip(total.names, total.counts.tolist(), strict=True)))
        return found

    def changed(self, client: MergedClient, before: Sums | None, after: Sums | None) -> Coalition:
        """The coalition in which a client's sums are these instead of those; None of none.

        Raises `ContributionRefused` for more examples than can be counted exactly.
        """
        totals, marks, old = dict(self.totals), self.marks.copy(), self.clients.get(client.name)
        if old is not None and before is not None:
            totals[before.level] = totals[before.level] - before
            marks.subtract([_mark(old)] if _is_marked(old) else [])
        if after is not None:
            totals[after.level] = totals[after.level] + after if after.level in totals else after
        marks.add([_mark(client)] if _is_marked(client) else [])
        clients = {**self.clients, client.name: client}
        there = {one.level for one in clients.values() if one.merged}
        grown = replace(self, clients=clients, totals={k: v for k, v in totals.items() if k in there}, marks=marks)
        if grown.count > MAX_EXAMPLES:
            raise ContributionRefused(
                f"C9: with {client.name!r} there would be {grown.count:,} examples, and at most {MAX_EXAMPLES:,} are "
                "summed exactly; nothing was changed"
            )
        return grown

    def commitment(self) -> Commitment:
        """The commitment to the merged examples, as far as they came with one."""
        total = self.totals.get("full")
        return Commitment() if total is None else total.commitment()

    def with_own(self, own: Snapshot, level: Level) -> Sums:
        """The sums over a memory's own examples and all that is merged, at a level that all of it has."""
        total = Sums.of(own.statistics, own.commitment, level)
        for one in self.totals.values():
            total = total + one.reduced(level)
        return total

    def digest(self, own: Snapshot) -> str:
        """The `digest()` of a memory with these examples of its own: that of one which learned all of it, where all is
        merged at the full level.
        """
        statistics = own.statistics
        for total in self.totals.values():
            statistics = statistics + total.statistics()
        return digest_of(statistics, own.commitment + self.commitment())


def _is_marked(client: MergedClient) -> bool:
    return client.merged and client.level != "full"


def _mark(client: MergedClient) -> bytes:
    return f"merged {client.level} {client.digest}".encode()
