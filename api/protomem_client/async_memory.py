"""A memory of a server, used from an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import final

from protomem.answers import Answer
from protomem.federation.acceptance import MergedClient
from protomem.federation.contribution import Contribution
from protomem.federation.levels import Level
from protomem.listing import Example, Page
from protomem.memory_report import Report
from protomem.progress import Progress
from protomem.projection import Map
from protomem.receipts import Receipt
from protomem.suggestions import Suggestion
from protomem.verification import Verification
from protomem_client import federation
from protomem_client.items import Items
from protomem_client.operations import Operations, key_or_fresh
from protomem_client.replies import MemoryInfo
from protomem_client.sending import AsyncSender

__all__ = ["AsyncRemoteMemory"]


@final
class AsyncRemoteMemory:
    """A memory of a server. Made by `await AsyncClient.memory`; calls may run beside each other.

    Methods, arguments, results and errors are those of `protomem.Memory`, awaited; `await count()` is its `len`. Every
    write carries an idempotency key, a fresh one if none is given, so that it is safe to be sent again.

    `settings` and `public_key` are those of the memory, as they were when it was opened; they never change.
    """

    def __init__(self, sender: AsyncSender, info: MemoryInfo) -> None:
        self.name = info.name
        self.settings = info.settings()
        self.public_key = info.public_key
        self._sender = sender
        self._operations = Operations(info.name, self.settings)

    async def learn(
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
        """Remember items with their labels, in one request: all of it or nothing, durable when it returns.

        Raises `InvalidInput` for more items than the server takes at once, besides what `Memory.learn` raises.
        """
        return await self._sender.run(
            self._operations.learn(
                items, labels, ids, subjects, progress, relearn=relearn, idempotency_key=idempotency_key
            )
        )

    async def forget(
        self,
        ids: Sequence[str] | None = None,
        subject: str | None = None,
        label: str | None = None,
        receipt: Receipt | str | None = None,
        *,
        purge: bool = False,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """Forget examples: afterwards the memory is, bit for bit, one that never saw them."""
        return await self._sender.run(
            self._operations.forget(ids, subject, label, receipt, purge=purge, idempotency_key=idempotency_key)
        )

    async def trim(self, to: int, *, purge: bool = False, idempotency_key: str | None = None) -> Receipt:
        """Forget as many examples as it takes for at most `to` to stay, always one of a class that is largest."""
        return await self._sender.run(self._operations.trim(to, purge=purge, idempotency_key=idempotency_key))

    async def predict(
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
        """Answers for items; see `Memory.predict` for what can be asked.

        More than 1,000 items, or 8 MiB of them, go in several requests, and each reflects the memory when it comes.
        """
        options = {
            "top_k": top_k,
            "evidence": evidence,
            "coverage": coverage,
            "false_alarm": false_alarm,
            "among": among,
            "per_class": per_class,
            "thresholds": thresholds,
            "certainty": certainty,
            "separator": separator,
            "multi_label": multi_label,
            "explain": explain,
            "name_prior": name_prior,
        }
        return await self._sender.run(self._operations.predict(items, progress, options))

    async def suggest(self, items: Items, count: int = 10, progress: Progress | None = None) -> list[Suggestion]:
        """Which of these unlabelled items to label next, best first; as many items as the server takes at once."""
        return await self._sender.run(self._operations.suggest(items, count, progress))

    async def report(
        self,
        recent: Items | None = None,
        *,
        windows: int = 10,
        false_alarm: float | None = 0.01,
        costs: bool = True,
        progress: Progress | None = None,
    ) -> Report:
        """The memory in numbers; a job on the server, whose end is waited for."""
        return await self._sender.run(
            self._operations.report(recent, windows=windows, false_alarm=false_alarm, costs=costs, progress=progress)
        )

    async def verify(self, progress: Progress | None = None) -> Verification:
        """Recompute everything from the kept examples and compare it; a job on the server, whose end is waited for."""
        return await self._sender.run(self._operations.verify(progress))

    async def purge(self, progress: Progress | None = None) -> Receipt:
        """Take the bytes of everything forgotten out of the server's files; a job, whose end is waited for."""
        return await self._sender.run(self._operations.purge(progress))

    async def contribution(
        self, client: str, level: Level = "full", *, min_count: int = 1, whole: bool = False, merged: bool = False
    ) -> Contribution:
        """What the server's memory learned, as signed sums to be merged into another.

        Sent again after a lost answer it asks for everything, as with `whole`. Where every answer was lost, and
        `ServerUnavailable` raised, the next contribution has to be `whole`.
        """
        return await self._sender.run(
            federation.contribution(self._operations.path, client, level, min_count, whole=whole, merged=merged)
        )

    async def merge(self, contribution: Contribution | bytes, *, keys: Mapping[str, str] | None = None) -> Receipt:
        """Add what a client learned; durable when it returns. The same contribution again changes nothing.

        A key with the role contribute cannot open a memory: it merges by `AsyncClient.merge`.
        """
        return await self._sender.run(federation.merge(self._operations.path, contribution, keys))

    async def withdraw(self, client: str, *, idempotency_key: str | None = None) -> Receipt:
        """Take out all that was merged of a client: afterwards the memory is, bit for bit, one that never had it."""
        return await self._sender.run(federation.withdraw(self._operations.path, client, key_or_fresh(idempotency_key)))

    async def clients(self) -> list[MergedClient]:
        """Every client that was ever merged, by name; `merged` says whether it still is."""
        return await self._sender.run(federation.clients(self._operations.path))

    async def classes(self) -> dict[str, int]:
        """How many remembered examples carry each label, by label."""
        return await self._sender.run(self._operations.classes())

    async def examples(
        self, label: str | None = None, subject: str | None = None, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Example]:
        """The remembered examples, by id in code points; of one label or one subject if asked.

        A page of them: those after the id `after`, at most `limit`. They are fetched a thousand at a time while they
        are iterated over; each thousand is of the memory as it is then.
        """
        rest: Page | None = Page(label, subject, after, limit)
        while rest is not None:
            found, rest = await self._sender.run(self._operations.examples(rest))
            for one in found:
                yield one

    async def receipts(self, after: int = 0, limit: int | None = None) -> list[Receipt]:
        """The receipt of every change, oldest first; those whose `sequence` comes after a number, at most `limit`."""
        return await self._sender.run(self._operations.receipts(after, limit))

    async def map(self, limit: int = 1_000) -> Map:
        """Where the classes and up to `limit` examples lie in the plane that tells the classes apart best."""
        return await self._sender.run(self._operations.map(limit))

    async def id_hash(self, id: str) -> str:
        """The keyed hash (hex) by which receipts name this id."""
        return await self._sender.run(self._operations.id_hash(id))

    async def digest(self) -> str:
        """SHA-256 (hex) of everything learned."""
        return (await self._sender.run(self._operations.info())).digest

    async def count(self) -> int:
        """How many examples are remembered: the `len` of an embedded memory."""
        return (await self._sender.run(self._operations.info())).examples

    async def close(self) -> None:
        """Let the memory go; any other use afterwards raises `MemoryClosed`. The client stays open."""
        self._operations.closed = True

    def __repr__(self) -> str:
        return f"AsyncRemoteMemory({self.name!r})"

    async def __aenter__(self) -> AsyncRemoteMemory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
