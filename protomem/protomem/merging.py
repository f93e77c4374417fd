"""What a memory keeps of the clients it merged, and what merging and withdrawing one means.

Beside the memory lies a part for each client, with its sums, and one with everybody's: `client-HASH-N` and `merged-N`,
where N is the number of the receipt that led to it. Parts are written before their receipt is, and are valid once it is
kept; those of a receipt that never was are dropped when the memory is opened. The newest receipt of a client says which
part has to be there: without it the clients that were withdrawn, whose sums no state commits to, would be strangers
again, and their old contributions be taken.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final, final

from protomem.commitment import Commitment
from protomem.errors import MemoryDamaged, NotRemembered, RequestConflict, StoreError
from protomem.federation.acceptance import MergedClient, check_key, check_place, sums_after
from protomem.federation.coalition import Coalition
from protomem.federation.contribution import Contribution
from protomem.federation.keeping import kept_bytes, kept_sums
from protomem.federation.levels import Level
from protomem.federation.sums import Sums
from protomem.keeping import Steps
from protomem.ledger import Ledger
from protomem.receipts import Kind, Receipt
from protomem.requests import Merge, Withdraw
from protomem.space import Space
from protomem.store import Store, Write

__all__ = ["Merging"]

CLIENT: Final = "client-"
MERGED: Final = "merged-"

SUMS: Final = "sums"
"""What the sums in a client's part are called."""


@final
class Merging:
    """The coalition of one memory, on its store. Not safe for threads: its memory holds the lock."""

    def __init__(self, store: Store, space: Space, ledger: Ledger) -> None:
        self._store = store
        self._space = space
        self._ledger = ledger
        last = store.last_receipt("merge", "withdraw")
        self._number = last.sequence if last else 0
        self.coalition = self._loaded()
        self._changed = False
        ledger.others = _others(self.coalition)
        self._drop_stale()

    def merge(self, request: Merge, own: Commitment, steps: Steps) -> Receipt:
        """Put a client's sums in the place of those that are merged of it, or add the difference to them.

        `own` is the commitment to the memory's own examples.
        """
        one = request.contribution
        known = self.coalition.clients.get(one.client)
        if first := self._merged_before(one, known):
            return first
        check_key(one, known, request.keys)
        check_place(one, known)
        before = self._sums_of(known) if known is not None and known.merged else None
        after = sums_after(one, before, self._space)
        number = self._ledger.sequence + 1
        client = MergedClient(
            name=one.client,
            public_key=one.public_key,
            sequence=one.sequence,
            level=one.level,
            count=after.count,
            digest=one.digest,
            receipt=number,
            joined=known.joined if known is not None and known.merged else number,
        )
        return self._change("merge", one.id, client, (before, after), own, steps)

    def withdraw(self, request: Withdraw, own: Commitment, steps: Steps) -> Receipt:
        """Take out all that is merged of a client."""
        hashed = self._ledger.secrets.client_hash(request.client)
        if first := self._ledger.first(request.key):
            if (first.kind, first.id_hashes) != ("withdraw", (hashed,)):
                raise RequestConflict(
                    f"this idempotency key came before, at {first.at}, with another request (a {first.kind}): use a "
                    "new key for every new request"
                )
            return first
        known = self.coalition.clients.get(request.client)
        if known is None or not known.merged:
            raise NotRemembered(
                f"nothing of the client {request.client!r} is merged: memory.clients() lists those that are"
            )
        gone = replace(known, count=0, receipt=0, joined=0)
        return self._change("withdraw", request.key, gone, (self._sums_of(known), None), own, steps)

    def keep(self) -> None:
        """Have everything on the store that the receipts which are about to be written lead to."""
        if self._changed:
            name = f"{MERGED}{self._number}"
            totals, clients = self.coalition.by_level(), self.coalition.fields()
            document = kept_bytes(name, {"clients": clients}, totals, self._ledger.secrets)
            self._store.keep_part(name, document)

    def settle(self) -> None:
        """After the receipts were written: drop what they left behind."""
        if self._changed:
            self._changed = False
            with suppress(StoreError):  # what is written is acknowledged; the next opening or purge drops it
                self._drop_stale()

    def purge(self) -> None:
        """Drop whatever is left of what was withdrawn."""
        self._drop_stale()

    def check(self) -> str:
        """What is wrong with what the store keeps of the clients, against what is in use; empty if nothing is."""
        if not self._number:
            return ""
        anew = Coalition.empty(self._space)
        try:
            if (kept := self._loaded()).fields() != self.coalition.fields():
                return "the clients in use are not those that are kept"
            for client in self.coalition.clients.values():
                sums = self._sums_of(client) if client.merged else None
                if sums is not None and (sums.digest(), sums.count) != (client.digest, client.count):
                    return f"the sums of the client {client.name!r} are not those that were merged"
                anew = anew.changed(client, None, sums)
        except MemoryDamaged as error:
            return str(error)
        in_use = [_digests(one) for one in (anew, kept, self.coalition)]
        return "" if in_use[0] == in_use[1] == in_use[2] else "the sums in use are not those of the clients"

    def _merged_before(self, one: Contribution, known: MergedClient | None) -> Receipt | None:
        """The receipt of this very contribution, if it came since its client was withdrawn last."""
        first = self._ledger.first(one.id)
        if first is None or known is None or not known.merged or first.sequence < known.joined:
            return None
        return first

    def _change(
        self,
        kind: Kind,
        request: str,
        client: MergedClient,
        sums: tuple[Sums | None, Sums | None],
        own: Commitment,
        steps: Steps,
    ) -> Receipt:
        """One change, of a client's sums before and after: worked out, then taken over; kept with the next commit."""
        ledger, changed = self._ledger, self.coalition.changed(client, *sums)
        others = _others(changed)
        receipt = ledger.next(kind, (own + others).hex(), [ledger.secrets.client_hash(client.name)], request)
        with steps.changing():
            if (after := sums[1]) is not None:
                name = self._part_of(client)
                self._store.keep_part(name, kept_bytes(name, {"client": client.name}, {SUMS: after}, ledger.secrets))
            ledger.pending.add(Write(receipt))
            self.coalition, ledger.others = changed, others
            self._number, self._changed = receipt.sequence, True
            ledger.take(receipt)
        return receipt

    def _loaded(self) -> Coalition:
        if not self._number:
            return Coalition.empty(self._space)
        name = f"{MERGED}{self._number}"
        header, totals = kept_sums(name, self._store.part(name), self._space, self._ledger.secrets)
        return Coalition.of(self._space, header["clients"], totals)

    def _sums_of(self, client: MergedClient) -> Sums:
        """The sums of a client that is merged."""
        name = self._part_of(client)
        return kept_sums(name, self._store.part(name), self._space, self._ledger.secrets)[1][SUMS]

    def _part_of(self, client: MergedClient) -> str:
        return f"{CLIENT}{self._ledger.secrets.client_hash(client.name)}-{client.receipt}"

    def _drop_stale(self) -> None:
        """Drop what belongs to no client that is merged: of a change that was cut short, or one that is past."""
        used = {f"{MERGED}{self._number}", *map(self._part_of, filter(_is_merged, self.coalition.clients.values()))}
        ours = (name for name in self._store.parts() if name.startswith((CLIENT, MERGED)))
        self._store.drop_parts([name for name in ours if name not in used])


def _others(coalition: Coalition) -> Commitment:
    return coalition.commitment() + coalition.marks


def _is_merged(client: MergedClient) -> bool:
    return client.merged


def _digests(coalition: Coalition) -> dict[Level, str]:
    return {level: total.digest() for level, total in coalition.totals.items()}
