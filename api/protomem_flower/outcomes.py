"""What became of each client in a round."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

__all__ = ["Outcome", "Round", "State"]

State = Literal["merged", "refused", "failed", "silent", "withdrawn"]


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one client in a round.

    `state` is "merged"; "refused", by the coordinator; "failed", at the client; "silent", no answer in time; or
    "withdrawn", answered and left out. `node` is Flower's number for it and `client` its name, where it said one.
    `sequence` and `bytes` are those of its contribution, `receipt` the id of the receipt of its merge.
    """

    node: int
    state: State
    client: str | None = None
    reason: str | None = None
    sequence: int | None = None
    bytes: int = 0
    receipt: str | None = None

    def __str__(self) -> str:
        """One line, for a log; what a client wrote cannot begin another."""
        who = _printable(self.client or f"node {self.node}")
        if self.state == "merged":
            return f"{who}: merged contribution {self.sequence} of {self.bytes} bytes"
        return f"{who}: {self.state}" + (f": {_printable(self.reason)}" if self.reason else "")


@final
@dataclass(frozen=True, slots=True)
class Round:
    """One round: what became of each client, by name and node, and the memory's digest and size after it."""

    number: int
    outcomes: tuple[Outcome, ...]
    digest: str
    examples: int

    def of(self, state: State) -> list[Outcome]:
        """The outcomes of this state."""
        return [one for one in self.outcomes if one.state == state]

    def as_json(self) -> dict[str, Any]:
        """What the report says of it."""
        return asdict(self)


def _printable(text: str) -> str:
    """The text with line ends, escapes of a terminal and the like as Python writes them."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
