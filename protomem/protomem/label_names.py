"""The labels' own names as codes: encoded once for each label, and gone with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from protomem.codes import Codes, quantize
from protomem.encoders import Encoder
from protomem.errors import InvalidInput

__all__ = ["LabelNames", "as_text"]

JOINTS: Final = re.compile(r"[\s_/\-]+")


def as_text(label: str) -> str:
    """A label as words: `card/lost_or-stolen` is read as "card lost or stolen". One without words stays as it is."""
    return JOINTS.sub(" ", label).strip() or label


@final
class LabelNames:
    """The names that were encoded. Codes of a label are a pure function of it and the encoder.

    An encoder whose embedding depends on the batch gets each label alone, so that its codes do not depend on when other
    labels came.
    """

    def __init__(self, encoder: Encoder, scale: int) -> None:
        self._encoder = encoder
        self._scale = scale
        self._kept: dict[str, Codes] = {}

    def codes(self, labels: Sequence[str]) -> Codes:
        """Codes int8 (labels, d), in their order. Raises `InvalidInput` if the encoder takes no texts."""
        self._check()
        kept = dict(self._kept)  # a copy: others may be asking too
        missing = [label for label in labels if label not in kept]
        if missing:
            kept.update(zip(missing, self._encoded([as_text(label) for label in missing]), strict=True))
            self._kept = kept
        return np.stack([kept[label] for label in labels])

    def __len__(self) -> int:
        return len(self._kept)

    def keep_only(self, labels: Collection[str]) -> None:
        """Drop the names of all other labels."""
        self._kept = {label: codes for label, codes in self._kept.items() if label in labels}

    def _check(self) -> None:
        if not self._encoder.keeps_text:
            raise InvalidInput(
                f"name_prior reads the labels' names, and labels cannot be encoded by {self._encoder.name!r}: open a "
                "memory with a text encoder, or leave it out"
            )

    def _encoded(self, texts: list[str]) -> Codes:
        batches = [texts] if self._encoder.reproducible else [[text] for text in texts]
        found: list[npt.NDArray[np.floating]] = [self._encoder.encode(batch) for batch in batches]
        return quantize(np.concatenate(found), self._scale)
