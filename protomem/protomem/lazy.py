"""A part that is computed when it is first asked for, and kept.

`functools.cached_property` does the same, but in Python 3.11 it holds one lock for all objects of a class while it
computes: an answer then waits for the solve of another picture that is at the same part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, final, overload

__all__ = ["lazy"]

Value = TypeVar("Value")


@final
class lazy(Generic[Value]):  # noqa: N801  # read like property
    """A method as such an attribute. Threads that ask at once may each compute it, so it must be a pure function."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        """The part; later it is found in the object itself."""
        if instance is None:
            return self
        value = self._compute(instance)
        vars(instance)[self._name] = value
        return value
