"""What is solved over all examples is a function of codes and labels, and whoever opens a memory may have it done."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import protomem
from protomem.heads.logistic import Logistic
from protomem.heads.rivals import Rivals
from protomem.over_all import OverAll, SolveOverAll, solve_over_all
from protomem.panels import WHOLE_STRENGTH

pytestmark = pytest.mark.usefixtures("one_thread")

COUNT, LABELS, DIMENSION = 120, 9, 16


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes around the labels' centres, and targets; every seventh example carries two labels, two codes are equal."""
    dice = np.random.default_rng(seed)
    centres = np.arange(COUNT) % LABELS
    vectors = dice.normal(size=(LABELS, DIMENSION))[centres] + 0.7 * dice.normal(size=(COUNT, DIMENSION))
    codes = np.clip(np.rint(40 * vectors), -127, 127).astype(np.int8)
    codes[1] = codes[0]
    targets = np.eye(LABELS, dtype=bool)[centres]
    targets[::7, 0] = True
    return codes, targets


def exact_cosines(codes: np.ndarray, *, centred: bool) -> np.ndarray:
    """From integers of any size, n·c - Σ where they are centred, each rounded once."""
    rows = [[int(number) for number in row] for row in codes]
    if centred:
        sums = [sum(column) for column in zip(*rows, strict=True)]
        rows = [[len(rows) * number - total for number, total in zip(row, sums, strict=True)] for row in rows]
    integers = np.array(rows, dtype=object)
    products = (integers @ integers.T).astype(np.float64)
    lengths = np.sqrt(np.diag(products))
    return products / lengths[:, None] / lengths[None, :]


@pytest.mark.parametrize("centred", [True, False])
def test_it_is_both_heads_on_the_cosines_of_all_examples(*, centred: bool) -> None:
    codes, targets = drawn(1)
    solved = solve_over_all(codes, targets, centred=centred)
    cosines = exact_cosines(codes, centred=centred)
    assert_same_bits(
        solved,
        OverAll(
            Logistic.of(cosines, targets, None if centred else WHOLE_STRENGTH),
            Rivals.of(cosines, targets),
        ),
    )


@pytest.mark.parametrize(("kernel_rows", "centred"), [(0, True), (COUNT, False)], ids=["small", "kernel_rows"])
@pytest.mark.parametrize("solve_ahead", [False, True])
def test_a_memory_that_has_it_done_answers_as_one_that_does_it(
    kernel_rows: int, monkeypatch: pytest.MonkeyPatch, *, centred: bool, solve_ahead: bool
) -> None:
    """Every field with ==, after learning and after forgetting."""
    if kernel_rows:
        monkeypatch.setattr("protomem.panels.FEW_ROWS", 9)  # so that so few are many
    asked: list[tuple[int, bool]] = []

    def elsewhere(codes: np.ndarray, targets: np.ndarray, *, centred: bool) -> OverAll:
        assert (codes.dtype, targets.dtype) == (np.int8, np.bool_)
        assert codes.shape == (len(targets), DIMENSION)
        asked.append((len(codes), centred))
        return solve_over_all(codes.copy(), targets.copy(), centred=centred)

    def opened(solve: SolveOverAll) -> protomem.Memory:
        return protomem.open(
            None,
            encoder=protomem.Vectors(DIMENSION),
            width=64,
            kernel_rows=kernel_rows,
            solve_ahead=solve_ahead,
            solve_over_all=solve,
        )

    with opened(elsewhere) as memory, opened(solve_over_all) as other:
        for count, change in enumerate(CHANGES):
            for one in (memory, other):
                change(one)
            items = np.random.default_rng(count).normal(size=(30, DIMENSION))
            options = {"top_k": LABELS, "coverage": 0.9, "explain": True}
            assert memory.predict(items, **options) == other.predict(items, **options)
        assert {"logistic", "kernel"} <= set(memory.predict(items)[0].heads)
    assert asked == [(COUNT - 10, centred), (COUNT, centred), (COUNT - 1, centred)]


def learned(rows: range) -> Callable[[protomem.Memory], object]:
    def learn(memory: protomem.Memory) -> object:
        codes, targets = drawn(3)
        labels = [[f"label {label}" for label in np.flatnonzero(row)] for row in targets[rows]]
        return memory.learn(codes[rows].astype(float), labels, ids=[f"{row:04}" for row in rows])

    return learn


CHANGES = [
    learned(range(COUNT - 10)),
    learned(range(COUNT - 10, COUNT)),
    lambda memory: memory.forget(ids=["0007"]),
]


def assert_same_bits(found: OverAll, expected: OverAll) -> None:
    for one, other in ((found.logistic, expected.logistic), (found.kernel, expected.kernel)):
        assert np.array_equal(one.duals.values, other.duals.values)
        assert np.array_equal(one.duals.total, other.duals.total)
        assert np.array_equal(one.left_out, other.left_out)
