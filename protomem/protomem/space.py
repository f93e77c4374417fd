"""What is fixed before the first example: the grid of the codes, the lift and the frozen keys."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import final

from protomem.codes import code_scale
from protomem.keys import Keys
from protomem.lift import Lift

__all__ = ["Space", "SpaceSettings"]


@final
@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """The numbers that fix a space.

    `width` is the number of features D of the lift; `books` and `keys` the codebooks; `modes` the frozen keys by which
    a class's sub-prototypes are told apart. Widths of 3,072 and 4,096 gain 0.1 to 0.2
    points of held-out accuracy and cost 3 and 8 times as much at every solve.
    """

    dimension: int
    encoder: str
    width: int = 2_048
    books: int = 64
    keys: int = 64
    modes: int = 16
    seed: int = 0

    def fingerprint(self) -> str:
        """Hex name of everything an example's statistics depend on besides the example."""
        named = {"version": 1, "scale": code_scale(self.dimension), **asdict(self)}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()


@final
@dataclass(frozen=True, slots=True)
class Space:
    """The fixed maps of a memory, built from its settings."""

    settings: SpaceSettings
    scale: int = field(init=False)
    lift: Lift = field(init=False)
    keys: Keys = field(init=False)
    modes: Keys = field(init=False)

    def __post_init__(self) -> None:
        fixed = self.settings
        object.__setattr__(self, "scale", code_scale(fixed.dimension))
        object.__setattr__(self, "lift", Lift(fixed.dimension, fixed.width, fixed.seed))
        object.__setattr__(self, "keys", Keys(fixed.dimension, fixed.books, fixed.keys, fixed.seed))
        object.__setattr__(self, "modes", Keys(fixed.dimension, 1, fixed.modes, fixed.seed + 1))
