"""The settings a memory is created with and keeps for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, final

from protomem.errors import MemoryDamaged
from protomem.space import SpaceSettings

__all__ = ["MemorySettings", "Retain"]

Retain = Literal["codes", "items", "nothing"]


@final
@dataclass(frozen=True, slots=True)
class MemorySettings:
    """`encoder` is the name that opens the encoder again, `retain` what is kept of an item besides its codes."""

    encoder: str
    retain: Retain
    space: SpaceSettings

    def as_text(self) -> dict[str, str]:
        """The settings as a store keeps them."""
        fixed = self.space
        numbers = {name: getattr(fixed, name) for name in NUMBERS}
        text = {"encoder": self.encoder, "encoder_fingerprint": fixed.encoder, "retain": self.retain}
        return text | {name: str(number) for name, number in numbers.items()}

    @classmethod
    def from_text(cls, kept: Mapping[str, str]) -> MemorySettings:
        """The settings that `as_text` wrote. Raises `MemoryDamaged` if one is missing or is no number."""
        try:
            numbers = {name: int(kept[name]) for name in NUMBERS}
            space = SpaceSettings(encoder=kept["encoder_fingerprint"], **numbers)
            return cls(kept["encoder"], cast(Retain, kept["retain"]), space)
        except (KeyError, ValueError) as error:
            raise MemoryDamaged(f"the memory's settings cannot be read: {error}") from error


NUMBERS = ("dimension", "width", "books", "keys", "modes", "seed")
