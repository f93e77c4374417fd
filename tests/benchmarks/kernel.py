"""Does the integer kernel (lift and Gram) keep up with a plain float32 product, and is it exact?

The kernel is timed where it lives, in `Statistics.learn`, with the per-label sums patched out; it starts from int8
codes and adds to sums that exist. The plain product starts from features that lie ready. numpy itself hands `F.T @ F`
to the symmetric ssyrk of BLAS and mirrors the triangle, so a general product (of F and a copy of it) is shown beside
it, and the whole of `learn` with its per-label sums. Exactness is asserted against int64 arithmetic in which no float
takes part, for both kernels: int8 by onnxruntime, the one in use, and float32 by BLAS, the stand-in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Final
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DIMENSION, arguments, save, seconds, show_machine
from rich.table import Table

from protomem.codes import CODE_MAX, Codes, quantize
from protomem.lift import FEATURE_MAX, GRAM_ROWS, Lift, ternary
from protomem.products import Float32Products, Int8Products, products
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

WIDTHS: Final = (1_024, 2_048, 4_096)
ROWS: Final = (4_096, 16_384)
REPETITIONS: Final = 5
CLASSES: Final = 77
CHECKED_COLUMNS: Final = 96

KERNEL: Final = "lift and Gram"
PLAIN: Final = "F.T @ F"
FLOAT32: Final = "lift and Gram, float32"
GENERAL: Final = "F.T @ F, general"
LEARN: Final = "all of learn"

Rates = dict[str, float]


def main() -> None:
    options = arguments(__doc__)
    show_machine()
    kernel = "int8" if isinstance(products(), Int8Products) else "float32, as int8 is not exact here"
    CONSOLE.print(f"kernel in use: {kernel}")
    for width in WIDTHS:
        checked = check_exact(width)
        _in_float32(partial(check_exact, width))
        CONSOLE.print(f"width {width:,}: features and Gram equal int64 arithmetic on {checked:,} rows, in both kernels")
    results = {(width, rows): measure(width, rows) for width in WIDTHS for rows in ROWS}
    CONSOLE.print(table(results))
    numbers = [{"width": width, "rows": rows, "rows_per_second": rates} for (width, rows), rates in results.items()]
    save(options.json, "kernel", {"measured": numbers})


def measure(width: int, rows: int) -> Rates:
    """Rows a second of each way, from medians of alternated repetitions."""
    space = _space(width)
    codes = _random_codes(space, rows)
    features = space.lift.features(codes).astype(np.float32)
    copied = features.copy()
    labels = [(str(row % CLASSES),) for row in range(rows)]
    sums, whole = Statistics(space), Statistics(space)
    ways: dict[str, Callable[[], object]] = {
        KERNEL: lambda: _learn_gram(sums, codes),
        PLAIN: lambda: features.T @ features,
        FLOAT32: lambda: _in_float32(lambda: _learn_gram(sums, codes)),
        GENERAL: lambda: features.T @ copied,
        LEARN: lambda: whole.learn(codes, labels),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for repetition in range(REPETITIONS + 1):
        for way, work in ways.items():
            taken = seconds(work)
            if repetition:  # the first touches the memory and wakes the threads
                times[way].append(taken)
    return {way: rows / median(taken) for way, taken in times.items()}


def check_exact(width: int) -> int:
    """Assert that features and Gram are those of int64 arithmetic: the number of rows checked.

    Two sets of codes: random ones, and a single one repeated past the rows that float32 can hold, whose first column
    is always the largest feature, so that one row too many in a sum would show.
    """
    space = _space(width)
    signs = ternary(f"protomem lift {space.settings.seed}", DIMENSION * width).reshape(DIMENSION, width)
    loudest = np.repeat(CODE_MAX * signs[None, :, 0], GRAM_ROWS + 2_000, axis=0)
    columns = np.sort(np.append(np.random.default_rng(0).permutation(width - 1)[: CHECKED_COLUMNS - 1] + 1, 0))
    for codes in (_random_codes(space, ROWS[-1]), loudest):
        features = _integer_features(space.lift, codes, signs[:, columns])
        assert np.array_equal(space.lift.features(codes)[:, columns], features), "the lift is not exact"
        lower = np.tril(_gram(space, codes)[np.ix_(columns, columns)])
        assert np.array_equal(lower, np.tril(features.T @ features)), "the Gram matrix is not exact"
    assert features[:, 0].min() == FEATURE_MAX, "the loudest codes are not loud enough to test the bound"
    return ROWS[-1] + len(loudest)


def _gram(space: Space, codes: Codes) -> npt.NDArray[np.int64]:
    statistics = Statistics(space)
    _learn_gram(statistics, codes)
    return statistics.gram


def _learn_gram(statistics: Statistics, codes: Codes) -> None:
    """`Statistics.learn` without the per-label sums."""
    with patch("protomem.statistics._label_sums", return_value=()) as left_out:
        statistics.learn(codes, [()] * len(codes))
    assert left_out.called, "Statistics no longer calls _label_sums: name here what it calls instead"


def _in_float32(work: Callable[[], object]) -> None:
    """Do this with the kernel that stands in where bytes are not multiplied exactly."""
    kernel = Float32Products()
    with patch("protomem.lift.products", return_value=kernel), patch("protomem.statistics.products") as used:
        used.return_value = kernel
        work()
    assert used.called, "Statistics no longer calls products(): name here what it calls instead"


def _integer_features(lift: Lift, codes: Codes, signs: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """The lift's formula in int64, for some of its columns."""
    projected = codes.astype(np.int64) @ signs.astype(np.int64)
    return np.clip(projected // lift.step, 0, FEATURE_MAX)


def _space(width: int) -> Space:
    return Space(SpaceSettings(DIMENSION, "benchmark", width))


def _random_codes(space: Space, rows: int) -> Codes:
    return quantize(np.random.default_rng(1).normal(size=(rows, DIMENSION)), space.scale)


def table(results: dict[tuple[int, int], Rates]) -> Table:
    """A row for each size; the ratios are to the plain product, and the bar is on the first."""
    drawn = Table(title=f"rows/s, {DIMENSION} components in, medians of {REPETITIONS}; bar: {KERNEL} ≥ {PLAIN}")
    for column in ("width", "rows", KERNEL, PLAIN, "ratio", "bar", FLOAT32, "ratio", GENERAL, LEARN):
        drawn.add_column(column, justify="left" if column == "bar" else "right")
    for (width, rows), rates in results.items():
        ratio = rates[KERNEL] / rates[PLAIN]
        met = "[green]met[/]" if ratio >= 1 else "[red]missed[/]"
        shown = {way: f"{rate:,.0f}" for way, rate in rates.items()}
        bar = (shown[KERNEL], shown[PLAIN], f"{ratio:.2f}", met)
        slow = (shown[FLOAT32], f"{rates[FLOAT32] / rates[PLAIN]:.2f}")
        drawn.add_row(f"{width:,}", f"{rows:,}", *bar, *slow, shown[GENERAL], shown[LEARN])
    return drawn


if __name__ == "__main__":
    main()
