"""A memory that others are merged into: what it keeps of its own examples, and of them, answers as one.

With nothing merged it is its own keeping in everything. As soon as there is, answers come from sums alone, since no
example of others is here to compare with; which heads they rest on follows from the lowest level of what is merged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import final

from protomem.contributing import Contributing
from protomem.errors import InvalidInput
from protomem.federation.acceptance import MergedClient
from protomem.federation.contribution import Contribution
from protomem.federation.levels import LEVELS
from protomem.federation.rare import without_rare
from protomem.head_costs import costs_of_parts
from protomem.keeping import Answering, Keeping, Steps, refuse_empty
from protomem.kept_examples import KeptExamples
from protomem.ledger import Ledger
from protomem.left_out import Needs
from protomem.listing import Example, Page
from protomem.loading import Opening
from protomem.merging import Merging
from protomem.over_all import Solving
from protomem.progress import Progress
from protomem.projection import Seen
from protomem.questions import Question
from protomem.receipts import Receipt
from protomem.reporting import Inventory
from protomem.reports import Check
from protomem.requests import Contribute, Forget, Learn, Merge, Trim, Withdraw
from protomem.settings import Retain
from protomem.space import Space
from protomem.store import Store
from protomem.summed import SummedPredictor
from protomem.sums_alone import SumsAlone
from protomem.verification import Verification

__all__ = ["Coordinating", "load_keeping"]


@final
class Coordinating:
    """As `protomem.keeping.Keeping`, of own examples and what is merged; `load` makes what is kept of the former."""

    def __init__(self, store: Store, space: Space, ledger: Ledger, load: Callable[[], Keeping]) -> None:
        self._space = space
        self._ledger = ledger
        self._merging = Merging(store, space, ledger)  # first: receipts commit to it besides the own examples
        self._contributing = Contributing(store, space, ledger.secrets)
        self._own = load()
        self._predictor: SummedPredictor | None = None

    @property
    def opening(self) -> Opening:
        """How the own examples came from the store."""
        return self._own.opening

    @property
    def steps(self) -> Steps:
        """Whether a change was cut short, and all of this has to be made anew from the store."""
        return self._own.steps

    @property
    def version(self) -> int:
        """Another number after every change that answers could depend on; below 0 while anything is merged."""
        return self._own.version if self._merging.coalition.level is None else -self._ledger.sequence

    def count(self) -> int:
        """How many examples are remembered, own and merged."""
        return self._own.count() + self._merging.coalition.count

    def classes(self) -> dict[str, int]:
        """How many of them carry each label, by label."""
        return dict(sorted((self._merging.coalition.classes() + Counter(self._own.classes())).items()))

    def clients(self) -> list[MergedClient]:
        """Every client that was ever merged, by name."""
        return [client for _, client in sorted(self._merging.coalition.clients.items())]

    def examples(self, page: Page) -> list[Example]:
        """The kept own examples of a page, by id. Raises `InvalidInput` where none are kept."""
        return self._own.examples(page)

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The kept texts of these own examples."""
        return self._own.texts(ids)

    def learn(self, request: Learn) -> Receipt:
        """Remember these rows."""
        return self._own.learn(request)

    def forget(self, request: Forget) -> Receipt:
        """Forget own examples."""
        return self._own.forget(request)

    def trim(self, request: Trim) -> Receipt:
        """Forget the own examples that are too many."""
        return self._own.trim(request)

    def merge(self, request: Merge) -> Receipt:
        """Take a client's contribution over. Raises `ContributionRefused`."""
        return self._merging.merge(request, self._own.commitment(), self.steps)

    def withdraw(self, request: Withdraw) -> Receipt:
        """Take a client out. Raises `NotRemembered` where nothing of it is merged."""
        return self._merging.withdraw(request, self._own.commitment(), self.steps)

    def contribution(self, request: Contribute) -> Contribution:
        """What is sent next under a name; its number and sums are kept before it is handed out."""
        level, coalition = request.level, self._merging.coalition
        if not request.merged or coalition.level is None:
            sums = self._own.shared(level, request.min_count)
        elif LEVELS.index(level) > LEVELS.index(coalition.level):
            raise InvalidInput(
                f"level is {level!r}, and what is merged here is at level {coalition.level!r}: contribute at that one"
            )
        else:
            sums = without_rare(coalition.with_own(self._own.sums(), level), request.min_count)
        return self._contributing.contribution(request.client, sums, whole=request.whole, merged=request.merged)

    def commit(self) -> None:
        """Make everything since the last commit durable: all of it, or nothing if it raises."""
        with self.steps.changing():
            self._merging.keep()
        self._own.commit()
        self._merging.settle()

    def purge(self, progress: Progress | None) -> Receipt:
        """Take the bytes of everything forgotten and withdrawn out of the store, and of what was sent of it."""
        self._contributing.purge()
        self._merging.purge()
        return self._own.purge(progress)

    def answering(self, question: Question) -> Answering:
        """Solved heads of now. Raises `EmptyMemory`, and `InvalidInput` for what sums alone cannot tell."""
        if self._merging.coalition.level is None:
            self._predictor = None
            return self._own.answering(question)
        if question.compares:
            raise InvalidInput(
                "coverage=, false_alarm= and multi_label= compare with kept examples, and of what is merged here there "
                "are none: memory.withdraw takes it out"
            )
        refuse_empty(self.count())
        return self._solved()

    def renewal(self, needs: Needs) -> Callable[[], Answering] | None:
        """What solves the heads of now away from the lock; None where there is nothing to solve."""
        if self._merging.coalition.level is None:
            self._predictor = None
            return self._own.renewal(needs)
        return partial(self._renewed, self._solving()) if self.count() and not any(needs) else None

    def digest(self) -> str:
        """SHA-256 (hex) of everything learned and merged."""
        if self._merging.coalition.level is None:
            return self._own.digest()
        return self._merging.coalition.digest(self._own.sums())

    def verify(self, progress: Progress | None) -> Verification:
        """Recompute what can be recomputed, the sums over all clients (V6) among it."""
        found = self._own.verify(progress)
        clients = self.clients()
        if not clients:
            return found
        wrong = self._merging.check()
        merged = sum(client.merged for client in clients)
        check = Check("V6 merged", not wrong, wrong or f"the sums of {merged} clients add up to those in use")
        whole = replace(found, digest=self._merging.coalition.digest(self._own.sums()), examples=self.count())
        return replace(whole, ok=whole.ok and check.ok, checks=(*whole.checks, check))

    def inventory(self) -> Inventory:
        """What a report is made from."""
        if self._merging.coalition.level is None:
            return self._own.inventory()
        solved = self._solved() if self.count() else None
        costs = costs_of_parts(solved.heads if solved else {}, self._merging.coalition, self._space)
        return Inventory(self.count(), self.classes(), None, costs)

    def seen(self) -> Seen:
        """What a map is drawn from."""
        if self._merging.coalition.level is None:
            return self._own.seen()
        total = self._merging.coalition.with_own(self._own.sums(), LEVELS[0])
        sums = zip(total.counts.tolist(), total.arrays["codes"], strict=True)
        return Seen(dict(zip(total.names, sums, strict=True)), self._own.seen().examples)

    def snapshot(self) -> None:
        """Keep the sums of the own examples where that makes the next opening faster."""
        self._own.snapshot()

    def _solved(self) -> SummedPredictor:
        """The heads of everything together."""
        if self._predictor is None or self._predictor.version != self.version:
            self._predictor = self._solving()()
        return self._predictor

    def _renewed(self, solve: Callable[[], SummedPredictor]) -> SummedPredictor:
        if self._predictor is None or self._predictor.version != self.version:
            self._predictor = solve()
        return self._predictor

    def _solving(self) -> Callable[[], SummedPredictor]:
        """What solves the heads of everything together, at the level that all of it has."""
        level = self._merging.coalition.level or "full"
        with self.steps.changing():
            total = self._merging.coalition.with_own(self._own.sums(), level).statistics()
        return partial(SummedPredictor.of, total, self.version, level)


def load_keeping(
    retain: Retain, store: Store, space: Space, ledger: Ledger, *, reproducible: bool, solving: Solving
) -> Coordinating:
    """Everything from the store. `reproducible` and `solving` are as in `KeptExamples`."""

    def load() -> Keeping:
        if retain == "nothing":
            return SumsAlone(store, space, ledger)
        return KeptExamples(store, space, ledger, reproducible=reproducible, solving=solving)

    return Coordinating(store, space, ledger, load)
