"""Holding back what too few examples speak for: the sums over one example of a label are that example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from protomem.codes import Codes
from protomem.commitment import Commitment, content
from protomem.errors import InvalidInput
from protomem.examples import Labels
from protomem.federation.levels import Level
from protomem.federation.sums import Sums
from protomem.space import Space
from protomem.statistics import Statistics

__all__ = ["common_rows", "common_sums", "without_rare"]


def common_rows(labels: Sequence[Labels], least: int) -> list[int]:
    """The examples, by their places, none of whose labels has fewer than `least` of these very examples.

    An example with a rare label is held back with its other labels too, which may make another label rare: so until
    every label that is left has enough.
    """
    kept = list(range(len(labels)))
    while True:
        counts = Counter(chain.from_iterable(labels[row] for row in kept))
        left = [row for row in kept if all(counts[label] >= least for label in labels[row])]
        if len(left) == len(kept):
            return left
        kept = left


def common_sums(space: Space, codes: Codes, labels: Sequence[Labels], level: Level, least: int) -> Sums:
    """The sums over those of these examples, codes int8 (n, d), that `common_rows` keeps."""
    kept = common_rows(labels, least)
    left, left_labels = codes[kept], [labels[row] for row in kept]
    commitment = Commitment()
    commitment.add(content(row.tobytes(), some) for row, some in zip(left, left_labels, strict=True))
    return Sums.of(Statistics.of(space, left, left_labels), commitment, level)


def without_rare(sums: Sums, least: int) -> Sums:
    """These sums without the labels of fewer than `least` examples, where the sums alone can tell.

    Raises `InvalidInput` where they cannot: the Gram matrix is of all labels together, and so is an example of several.
    """
    rare = frozenset(name for name, count in zip(sums.names, sums.counts.tolist(), strict=True) if count < least)
    if not rare:
        return sums
    if sums.level == "full" or int(sums.counts.sum()) != sums.count:
        raise InvalidInput(
            f"{len(rare)} labels have fewer than min_count={least} examples, and without kept examples theirs cannot "
            'be taken out of the Gram matrix, nor those of several labels at any level: use level="codebooks", or '
            "leave merged=True out"
        )
    return sums.without(rare)
