"""The chain of receipts: what came before, and the signed receipt of what comes next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from protomem.commitment import Commitment
from protomem.errors import Forgotten, InvalidId, InvalidReceipt
from protomem.inputs import check_name, listed
from protomem.pending import Pending
from protomem.receipts import Kind, Receipt
from protomem.signing import Secrets, is_signed
from protomem.store import Store

__all__ = ["Ledger"]


@final
class Ledger:
    """The receipts of one memory and its keys. Not safe for threads: its memory holds the lock.

    The chain goes on with changes that are `pending`, which are kept when that is committed.
    """

    def __init__(self, store: Store, secrets: Secrets, now: Callable[[], str], new_id: Callable[[], str]) -> None:
        self.secrets = secrets
        self.pending = Pending(store)
        self.others = Commitment()
        """To what is merged of others, which every receipt commits to besides the memory's own examples."""
        self._store = store
        self._now = now
        self._new_id = new_id
        self.last = store.last_receipt()

    @property
    def sequence(self) -> int:
        """The number of the last receipt, 0 before the first."""
        return self.last.sequence if self.last else 0

    @property
    def state(self) -> str:
        """The commitment (hex) that the last receipt leads to; that of no examples before the first."""
        return self.last.after if self.last else Commitment().hex()

    def state_of(self, own: Commitment) -> str:
        """The commitment (hex) of a receipt that leads to these examples of the memory's own."""
        return (own + self.others).hex()

    def next(
        self,
        kind: Kind,
        after: str,
        id_hashes: Sequence[str],
        request: str = "",
        ids: Sequence[str] = (),
        unchanged: Sequence[str] = (),
    ) -> Receipt:
        """The signed receipt of a change that is about to be taken over; `take` it then."""
        unsigned = Receipt(
            id=self._new_id(),
            kind=kind,
            sequence=self.sequence + 1,
            count=len(id_hashes),
            before=self.state,
            after=after,
            at=self._now(),
            previous=self.last.chain_hash() if self.last else "",
            id_hashes=tuple(id_hashes),
            request=request,
            ids=tuple(ids),
            unchanged=tuple(unchanged),
        )
        return self.secrets.signed(unsigned)

    def take(self, receipt: Receipt) -> None:
        """Go on from this receipt."""
        self.last = receipt.without_ids()

    def own_ids(self, count: int, idempotency_key: str | None) -> list[str]:
        """Ids for items that came without: fresh ones, or those that the same request would get again."""
        if idempotency_key is None:
            return [self._new_id() for _ in range(count)]
        check_name(idempotency_key, "idempotency_key", InvalidId)
        return [self.secrets.derived_id(idempotency_key, row) for row in range(count)]

    def request(self, idempotency_key: str | None) -> str:
        """The keyed hash of an idempotency key; empty without one."""
        if idempotency_key is None:
            return ""
        return self.secrets.request_hash(check_name(idempotency_key, "idempotency_key", InvalidId))

    def first(self, request: str) -> Receipt | None:
        """The receipt of the same request, if it came before."""
        return self.pending.first(request) if request else None

    def foresee(self, requests: Sequence[str], ids: Sequence[str]) -> None:
        """Look up in one go what `first` and `raised` will be asked for."""
        self.pending.foresee(list(filter(None, requests)), list(map(self.secrets.id_hash, ids)))

    def raised(self, ids: Sequence[str], *, relearn: bool) -> list[str]:
        """The tombstones of these ids, which are to be learned. Raises `Forgotten` unless this is meant."""
        hashes = {self.secrets.id_hash(id): id for id in ids}
        buried = self.pending.tombstones(list(hashes))
        if buried and not relearn:
            raise Forgotten(
                f"forgotten before: {listed(sorted(hashes[one] for one in buried))}; nothing was learned: leave them "
                "out, or pass relearn=True to teach them anew on purpose"
            )
        return sorted(buried)

    def require_own(self, receipt: Receipt) -> None:
        """Raise `InvalidReceipt` unless this is the receipt of a `learn` that this memory signed."""
        if receipt.kind != "learn" or not is_signed(receipt, self.secrets.public_key):
            raise InvalidReceipt(
                f"this {receipt.kind} receipt is not one by which this memory learned: pass a receipt of its own learn "
                "as it was given back"
            )

    def unpurged(self) -> list[str]:
        """The keyed hashes of what was forgotten since the last purge."""
        hashes: list[str] = []
        for receipt in self._store.receipts():
            if receipt.kind == "purge":
                hashes = []
            elif receipt.kind == "forget":
                hashes += receipt.id_hashes
        return sorted(set(hashes))
