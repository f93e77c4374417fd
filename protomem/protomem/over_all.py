"""What is solved over all examples of a memory: the logistic and the kernel head, where each item is compared with all.

It takes longest of what a change of such a memory costs, and it is a pure function of codes and labels: whoever opens a
memory may have it done elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, final

import numpy as np
import numpy.typing as npt

from protomem.against import Against, against
from protomem.beside import beside
from protomem.codes import Codes, code_lengths
from protomem.heads.cosines import Centre, over_lengths
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.items import Items
from protomem.panels import WHOLE_STRENGTH

__all__ = ["SOLVED_HERE", "Close", "OverAll", "SolveOverAll", "Solving", "solve_over_all"]

Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Close:
    """All examples, where each item is compared with all: codes int8 (n, d), lengths (n,), and their centre, of few."""

    codes: Codes
    against: Against
    lengths: Floats
    centre: Centre | None

    @classmethod
    def of(cls, codes: Codes, *, centred: bool) -> Close:
        """Examples with these codes, int8 (n, d)."""
        return cls(codes, against(codes), code_lengths(codes.astype(np.float32)), Centre.of(codes) if centred else None)

    def cosines(self, items: Items) -> Floats:
        """Cosines of items (m,) with them, both centred if there is a centre: (m, n)."""
        products = items.products_with(self.against) if items.products is None else items.products
        return self._of(items.codes, items.lengths, products)

    def among_themselves(self) -> Floats:
        """Their cosines with each other: (n, n)."""
        return self._of(self.codes.astype(np.float32), self.lengths, self.against.products(self.codes))

    def _of(self, codes: npt.NDArray[np.float32], lengths: Floats, products: npt.NDArray[np.float32]) -> Floats:
        if self.centre is None:
            return over_lengths(products.astype(np.float64), lengths, self.lengths)
        return self.centre.cosines(codes, lengths, products)


@final
@dataclass(frozen=True, slots=True, eq=False)
class OverAll:
    """The two heads that are solved over all examples."""

    logistic: Logistic
    kernel: Rivals


class SolveOverAll(Protocol):
    """A function that gives, to the bit, what `solve_over_all` gives for the same. Threads may call it at once."""

    def __call__(self, codes: Codes, targets: npt.NDArray[np.bool_], *, centred: bool) -> OverAll: ...


def solve_over_all(codes: Codes, targets: npt.NDArray[np.bool_], *, centred: bool) -> OverAll:
    """The heads of examples in canonical order: codes int8 (n, d), targets (n, labels), at least one label a row.

    `centred` is for few examples: they are compared centred on their mean, and λ is the usual one, not that of WHOLE.
    Raises `numpy.linalg.LinAlgError` where a kernel is not positive definite.
    """
    among = Close.of(codes, centred=centred).among_themselves()
    kernel = beside(partial(Rivals.of, among, targets))
    logistic = Logistic.of(among, targets, None if centred else WHOLE_STRENGTH)
    return OverAll(logistic, kernel())


@final
@dataclass(frozen=True, slots=True)
class Solving:
    """How a memory was asked to solve its heads; both are as in `protomem.open`."""

    kernel_rows: int = 0
    solve_over_all: SolveOverAll = solve_over_all


SOLVED_HERE: Final = Solving()
"""As a memory does by itself."""
