"""The levels at which what was learned is shared: how much of the sums goes, and which heads it feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, cast, final, get_args

from protomem.errors import InvalidInput
from protomem.space import SpaceSettings

__all__ = ["LABEL_ARRAYS", "LEVELS", "Level", "Shapes", "check_level", "lowest"]

Level = Literal["prototypes", "codebooks", "full"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""From the least to the most."""

LABEL_ARRAYS: Final[Mapping[Level, tuple[str, ...]]] = MappingProxyType(
    {
        "prototypes": ("codes",),
        "codebooks": ("codes", "keys"),
        "full": ("codes", "keys", "features", "mode_counts", "mode_codes"),
    }
)
"""What is sent of each label besides its count, by the names of `protomem.statistics.LabelSums`. The full level has the
Gram matrix and the commitment's lanes besides."""


@final
class Shapes:
    """The shapes that the arrays of a space have, for one label."""

    def __init__(self, fixed: SpaceSettings) -> None:
        self._by_name: dict[str, tuple[int, ...]] = {
            "codes": (fixed.dimension,),
            "keys": (fixed.books, fixed.keys),
            "features": (fixed.width,),
            "mode_counts": (fixed.modes,),
            "mode_codes": (fixed.modes, fixed.dimension),
        }
        self.gram = fixed.width * (fixed.width + 1) // 2

    def __getitem__(self, name: str) -> tuple[int, ...]:
        return self._by_name[name]


def check_level(level: Any) -> Level:
    """The level. Raises `InvalidInput` for anything else."""
    if level not in LEVELS:
        raise InvalidInput(f"level is {level!r}: it must be one of {', '.join(LEVELS)}")
    return cast(Level, level)


def lowest(levels: Iterable[Level]) -> Level:
    """The level that all of these have in common; full of none."""
    return min(levels, key=LEVELS.index, default="full")
