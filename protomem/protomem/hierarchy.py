"""Labels in levels: "card/lost" is below "card", and an answer may stop at the level that is certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from protomem.errors import NotRemembered
from protomem.inputs import listed

__all__ = ["Hierarchy", "labels_under", "level_names", "levels"]

Floats = npt.NDArray[np.float64]


def levels(label: str, separator: str) -> tuple[str, ...]:
    """The levels of a label, outermost first, the label itself last; what has no name before a separator is none."""
    parts = label.split(separator)
    outer = (separator.join(parts[:depth]) for depth in range(1, len(parts)))
    return (*(name for name in outer if name), label)


def level_names(names: Sequence[str], separator: str) -> list[str]:
    """Every level of these labels, the labels among them, sorted."""
    return sorted({level for name in names for level in levels(name, separator)})


def labels_under(task: str, names: Sequence[str], separator: str) -> tuple[str, ...]:
    """The labels of a task, in the order of `names`: the label of that name, and every one below it.

    With the separator at its end, `task` means only those below. Raises `NotRemembered` if there are none.
    """
    above = task if task.endswith(separator) else task + separator
    found = tuple(name for name in names if name == task or name.startswith(above))
    if not found:
        tops = sorted({levels(name, separator)[0] for name in names})
        raise NotRemembered(
            f"among names {task!r}, which is no remembered label, nor a task above one with the separator "
            f"{separator!r}: there are {listed(tops)}"
        )
    return found


@final
@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """The levels of the labels `names`: `nodes`, sorted, and the number of each label's node at each depth.

    `places` int64 (depths, labels); a label that ends above a depth stays its own node there.
    """

    nodes: tuple[str, ...]
    places: npt.NDArray[np.int64]

    @classmethod
    def of(cls, names: Sequence[str], separator: str) -> Hierarchy:
        """The levels of these labels."""
        nodes = level_names(names, separator)
        number = {node: index for index, node in enumerate(nodes)}
        paths = [levels(name, separator) for name in names]
        depths = range(max(map(len, paths)) + 1)
        places = [[number[path[min(depth, len(path) - 1)]] for path in paths] for depth in depths]
        return cls(tuple(nodes), np.array(places, dtype=np.int64))

    def path(self, probabilities: Floats) -> list[tuple[str, float]]:
        """From the outermost level inwards, always to the most probable: names and their summed probabilities.

        It ends at a label, which may be one that has others below it, if none of these is more probable. Equal ones go
        by name. `probabilities` (labels,) in the order of the names.
        """
        found: list[tuple[str, float]] = []
        left = np.arange(len(probabilities))
        for places in self.places:
            sums = np.bincount(places[left], weights=probabilities[left], minlength=len(self.nodes))
            best = int(sums.argmax())
            if found and self.nodes[best] == found[-1][0]:
                break
            found.append((self.nodes[best], min(1.0, float(sums[best]))))
            left = left[places[left] == best]
        return found

    def deepest(
        self, probabilities: Floats, thresholds: Mapping[str, float], certainty: float
    ) -> tuple[str, float] | None:
        """The last on the path that reaches its threshold, or the certainty where it has none; None if none does."""
        reached = [(name, p) for name, p in self.path(probabilities) if p >= thresholds.get(name, certainty)]
        return reached[-1] if reached else None
