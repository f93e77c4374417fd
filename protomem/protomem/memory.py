"""A memory: what is taught, corrected and made to forget while it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, final

import numpy as np
import numpy.typing as npt

from protomem.answers import Answer, with_texts
from protomem.budget import check_budget
from protomem.codes import Codes, quantize
from protomem.coordinating import Coordinating, load_keeping
from protomem.encoders import Encoder
from protomem.errors import InvalidId
from protomem.federation.acceptance import MergedClient
from protomem.federation.contribution import Contribution
from protomem.federation.levels import Level
from protomem.inputs import check_ids, check_labels, check_length, check_name, check_subjects
from protomem.label_names import LabelNames
from protomem.ledger import Ledger
from protomem.listing import Example, Page, check_span
from protomem.loading import Opening
from protomem.memory_report import Report
from protomem.over_all import SOLVED_HERE, Solving
from protomem.progress import Progress
from protomem.projection import Map, projected
from protomem.questions import question
from protomem.receipts import Receipt
from protomem.reporting import Wanted, report
from protomem.requests import Learn, Trim, Withdraw, contribute, forget, merge
from protomem.settings import MemorySettings
from protomem.sharing import Shared, Watch
from protomem.signing import Secrets
from protomem.space import Space
from protomem.store import Row, Store
from protomem.streams import PLAIN
from protomem.suggestions import QUESTION, Suggestion, check_pool, suggested
from protomem.verification import Verification

__all__ = ["Memory"]

Items = Sequence[Any] | npt.NDArray[Any]


@final
class Memory:
    """A classifier that learns and forgets exactly. Made by `protomem.open`; safe to use from several threads.

    Writes are serialised and durable when they return; those that several threads make at the same time share one
    commit, each with its own receipt or error. A prediction works on an immutable picture of the memory: it reflects
    every write acknowledged before it began and never half of one.

    `opening` says how it came from its file; `public_key` (hex) is the Ed25519 key under which its receipts verify.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        settings: MemorySettings,
        secrets: Secrets,
        *,
        now: Callable[[], str],
        new_id: Callable[[], str],
        solving: Solving = SOLVED_HERE,
        solve_ahead: bool = False,
        watch_solving: Watch = nullcontext,
    ) -> None:
        self.settings = settings
        self.encoder = encoder
        self.public_key = secrets.public_key
        self.opening: Opening
        self._secrets = secrets
        self._store = store
        self._space = Space(settings.space)
        self._label_names = LabelNames(encoder, self._space.scale)
        self._now = now
        self._new_id = new_id
        self._solving = solving
        self._shared = Shared(store, self._load, ahead=solve_ahead, watch=watch_solving)

    def learn(
        self,
        items: Items,
        labels: Sequence[str | Sequence[str]],
        ids: Sequence[str] | None = None,
        subjects: Sequence[str | None] | None = None,
        progress: Progress | None = None,
        *,
        relearn: bool = False,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Remember items with their labels; durable when it returns, and all of it or nothing.

        `items` is what the encoder takes: a list of texts, or a float array (n, d). `labels` holds one label or several
        for each. `ids` default to fresh unique ones, given back in the receipt; `subjects` name whose data an item is.
        An id remembered already with the same content is left alone and listed in `receipt.unchanged`.
        An id that was forgotten is refused, so that no stale copy brings it back, unless `relearn` says that this is
        meant. A request that comes again with the same `idempotency_key` changes nothing and returns the first receipt.

        Raises `InvalidInput` for what cannot be used, `IdConflict` for an id remembered with other content, `Forgotten`
        for an id forgotten before, and `RequestConflict` for a key that came before with another request.
        """
        count = check_length(items)
        label_sets = check_labels(labels, count)
        names = check_ids(ids, count) if ids is not None else self._shared.ledger.own_ids(count, idempotency_key)
        owners = check_subjects(subjects, count) if subjects is not None else [None] * count
        key = self._shared.ledger.request(idempotency_key)
        codes = self._encode(items, progress)
        texts = [str(item) for item in items] if self.settings.retain == "items" else [None] * count
        rows = map(Row, names, owners, label_sets, (row.tobytes() for row in codes), texts)
        return self._shared.change(Learn(list(rows), key, named=ids is not None, relearn=relearn))

    def forget(
        self,
        ids: Sequence[str] | None = None,
        subject: str | None = None,
        label: str | None = None,
        receipt: Receipt | str | None = None,
        *,
        purge: bool = False,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Forget examples: afterwards the memory is, bit for bit, one that never saw them.

        Exactly one of: `ids`; `subject`, everything that is this subject's; `label`, every example that carries the
        label, with its other labels; `receipt`, what a `learn` of this memory added, as it gave it back or as JSON. A
        memory that retains "nothing" takes a receipt only, and only one that shows what was learned.
        With `purge` their bytes are taken out of the files too, as by `purge()`. A request that comes again with the
        same `idempotency_key` changes nothing and returns the first receipt.

        Raises `NotRemembered`, and forgets nothing, if any of it is not there, and `InvalidReceipt` for a receipt that
        is not this memory's or was changed.
        """
        key = self._shared.ledger.request(idempotency_key)
        done = self._shared.change(forget(key, ids, subject, label, receipt))
        self._clear_up(purge=purge)
        return done

    def purge(self, progress: Progress | None = None) -> Receipt:
        """Take the bytes of everything forgotten out of every file of the memory, by rewriting what is remembered.

        Durable and whole when it returns; cut short at any moment, the memory is the one before or the one after. The
        receipt names the keyed hashes of all that was forgotten since the purge before. Copies that others made, such
        as backups and snapshots of a file system, are out of its reach.
        """
        with self._shared.kept() as kept:
            return kept.purge(progress)

    def predict(
        self,
        items: Items,
        top_k: int = 5,
        evidence: int = 3,
        coverage: float | None = None,
        false_alarm: float | None = None,
        among: Sequence[str] | str | None = None,
        progress: Progress | None = None,
        *,
        per_class: bool = False,
        thresholds: Mapping[str, float] | None = None,
        certainty: float | None = None,
        separator: str = "/",
        multi_label: bool = False,
        explain: bool = False,
        name_prior: bool = False,
    ) -> list[Answer]:
        """Answers for items, best labels first: `top_k` of them in each ranking, and `evidence` nearest examples.

        `coverage` asks for a label set that holds the true label this often: over all labels together, or with
        `per_class` for each label by itself, which costs more (some seconds for 10,000 examples, once after a change).
        A label with too few examples to tell, fewer than coverage / (1 - coverage), is in every such set.

        `false_alarm` abstains on items stranger than all but this share of remembered ones. `thresholds` names for some
        labels the least probability at which they may be answered: if the best label does not reach its own, the memory
        abstains, since every other label is less likely still.
        `among` restricts the answer to these labels; a string is the name of a task and means the label of that name
        and all labels below it, `among="card"` both "card" and "card/lost" (`among="card/"` only those below).

        `certainty` answers at the level that is certain: from the outermost level of the labels, parted by `separator`,
        to the most probable one below, as deep as the summed probability reaches the certainty; abstains if none does.
        `thresholds` then may name levels too, and go before the certainty. The ranking stays one of labels.
        `multi_label` gives each label a probability by itself, where an item may carry several; they do not add up to 1
        and do not depend on `among`. `label_set` holds those of at least 0.5, or of their threshold, and `label` is the
        most probable of them. `explain` says what each head added to an answer, and which prototypes and keys spoke for
        it. `name_prior` lets the names of labels, read as words by the text encoder, help those of under five examples.

        Raises `EmptyMemory` if nothing is remembered, `NotRemembered` for a label or task that is not, and
        `InvalidInput` for what cannot be asked, or not of this memory.
        """
        check_length(items)
        asked = question(
            top_k=top_k,
            evidence=evidence,
            coverage=coverage,
            false_alarm=false_alarm,
            among=among,
            per_class=per_class,
            thresholds=thresholds,
            certainty=certainty,
            separator=separator,
            multi_label=multi_label,
            explain=explain,
            name_prior=name_prior,
        )
        answering = self._shared.answering(asked)
        asked = asked.about(answering.names)
        if name_prior:
            asked = replace(asked, names=self._label_names.codes(answering.names))
            self._clear_up(purge=False)  # a label that another thread has forgotten meanwhile
        answers = answering.answers(self._encode(items, progress), asked)
        if self.settings.retain != "items" or not evidence:
            return answers
        with self._shared.kept() as kept:
            return with_texts(answers, kept.texts(sorted({one.id for answer in answers for one in answer.evidence})))

    def suggest(self, items: Items, count: int = 10, progress: Progress | None = None) -> list[Suggestion]:
        """Which of these unlabelled items to label next, best first: those that settle most of what is in doubt.

        An item counts for what its label would say about all the items that the memory is unsure of, so pass what is
        typical of the traffic, at most 20,000 items; near-copies are not suggested twice. Works from the first example
        on, and before it. Nothing is remembered of the items.
        """
        check_pool(check_length(items), count)
        answering = self._shared.answering(QUESTION) if len(self) else None
        codes = self._encode(items, progress)
        return suggested(codes, None if answering is None else answering.answers(codes, QUESTION), count)

    def map(self, limit: int = 1_000) -> Map:
        """Where the classes and up to `limit` examples lie in the plane that tells the classes apart best."""
        with self._shared.kept() as kept:
            seen = kept.seen()
        return projected(seen, self._space.scale, limit)

    def report(
        self,
        recent: Items | None = None,
        *,
        windows: int = 10,
        false_alarm: float | None = 0.01,
        costs: bool = True,
        progress: Progress | None = None,
    ) -> Report:
        """The memory in numbers: its classes, how its stream of examples went, where it drifted, what its heads cost.

        The examples are played once more in the order in which they were learned, in `windows` equal parts, each asked
        about before it is learned (prequential accuracy). So a forgotten example leaves no trace in a report either.
        `recent` are unlabelled items that came afterwards, oldest first: their novelty is looked at too, and nothing is
        remembered of them. A steady stream raises an alarm with probability at most `false_alarm`; None looks for no
        drift. With `costs` the heads are solved twice more, to see what each gives.
        Takes as long as some `windows` first answers; `progress` is told (examples played, all). Raises `MissingExtra`
        where drift is to be looked for without `protomem[streams]`, and `EmptyMemory` for `recent` items of nothing.
        """
        wanted = Wanted(windows, false_alarm, costs)
        answering = None if recent is None else self._shared.answering(PLAIN)
        with self._shared.kept() as kept:
            held = kept.inventory()
        answers = answering.answers(self._encode(recent, None), PLAIN) if answering and recent is not None else []
        return report(self._space, held, [answer.novelty for answer in answers], wanted, progress)

    def trim(self, to: int, *, purge: bool = False, idempotency_key: str | None = None) -> Receipt:
        """Forget as many examples as it takes for at most `to` to stay, always one of a class that is largest.

        Which ones stay is a function of the examples alone, by a hash of their codes, as good as at random; trimming in
        steps is trimming at once. They are forgotten as by `forget`, with a receipt, and the memory is the one that
        never saw them. Raises `InvalidInput` where the memory retains "nothing".
        """
        check_budget(to)
        done = self._shared.change(Trim(self._shared.ledger.request(idempotency_key), to))
        self._clear_up(purge=purge)
        return done

    def contribution(
        self, client: str, level: Level = "full", *, min_count: int = 1, whole: bool = False, merged: bool = False
    ) -> Contribution:
        """What this memory learned, as signed sums to be merged into another: no item, and no codes of one.

        `client` is the name it is sent under, `level` how much goes: "prototypes" (count and code sum of each label),
        "codebooks" (the keys' counts too) or "full", by which the merged memory is the one that learned it all. After
        the first it is the difference against the one before, unless `whole`. The sums over one example are that
        example: `min_count` holds back those with a label that fewer carry. `merged` sends what is merged here too.
        Raises `InvalidInput` for a level that what is merged does not have, or where rare labels cannot be taken out.
        """
        with self._shared.kept() as kept:
            return kept.contribution(contribute(client, level, min_count, whole=whole, merged=merged))

    def merge(self, contribution: Contribution | bytes, *, keys: Mapping[str, str] | None = None) -> Receipt:
        """Add what a client learned; durable when it returns. The same contribution again changes nothing.

        From then on answers come from sums alone, by the heads that the lowest level merged is enough for. A client's
        public key is the one it came with first, or that of `keys`, by client name.

        Raises `ContributionRefused` for what is forged or cannot be true, and `ContributionOutOfOrder` for what does
        not follow what is merged of its client; then nothing is changed.
        """
        return self._shared.change(merge(contribution, keys))

    def withdraw(self, client: str, *, idempotency_key: str | None = None) -> Receipt:
        """Take out all that was merged of a client: afterwards the memory is, bit for bit, one that never had it.

        Its number and key stay known, so that no old contribution brings it back. Raises `NotRemembered`.
        """
        key = self._shared.ledger.request(idempotency_key)
        return self._shared.change(Withdraw(check_name(client, "client", InvalidId), key))

    def clients(self) -> list[MergedClient]:
        """Every client that was ever merged, by name; `merged` says whether it still is."""
        with self._shared.kept() as kept:
            return kept.clients()

    def classes(self) -> dict[str, int]:
        """How many remembered examples carry each label, by label; merged ones are counted too."""
        with self._shared.kept() as kept:
            return kept.classes()

    def examples(
        self, label: str | None = None, subject: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Iterator[Example]:
        """The remembered examples, by id in code points; of one label or one subject if asked.

        A page of them: those after the id `after`, at most `limit`; only these are read.
        Raises `InvalidInput` where the memory retains "nothing".
        """
        page = Page(label, subject, after, limit)
        with self._shared.kept() as kept:
            return iter(kept.examples(page))

    def receipts(self, after: int = 0, limit: int | None = None) -> list[Receipt]:
        """The receipt of every change, oldest first; they hold keyed hashes in place of ids.

        A page of them: those whose `sequence` comes after this number, at most `limit`; only these are read.
        """
        check_span(after, limit)
        with self._shared.kept():
            return self._store.receipts(after, limit)

    def id_hash(self, id: str) -> str:
        """The keyed hash (hex) by which receipts name this id: shows whose example a receipt is about."""
        return self._secrets.id_hash(check_name(id, "id", InvalidId))

    def digest(self) -> str:
        """SHA-256 (hex) of everything learned: a pure function of the remembered examples and the fixed settings.

        It covers every integer sum and a multiset hash of the examples' codes and labels; ids, subjects and texts are
        not learned from and not part of it.
        """
        with self._shared.kept() as kept:
            return kept.digest()

    def verify(self, progress: Progress | None = None) -> Verification:
        """Recompute everything from the kept examples and compare it bit for bit with what is in use."""
        with self._shared.kept() as kept:
            return kept.verify(progress)

    def snapshot(self) -> None:
        """Keep the sums beside the file, so that the next opening need not learn everything again.

        `close` does so by itself. Forgetting drops the snapshot, since no sum may outlive what it contains.
        """
        with self._shared.kept() as kept:
            kept.snapshot()

    def close(self) -> None:
        """Release the file. Closing twice is allowed; any other use afterwards raises `MemoryClosed`."""
        self._shared.close()

    def __len__(self) -> int:
        """How many examples are remembered, those merged among them."""
        with self._shared.kept() as kept:
            return kept.count()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _load(self) -> tuple[Ledger, Coordinating]:
        """Everything from the store."""
        ledger = Ledger(self._store, self._secrets, self._now, self._new_id)
        parts = self.settings.retain, self._store, self._space, ledger
        keeping = load_keeping(*parts, reproducible=self.encoder.reproducible, solving=self._solving)
        self.opening = keeping.opening
        return ledger, keeping

    def _encode(self, items: Items, progress: Progress | None) -> Codes:
        none = np.empty((0, self._space.settings.dimension), dtype=np.int8)
        return quantize(self.encoder.encode(items, progress), self._space.scale) if len(items) else none

    def _clear_up(self, *, purge: bool) -> None:
        """After something was forgotten: the names of labels that are gone are not kept either."""
        if purge or len(self._label_names):
            with self._shared.kept() as kept:
                self._label_names.keep_only(kept.classes())
                if purge:
                    kept.purge(None)
