"""What a memory sends, and what it keeps of what it sent: the number, and the sums, so that it can send the difference.

Beside the memory lies a part for each name under which it contributes, `sent-HASH`. It is durable before a contribution
is handed out, so that no number is ever used twice. A purge drops the sums in it: they may hold what was forgotten.
"""

from __future__ import annotations

from typing import Final, final

from protomem.federation.contribution import Contribution
from protomem.federation.keeping import kept_bytes, kept_sums
from protomem.federation.sums import Sums
from protomem.signing import Secrets
from protomem.space import Space
from protomem.store import Store

__all__ = ["Contributing"]

SENT: Final = "sent-"


@final
class Contributing:
    """The contributions of one memory, on its store. Not safe for threads: its memory holds the lock."""

    def __init__(self, store: Store, space: Space, secrets: Secrets) -> None:
        self._store = store
        self._space = space
        self._secrets = secrets

    def contribution(self, client: str, sums: Sums, *, whole: bool, merged: bool) -> Contribution:
        """The next contribution under this name: the difference against the one before where that has sums of the same
        level, of own examples or of all alike, and everything otherwise or if `whole`.
        """
        name = f"{SENT}{self._secrets.client_hash(client)}"
        sequence, before = self._sent(name, sums, merged=merged)
        since = 0 if whole or before is None else sequence
        sent = Contribution.of(
            sums - before if since and before is not None else sums,
            client=client,
            sequence=sequence + 1,
            since=since,
            digest=sums.digest(),
            secrets=self._secrets,
        )
        header = {"client": client, "sequence": sequence + 1, "merged": merged}
        self._store.keep_part(name, kept_bytes(name, header, {sums.level: sums}, self._secrets))
        return sent

    def purge(self) -> None:
        """Keep the numbers alone."""
        for name in self._store.parts():
            if name.startswith(SENT):
                header, sums = kept_sums(name, self._store.part(name), self._space, self._secrets)
                if sums:
                    self._store.keep_part(name, kept_bytes(name, header, {}, self._secrets))

    def _sent(self, name: str, like: Sums, *, merged: bool) -> tuple[int, Sums | None]:
        """The number of the last contribution, and its sums if those now can be compared with them."""
        kept = self._store.part(name)
        if kept is None:
            return 0, None
        header, sums = kept_sums(name, kept, self._space, self._secrets)
        return header["sequence"], sums.get(like.level) if header["merged"] == merged else None
