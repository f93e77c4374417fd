"""Calls that take many rows and refuse all of them for one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from protomem import ProtomemError
from protomem_api.problems import HttpProblem, as_problem

__all__ = ["by_halves"]

Row = TypeVar("Row")
Result = TypeVar("Result")


THE_SERVERS: Final = frozenset({500, 503})
"""Not 501: a row may be of a kind that this server has not the parts for, and the others of another."""


async def by_halves(
    rows: Sequence[Row], call: Callable[[Sequence[Row]], Awaitable[Sequence[Result]]]
) -> list[Result | HttpProblem]:
    """The result of each row, in their order, or the problem for which it is refused by itself.

    Rows that are refused together are tried half by half, in order: one bad row among n costs 2·log2(n) calls. What is
    the server's fault is no row's, and raised.
    """
    if not rows:
        return []
    try:
        return list(await call(rows))
    except (ProtomemError, HttpProblem) as error:
        problem = as_problem(error)
        if problem.status in THE_SERVERS:
            raise
        if len(rows) == 1:
            return [problem]
    half = len(rows) // 2
    return [*await by_halves(rows[:half], call), *await by_halves(rows[half:], call)]
