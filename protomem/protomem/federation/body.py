"""Sums as named arrays of packed bytes and a few numbers that say how to read them: what every file of sums holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from protomem.commitment import LANES
from protomem.errors import ContributionRefused, InvalidLabel
from protomem.federation.levels import LABEL_ARRAYS, Level, Shapes
from protomem.federation.packing import MAX_WIDTH, deflated, inflated, packed, unpacked, width_of
from protomem.federation.sums import Sums
from protomem.inputs import MAX_NAME, check_name
from protomem.space import Space

__all__ = ["MAX_COUNT", "Layout", "array_names", "body_of", "sums_of"]

Integers = npt.NDArray[np.int64]

MAX_NUMBERS: Final = 2**28
"""2 GiB once they are unpacked: the Gram matrix of the widest lift takes half of it, 10,000 labels in the usual space
the other half. A header that claims more is refused before anything is made."""

MAX_COUNT: Final = 2**53
"""The largest whole number that every reader of JSON keeps."""

NAME_BYTES: Final = 4 * MAX_NAME + 1
"""The longest label in UTF-8, and what closes it."""


@final
@dataclass(frozen=True, slots=True)
class Layout:
    """How to read the arrays: `count` examples of `labels` labels, whose names take `name_bytes`; the bytes of each
    number of an array in `widths`, by its name.
    """

    level: Level
    count: int
    labels: int
    name_bytes: int
    widths: Mapping[str, int]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], refuse: Callable[[str], Exception]) -> Layout:
        """The layout that a header claims, of whole numbers within their bounds; raises what `refuse` makes."""
        level: Level = fields["level"]
        if not isinstance(level, str) or level not in LABEL_ARRAYS:
            raise refuse(f"its level is {level!r}: it must be one of {', '.join(LABEL_ARRAYS)}")
        for name in ("count", "labels", "name_bytes"):
            if type(fields[name]) is not int or abs(fields[name]) > MAX_COUNT:
                raise refuse(f"its {name} is no whole number up to {MAX_COUNT}")
        if fields["labels"] < 0 or not 0 <= fields["name_bytes"] <= NAME_BYTES * fields["labels"]:
            raise refuse("its labels and the bytes of their names do not go together")
        widths = fields["widths"]
        if not isinstance(widths, dict) or widths.keys() != set(array_names(level)) - {"names"}:
            raise refuse("its widths are not those of the arrays of its level")
        if not all(type(width) is int and 1 <= width <= MAX_WIDTH for width in widths.values()):
            raise refuse(f"a width is not between 1 and {MAX_WIDTH} bytes")
        return cls(level, fields["count"], fields["labels"], fields["name_bytes"], widths)

    def fields(self) -> dict[str, Any]:
        """The layout as part of a header."""
        return {
            "level": self.level,
            "count": self.count,
            "labels": self.labels,
            "name_bytes": self.name_bytes,
            "widths": dict(self.widths),
        }


def array_names(level: Level) -> tuple[str, ...]:
    """The arrays that sums at a level are written as, in the order in which they are hashed."""
    return ("names", "counts", *LABEL_ARRAYS[level], *(("gram", "lanes") if level == "full" else ()))


def body_of(sums: Sums) -> tuple[Layout, dict[str, bytes]]:
    """These sums as packed arrays. Raises `OverflowError` for a number beyond 55 bits."""
    names = "".join(f"{name}\0" for name in sums.names).encode()  # no name holds NUL
    arrays: dict[str, Integers] = {"counts": sums.counts, **sums.arrays}
    if sums.level == "full":
        arrays |= {"gram": sums.gram, "lanes": sums.lanes.view(np.int16).astype(np.int64)}
    widths = {name: width_of(array) for name, array in arrays.items()}
    body = {"names": deflated(names)} | {name: packed(array, widths[name]) for name, array in arrays.items()}
    return Layout(sums.level, sums.count, len(sums.names), len(names), widths), body


def sums_of(space: Space, layout: Layout, body: Mapping[str, bytes], most: float = MAX_NUMBERS) -> Sums:
    """The sums that `body_of` packed. Raises `ContributionRefused` for what does not fit its layout (C5, C6), and for
    more numbers than `most`.
    """
    shapes, labels = Shapes(space.settings), layout.labels
    per_label = {"counts": (), **{name: shapes[name] for name in LABEL_ARRAYS[layout.level]}}
    numbers = {name: labels * int(np.prod(shape, dtype=np.int64)) for name, shape in per_label.items()}
    if layout.level == "full":
        numbers |= {"gram": shapes.gram, "lanes": LANES}
    if sum(numbers.values()) > most:
        raise ContributionRefused(
            f"C5: its header claims {sum(numbers.values()):,} numbers, and at most {most:,} are read: send "
            "fewer labels at once"
        )
    names = _names(inflated(body["names"], layout.name_bytes), labels)
    flat = {name: unpacked(body[name], layout.widths[name], size) for name, size in numbers.items()}
    return Sums(
        space=space,
        level=layout.level,
        count=layout.count,
        names=names,
        counts=flat["counts"],
        arrays={name: flat[name].reshape(labels, *shapes[name]) for name in LABEL_ARRAYS[layout.level]},
        gram=flat.get("gram", np.zeros(0, dtype=np.int64)),
        lanes=flat.get("lanes", np.zeros(0, dtype=np.int64)).astype(np.uint16),
    )


def _names(joined: bytes, labels: int) -> tuple[str, ...]:
    try:
        names = tuple(joined.decode().split("\0"))
        for name in names[:-1]:
            check_name(name, "a label", InvalidLabel)
    except (UnicodeDecodeError, InvalidLabel) as error:
        raise ContributionRefused(f"C6: its labels cannot be used: {error}") from error
    if names[-1] or len(names) != labels + 1:
        raise ContributionRefused(f"C6: it names {len(names) - 1} labels and its header {labels}: get it anew")
    if any(one >= other for one, other in pairwise(names[:-1])):
        raise ContributionRefused("C6: its labels are not sorted, or one is there twice: sums are sent sorted by label")
    return names[:-1]
