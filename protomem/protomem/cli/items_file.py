"""All items of a file at once, for commands that compare them with each other or follow them in order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from protomem.cli.reading import ItemFile

__all__ = ["read_items"]

BATCH = 1_000


def read_items(source: ItemFile) -> tuple[list[str] | npt.NDArray[np.float64], list[str]]:
    """The items in the order of the file, and what each is called: the id of its row, or the text, or its number."""
    parts, names = [], []
    for batch in source.batches(BATCH):
        texts = batch.items if isinstance(batch.items, list) else None
        names += batch.ids or texts or [str(row) for row in range(batch.first, batch.last + 1)]
        parts.append(batch.items)
    if source.columns.vectors is None:
        return [text for part in parts for text in part], names
    return np.concatenate(parts), names
