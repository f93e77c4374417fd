"""The rounds of a federation: ask every connected client, merge what comes as it comes, ask again what does not fit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from flwr.app import Message
from flwr.serverapp import Grid

from protomem import Memory
from protomem.errors import ContributionOutOfOrder, InvalidInput, ProtomemError
from protomem.federation.contribution import Contribution
from protomem_flower.errors import FlowerFailed
from protomem_flower.messages import MESSAGE_TYPE, Answered, Asked
from protomem_flower.outcomes import Outcome, Round
from protomem_flower.settings import CoordinatorSettings

__all__ = ["federate"]

POLL_SECONDS: Final = 0.25
"""Between two looks for answers: a round of clients on one machine takes some seconds."""

LONGEST_REASON: Final = 500
"""Of what a client says went wrong: it comes from outside, and ends up in logs."""


def federate(memory: Memory, grid: Grid, settings: CoordinatorSettings) -> Iterator[Round]:
    """Withdraw whom the settings name, then merge everybody in rounds; each round as soon as it is over.

    A client that is silent, fails or is refused is reported and stops nobody else. Raises `InvalidInput` for a client
    to withdraw that never was merged, `FlowerFailed` if too few clients come, and what a broken memory of the
    coordinator raises.
    """
    _withdraw(memory, settings)
    _wait_for_clients(grid, settings)
    for number in range(1, settings.rounds + 1):
        if number > 1:
            time.sleep(settings.pause)
        yield _round(number, memory, grid, settings)


def _withdraw(memory: Memory, settings: CoordinatorSettings) -> None:
    merged = {client.name: client.merged for client in memory.clients()}
    if both := sorted(set(settings.withdraw) & set(settings.readmit)):
        raise InvalidInput(f"withdraw and readmit both name {', '.join(both)}: choose one")
    if unknown := sorted(set(settings.withdraw) - merged.keys()):
        raise InvalidInput(
            f"withdraw names {', '.join(unknown)}, and no client of that name was ever merged: nothing was changed, "
            "compare it with the client= of the nodes"
        )
    for name in dict.fromkeys(settings.withdraw):
        if merged[name]:
            memory.withdraw(name)


def _wait_for_clients(grid: Grid, settings: CoordinatorSettings) -> None:
    end = time.monotonic() + settings.wait
    while (there := len(list(grid.get_node_ids()))) < settings.clients:
        if time.monotonic() >= end:
            raise FlowerFailed(
                f"{there} of {settings.clients} clients are connected after {settings.wait:g} seconds: start more "
                "SuperNodes, set wait= higher, or clients= lower"
            )
        time.sleep(POLL_SECONDS)


def _round(number: int, memory: Memory, grid: Grid, settings: CoordinatorSettings) -> Round:
    end = time.monotonic() + settings.timeout
    asked = Asked(settings.level, settings.min_count, whole=False)
    found, again = _ask(list(grid.get_node_ids()), asked, memory, grid, settings, end)
    if again:  # an answer was lost, or the client was withdrawn: the difference against it is of no use
        repaired, _ = _ask(sorted(again), replace(asked, whole=True), memory, grid, settings, end)
        found |= repaired
    outcomes = sorted(found.values(), key=lambda one: (one.client or "", one.node))
    return Round(number, tuple(outcomes), memory.digest(), len(memory))


def _ask(
    nodes: list[int], asked: Asked, memory: Memory, grid: Grid, settings: CoordinatorSettings, end: float
) -> tuple[dict[int, Outcome], set[int]]:
    """What became of each of these, by node, and which of them are to send everything."""
    found = {node: Outcome(node, "silent", reason=f"no answer in {settings.timeout:g} seconds") for node in nodes}
    again: set[int] = set()
    for node, reply in _replies(grid, nodes, asked, end):
        try:
            found[node] = _taken(memory, settings, node, reply)
        except ContributionOutOfOrder as error:
            found[node] = Outcome(node, "refused", _name_in(reply), _short(str(error)))
            again.add(node)
    return found, again


def _replies(grid: Grid, nodes: Sequence[int], asked: Asked, end: float) -> Iterator[tuple[int, Message]]:
    """The answers as they come, each with its node, until all are there or the time is over."""
    left = max(end - time.monotonic(), 1.0)  # who does not begin in time need not begin at all
    messages = [Message(asked.record(), node, MESSAGE_TYPE, ttl=left) for node in nodes]
    # By the message that is answered: an answer that Flower makes up for a lost one names no node of its own.
    waiting = {id: node for id, node in zip(grid.push_messages(messages), nodes, strict=False) if id}
    while waiting:
        came = list(grid.pull_messages(sorted(waiting)))
        for reply in came:
            if (node := waiting.pop(reply.metadata.reply_to_message_id, None)) is not None:
                yield node, reply
        if not came:
            if time.monotonic() >= end:
                return
            time.sleep(POLL_SECONDS)


def _taken(memory: Memory, settings: CoordinatorSettings, node: int, reply: Message) -> Outcome:
    """Merge one answer. Raises `ContributionOutOfOrder` where the client has to send everything."""
    if reply.has_error():
        return Outcome(node, "failed", reason=_short(reply.error.reason or f"Flower's error {reply.error.code}"))
    try:
        answered = Answered.of(reply.content)
        if answered.contribution is None:
            return Outcome(node, "failed", _short(answered.client), _short(answered.error))
        one = Contribution.from_bytes(answered.contribution)
        outcome = Outcome(node, "merged", one.client, None, one.sequence, len(answered.contribution))
        if _is_out(memory, settings, one.client):
            return replace(outcome, state="withdrawn", reason="readmit= merges it again")
        return replace(outcome, receipt=memory.merge(one, keys=settings.keys).id)
    except ContributionOutOfOrder:
        raise
    except InvalidInput as error:  # ContributionRefused is one
        return Outcome(node, "refused", _name_in(reply), _short(str(error)))


def _is_out(memory: Memory, settings: CoordinatorSettings, client: str) -> bool:
    known = {one.name: one.merged for one in memory.clients()}
    return client in settings.withdraw or (not known.get(client, True) and client not in settings.readmit)


def _name_in(reply: Message) -> str | None:
    """The name that a refused client gives itself, if it does; nothing vouches for it."""
    try:
        return _short(Answered.of(reply.content).client)
    except ProtomemError:
        return None


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
