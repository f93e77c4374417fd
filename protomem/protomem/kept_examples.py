"""A memory that keeps the codes of every example, and their texts if it was asked to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, final

from protomem.budget import beyond
from protomem.commitment import Commitment
from protomem.errors import InvalidReceipt, NotRemembered
from protomem.federation.levels import Level
from protomem.federation.rare import common_sums
from protomem.federation.sums import Sums
from protomem.inputs import listed
from protomem.keeping import Steps, refuse_empty
from protomem.ledger import Ledger
from protomem.left_out import Needs
from protomem.listing import Example, Page
from protomem.loading import NO_SUMS, SNAPSHOT_FROM, load_state
from protomem.matching import new_rows, repeated, repeated_learning
from protomem.over_all import Solving
from protomem.predicting import Predictor
from protomem.progress import Progress
from protomem.projection import Seen
from protomem.questions import Question
from protomem.receipts import Receipt
from protomem.reporting import Inventory
from protomem.requests import Forget, Learn, Trim
from protomem.snapshots import Snapshot
from protomem.space import Space
from protomem.state import codes_of_rows
from protomem.store import Row, Store, Write
from protomem.streams import Arrival, in_order
from protomem.verification import Verification, verify

__all__ = ["KeptExamples"]


@final
class KeptExamples:
    """See `protomem.keeping.Keeping`. `reproducible` says whether the encoder gives an item the same codes
    always, `solving` is how its heads are solved.
    """

    def __init__(self, store: Store, space: Space, ledger: Ledger, *, reproducible: bool, solving: Solving) -> None:
        self.steps = Steps()
        self._store = store
        self._ledger = ledger
        self._reproducible = reproducible
        self._solving = solving
        self._state, self.opening = load_state(store, space, ledger)
        is_small = self.count() < SNAPSHOT_FROM
        self._has_snapshot = store.snapshot() == NO_SUMS if is_small else not self.opening.summed
        self._predictor: Predictor | None = None

    @property
    def version(self) -> int:
        return self._state.version

    def count(self) -> int:
        return len(self._state.labels_of)

    def classes(self) -> dict[str, int]:
        return self._state.classes()

    def examples(self, page: Page) -> list[Example]:
        return self._store.examples(page)

    def rows(self) -> list[Row]:
        """Every remembered row, in no certain order."""
        return self._ledger.pending.rows()

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        return {id: row.item for id, row in self._store.get(ids).items()}

    def learn(self, request: Learn) -> Receipt:
        remembered = self._ledger.pending.get([row.id for row in request.rows if row.id in self._state.labels_of])
        steady, secrets = self._reproducible, self._ledger.secrets
        if first := self._ledger.first(request.key):
            return repeated_learning(first, request.rows, remembered, secrets, reproducible=steady)
        fresh, unchanged = new_rows(request.rows, remembered, reproducible=steady)
        raised = self._ledger.raised([row.id for row in fresh], relearn=request.relearn) if request.named else []
        return self._change("learn", request.key, added=fresh, unchanged=unchanged, raised=raised)

    def forget(self, request: Forget) -> Receipt:
        if first := self._ledger.first(request.key):
            return repeated(first, "forget", request.ids or (), self._ledger.secrets)
        return self._change("forget", request.key, removed=self._meant(request))

    def trim(self, request: Trim) -> Receipt:
        if first := self._ledger.first(request.key):
            return repeated(first, "forget", (), self._ledger.secrets)
        return self._change("forget", request.key, removed=beyond(self.rows(), request.to))

    def commit(self) -> None:
        if self._ledger.pending:
            self._has_snapshot = False
        self._ledger.pending.commit()

    def purge(self, progress: Progress | None) -> Receipt:
        receipt = self._ledger.next("purge", self._ledger.state, self._ledger.unpurged())
        with self.steps.changing():
            self._store.purge(receipt, progress)
            self._ledger.take(receipt)
            self._has_snapshot = False
        return receipt

    def answering(self, question: Question) -> Predictor:
        refuse_empty(self.count())
        self._fold()
        return self._solved(Needs.of(question))

    def renewal(self, needs: Needs) -> Callable[[], Predictor] | None:
        if not self.count():
            return None
        self._fold()
        return partial(self._renewed, needs)

    def _fold(self) -> None:
        """The sums follow now: whoever reads them afterwards changes nothing."""
        with self.steps.changing():
            self._state.statistics()

    def _renewed(self, needs: Needs) -> Predictor:
        old = self._predictor
        fresh = self._solved(needs)
        if old is not None and old is not fresh:
            fresh.warm_as(old)
        return fresh

    def _solved(self, needs: Needs) -> Predictor:
        state, fresh = self._state, self._predictor
        if fresh is None or fresh.version != state.version:
            fresh = Predictor.of(state, fresh, self._solving)
        self._predictor = fresh = fresh.prepared(needs, state)
        return fresh

    def digest(self) -> str:
        with self.steps.changing():
            return self._state.digest()

    def verify(self, progress: Progress | None) -> Verification:
        with self.steps.changing():
            public_key = self._ledger.secrets.public_key
            receipts, leads_to = self._store.receipts(), self._ledger.state_of
            return verify(self._state, self.rows(), receipts, leads_to, public_key, progress)

    def inventory(self) -> Inventory:
        came = self._store.arrivals()
        arrivals = [Arrival(row, came[row.id]) for row in self.rows()]
        return Inventory(self.count(), self.classes(), in_order(arrivals), None)

    def seen(self) -> Seen:
        return Seen.of(self._state.examples)

    def snapshot(self) -> None:
        if not self._store.keeps_snapshots or not self._ledger.sequence or self._has_snapshot:
            return
        self._store.keep_snapshot(
            NO_SUMS if self.count() < SNAPSHOT_FROM else self.sums().to_bytes(self._ledger.secrets)
        )
        self._has_snapshot = True

    def commitment(self) -> Commitment:
        return self._state.commitment

    def sums(self) -> Snapshot:
        with self.steps.changing():
            return self._state.snapshot(self._ledger.sequence)

    def shared(self, level: Level, least: int) -> Sums:
        if least > 1:
            rows = self.rows()
            codes, labels = codes_of_rows(rows, self._state.space), [row.labels for row in rows]
            return common_sums(self._state.space, codes, labels, level, least)
        taken = self.sums()
        return Sums.of(taken.statistics, taken.commitment, level)

    def _meant(self, request: Forget) -> list[str]:
        """The ids that a `forget` means."""
        if request.subject is not None:
            found = self._ledger.pending.ids_of_subject(request.subject)
            return _found(found, f"subject {request.subject!r} has no remembered example")
        if request.label is not None:
            carried = [id for id, labels in self._state.labels_of.items() if request.label in labels]
            otherwise = f"label {request.label!r} has no remembered example: memory.classes() lists the labels"
            return _found(carried, otherwise)
        if request.receipt is not None:
            return self._learned_by(request.receipt)
        wanted = list(dict.fromkeys(request.ids or ()))
        missing = [id for id in wanted if id not in self._state.labels_of]
        if missing:
            raise NotRemembered(f"not remembered: {listed(missing)}; nothing was forgotten, remove them and try again")
        return wanted

    def _learned_by(self, receipt: Receipt) -> list[str]:
        """The ids that this receipt of a `learn` is about, all of them remembered still."""
        self._ledger.require_own(receipt)
        told = receipt.ids or self._state.labels_of  # ids that are told save hashing those of everything remembered
        by_hash = {self._ledger.secrets.id_hash(id): id for id in told if id in self._state.labels_of}
        missing = [one for one in receipt.id_hashes if one not in by_hash]
        if missing:
            raise NotRemembered(
                f"{len(missing)} of the {receipt.count} examples of this receipt are not remembered any more; nothing "
                "was forgotten: forget the others by their ids"
            )
        if not receipt.id_hashes:
            raise InvalidReceipt("this receipt is of a learning that added nothing: there is nothing to forget")
        return [by_hash[one] for one in receipt.id_hashes]

    def _change(
        self,
        kind: Literal["learn", "forget"],
        key: str,
        added: Sequence[Row] = (),
        removed: Sequence[str] = (),
        unchanged: Sequence[str] = (),
        raised: Sequence[str] = (),
    ) -> Receipt:
        """One change: what follows from it is worked out, then it is taken over; kept with the next commit."""
        change = self._state.change(added, removed)
        ids = (*change.added, *removed)
        hashes = [self._ledger.secrets.id_hash(id) for id in ids]
        receipt = self._ledger.next(kind, self._ledger.state_of(change.commitment), hashes, key, ids, unchanged)
        buried = receipt.id_hashes if kind == "forget" else ()
        with self.steps.changing():
            self._ledger.pending.add(Write(receipt, added, removed, buried, raised))
            self._state.apply(change)
            self._ledger.take(receipt)
        return receipt


def _found(ids: list[str], otherwise: str) -> list[str]:
    if not ids:
        raise NotRemembered(otherwise)
    return ids
