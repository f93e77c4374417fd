"""A memory that keeps nothing of its examples but their sums: whoever taught it holds the receipt with the codes.

Of each example a keyed hash of its id and a keyed commitment to its content are kept. So a receipt that comes back
shows that exactly this was learned and not forgotten since, and what is subtracted is what was added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal, final

from protomem.commitment import Commitment, content
from protomem.errors import InvalidInput, InvalidReceipt, MemoryDamaged, NotRemembered
from protomem.examples import Examples
from protomem.federation.levels import Level
from protomem.federation.rare import without_rare
from protomem.federation.sums import Sums
from protomem.head_costs import costs_of_parts
from protomem.keeping import Steps, refuse_empty
from protomem.ledger import Ledger
from protomem.left_out import Needs
from protomem.listing import Example, Page
from protomem.loading import Opening
from protomem.matching import new_rows, repeated, repeated_learning
from protomem.progress import Progress
from protomem.projection import Seen
from protomem.questions import Question
from protomem.receipts import Receipt, Taught
from protomem.reporting import Inventory
from protomem.requests import Forget, Learn, Trim
from protomem.signing import Secrets
from protomem.snapshots import Snapshot
from protomem.space import Space
from protomem.state import codes_of_rows, digest_of
from protomem.statistics import Statistics
from protomem.store import Row, Store, Write
from protomem.summed import SummedPredictor
from protomem.verification import Verification, verify_sums

__all__ = ["SumsAlone"]


@final
class SumsAlone:
    """See `protomem.keeping.Keeping`."""

    def __init__(self, store: Store, space: Space, ledger: Ledger) -> None:
        self.steps = Steps()
        self._store = store
        self._space = space
        self._ledger = ledger
        self._remembered = {row.id for batch in store.rows() for row in batch}  # keyed hashes of ids
        self._sums = _loaded(store, space, ledger)
        self._predictor: SummedPredictor | None = None
        if self._sums.statistics.count != len(self._remembered):
            raise MemoryDamaged(
                f"the sums are of {self._sums.statistics.count} examples and {len(self._remembered)} are remembered: "
                "restore the memory's files from a copy"
            )
        self.opening = Opening(len(self._remembered), 0, "")

    @property
    def version(self) -> int:
        return self._sums.sequence

    def count(self) -> int:
        return len(self._remembered)

    def classes(self) -> dict[str, int]:
        return {label: sums.count for label, sums in sorted(self._sums.statistics.labels.items())}

    def examples(self, page: Page) -> list[Example]:  # noqa: ARG002  # there is none
        raise InvalidInput(f"{NOTHING_KEPT}: there are no examples to list; memory.classes() counts them")

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        return dict.fromkeys(ids)

    def learn(self, request: Learn) -> Receipt:
        given = request.rows
        if any(row.subject is not None for row in given):
            raise InvalidInput(f"{NOTHING_KEPT}, subjects neither: keep the receipts of each subject instead")
        secrets = self._ledger.secrets
        by_hash = {secrets.id_hash(row.id): row for row in given}
        sealed = [_sealed(row, secrets) for row in given]
        remembered = self._ledger.pending.get([hash for hash in by_hash if hash in self._remembered])
        if first := self._ledger.first(request.key):
            by_id = {by_hash[hash].id: replace(row, id=by_hash[hash].id) for hash, row in remembered.items()}
            named_again = [replace(one, id=row.id) for one, row in zip(sealed, given, strict=True)]
            told = repeated_learning(first, named_again, by_id, secrets, reproducible=True)
            return replace(told, content=tuple(_taught(by_hash[hash]) for hash in first.id_hashes))
        fresh, unchanged = new_rows(sealed, remembered, reproducible=True, shown={k: v.id for k, v in by_hash.items()})
        added = [by_hash[row.id] for row in fresh]
        raised = self._ledger.raised([row.id for row in added], relearn=request.relearn) if request.named else []
        ids = [by_hash[hash].id for hash in unchanged]
        return self._change("learn", request.key, added, fresh, unchanged=ids, raised=raised)

    def forget(self, request: Forget) -> Receipt:
        if request.receipt is None:
            raise InvalidInput(f"{NOTHING_KEPT}: forget(receipt=...) takes the receipt that learning gave back")
        if first := self._ledger.first(request.key):
            return repeated(first, "forget", [one.id for one in request.receipt.content], self._ledger.secrets)
        return self._change("forget", request.key, self._proved(request.receipt))

    def trim(self, request: Trim) -> Receipt:
        raise InvalidInput(f"{NOTHING_KEPT}: there are no examples to list, of which {request.to} could stay")

    def commit(self) -> None:
        with self.steps.changing():
            if self._ledger.pending:
                self._sums = replace(self._sums, sequence=self._ledger.sequence)  # merging others writes receipts too
                self._store.keep_sums(self._sums.sequence, self._sums.to_bytes(self._ledger.secrets))
            self._ledger.pending.commit()
            self._store.drop_sums(but=self._sums.sequence)

    def purge(self, progress: Progress | None) -> Receipt:
        receipt = self._ledger.next("purge", self._ledger.state, self._ledger.unpurged())
        taken = replace(self._sums, sequence=receipt.sequence)
        with self.steps.changing():
            self._store.keep_sums(receipt.sequence, taken.to_bytes(self._ledger.secrets))
            self._store.purge(receipt, progress)
            self._store.drop_sums(but=receipt.sequence)
            self._sums = taken
            self._ledger.take(receipt)
        return receipt

    def answering(self, question: Question) -> SummedPredictor:
        if question.compares:
            raise InvalidInput(
                'coverage=, false_alarm= and multi_label= compare with kept examples: this memory retains "nothing"'
            )
        refuse_empty(self.count())
        return self._solved()

    def renewal(self, needs: Needs) -> Callable[[], SummedPredictor] | None:
        return self._solved if self.count() and not any(needs) else None

    def _solved(self) -> SummedPredictor:
        if self._predictor is None or self._predictor.version != self.version:
            self._predictor = SummedPredictor.of(self._sums.statistics, self.version)
        return self._predictor

    def digest(self) -> str:
        return digest_of(self._sums.statistics, self._sums.commitment)

    def verify(self, progress: Progress | None) -> Verification:
        kept = _loaded(self._store, self._space, self._ledger)
        if progress is not None:
            progress(self.count(), self.count())
        public_key = self._ledger.secrets.public_key
        receipts, leads_to = self._store.receipts(), self._ledger.state_of
        return verify_sums(self._sums, kept, receipts, leads_to, public_key, self.count())

    def inventory(self) -> Inventory:
        solved = self._solved() if self.count() else None
        costs = costs_of_parts(solved.heads if solved else {}, self._sums.statistics, self._space)
        return Inventory(self.count(), self.classes(), None, costs)

    def seen(self) -> Seen:
        sums = {label: (one.count, one.codes.copy()) for label, one in self._sums.statistics.labels.items()}
        return Seen(sums, Examples(self._space.settings.dimension))

    def commitment(self) -> Commitment:
        return self._sums.commitment

    def sums(self) -> Snapshot:
        return self._sums

    def shared(self, level: Level, least: int) -> Sums:
        return without_rare(Sums.of(self._sums.statistics, self._sums.commitment, level), least)

    def snapshot(self) -> None:
        """Nothing to do: the sums are kept at every change."""

    def _proved(self, receipt: Receipt) -> list[Row]:
        """The examples of a receipt, each of which is shown to have been learned as it says and is remembered still."""
        if not receipt.content:
            raise InvalidReceipt(
                "this receipt holds no codes: pass the receipt as learning gave it back, or the JSON it wrote then"
            )
        rows = [_row(one, self._space) for one in receipt.content]
        secrets = self._ledger.secrets
        sealed = {row.id: row for row in (_sealed(row, secrets) for row in rows)}
        if len(sealed) != len(rows):
            raise InvalidReceipt("the receipt names an example twice; nothing was forgotten")
        kept = self._ledger.pending.get([hash for hash in sealed if hash in self._remembered])
        gone = len(sealed) - len(kept)
        if gone:
            raise NotRemembered(
                f"{gone} of the {len(sealed)} examples of this receipt are not remembered; nothing was forgotten: take "
                "them out of receipt.content if they were forgotten before"
            )
        if any(kept[hash].codes != row.codes for hash, row in sealed.items()):
            raise InvalidReceipt(
                "the receipt is not as this memory gave it out: its codes or labels were changed; nothing was forgotten"
            )
        return rows

    def _change(
        self,
        kind: Literal["learn", "forget"],
        key: str,
        rows: Sequence[Row],
        sealed: Sequence[Row] = (),
        unchanged: Sequence[str] = (),
        raised: Sequence[str] = (),
    ) -> Receipt:
        """One change: the new sums are worked out, then taken over; kept with their receipt with the next commit."""
        secrets = self._ledger.secrets
        changed = _changed(self._sums, rows, kind)
        hashes = [secrets.id_hash(row.id) for row in rows]
        ids = [row.id for row in rows]
        receipt = self._ledger.next(kind, self._ledger.state_of(changed.commitment), hashes, key, ids, unchanged)
        forgotten = receipt.id_hashes if kind == "forget" else ()
        with self.steps.changing():
            self._ledger.pending.add(Write(receipt, sealed, forgotten, forgotten, raised))
            self._sums = changed
            self._remembered = (self._remembered - set(forgotten)) | {row.id for row in sealed}
            self._ledger.take(receipt)
        return replace(receipt, content=tuple(map(_taught, rows)) if kind == "learn" else ())


NOTHING_KEPT: Final = 'this memory retains "nothing" of its examples'


def _loaded(store: Store, space: Space, ledger: Ledger) -> Snapshot:
    """The sums of the last receipt; those of nothing before the first."""
    if not ledger.sequence:
        return Snapshot(0, Commitment(), Statistics(space))
    store.drop_sums(but=ledger.sequence)  # of a change that was cut short
    picture = store.sums(ledger.sequence)
    sums = None if picture is None else Snapshot.from_bytes(picture, space, ledger.secrets)
    if sums is None or (sums.sequence, ledger.state_of(sums.commitment)) != (ledger.sequence, ledger.state):
        raise MemoryDamaged(
            f"the sums of receipt number {ledger.sequence} are missing or damaged, and nothing else is kept to make "
            "them from: restore the memory's files from a copy"
        )
    return sums


def _changed(sums: Snapshot, rows: Sequence[Row], kind: Literal["learn", "forget"]) -> Snapshot:
    """The sums with these examples, or without them; the old ones stay as they are."""
    statistics, commitment = sums.statistics.copy(), sums.commitment.copy()
    codes, labels = codes_of_rows(rows, statistics.space), [row.labels for row in rows]
    contents = [content(row.codes, row.labels) for row in rows]
    if kind == "learn":
        statistics.learn(codes, labels)
        commitment.add(contents)
    else:
        statistics.forget(codes, labels)
        commitment.subtract(contents)
    return Snapshot(sums.sequence + 1, commitment, statistics)


def _sealed(row: Row, secrets: Secrets) -> Row:
    """What is kept of an example: the keyed hash of its id, and a keyed commitment to its content."""
    return Row(secrets.id_hash(row.id), None, (), secrets.seal(row.id, content(row.codes, row.labels)))


def _taught(row: Row) -> Taught:
    return Taught(row.id, row.labels, row.codes.hex())


def _row(taught: Taught, space: Space) -> Row:
    codes = bytes.fromhex(taught.codes)
    if len(codes) != space.settings.dimension:
        raise InvalidReceipt(
            f"the receipt has codes of {len(codes)} bytes, and this memory of {space.settings.dimension}"
        )
    return Row(taught.id, None, tuple(sorted(set(taught.labels))), codes)
