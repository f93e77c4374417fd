"""LAPACK's routines do what their names say, refuse what they cannot take, and let other threads go on."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest

from protomem.lapack import factored, inverse, inverse_diagonal, inverse_factor, solved, solved_half

SIZES = (1, 2, 17, 200)


def positive(size: int) -> np.ndarray:
    dice = np.random.default_rng(size)
    root = dice.standard_normal((size, size))
    return np.asfortranarray(root @ root.T + size * np.eye(size))


@pytest.mark.parametrize("size", SIZES)
def test_each_routine_agrees_with_numpys_definition(size: int) -> None:
    matrix = positive(size)
    right = np.random.default_rng(0).standard_normal((size, 3))
    factor = factored(matrix.copy(order="F"))
    lower = np.tril(factor)
    np.testing.assert_allclose(lower @ lower.T, matrix, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(matrix @ solved(factor, right), right, atol=1e-9)
    np.testing.assert_allclose(lower @ solved_half(factor, right.copy(order="F")), right, atol=1e-9)
    np.testing.assert_allclose(lower @ np.tril(inverse_factor(factor.copy(order="F"))), np.eye(size), atol=1e-9)
    np.testing.assert_allclose(inverse_diagonal(factor.copy(order="F")), np.diag(np.linalg.inv(matrix)), atol=1e-9)
    inverted = inverse(factor)
    np.testing.assert_allclose(inverted, np.linalg.inv(matrix), atol=1e-9)
    assert np.array_equal(inverted, inverted.T)


def test_what_lies_above_the_diagonal_is_neither_read_nor_written() -> None:
    matrix = positive(5)
    other = matrix.copy(order="F")
    other[np.triu_indices(5, 1)] = 7.0
    factor = factored(other)
    assert (factor[np.triu_indices(5, 1)] == 7.0).all()
    assert np.array_equal(np.tril(factor), np.tril(factored(matrix)))


def test_solving_leaves_the_right_side_as_it_was() -> None:
    factor, right = factored(positive(4)), np.ones((4, 2), order="F")
    solved(factor, right)
    assert (right == 1).all()


def test_a_matrix_that_is_not_positive_definite_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        factored(np.asfortranarray(-np.eye(3)))


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((2, 3), order="F"),
        np.ones(4),
        np.ones((3, 3), dtype=np.float32, order="F"),
        np.arange(9.0).reshape(3, 3),
        np.broadcast_to(np.ones((3, 1)), (3, 3)),
    ],
    ids=["not square", "a vector", "float32", "in C order", "not writeable"],
)
def test_what_would_be_read_or_written_out_of_bounds_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="matrix"):
        factored(matrix)


@pytest.mark.parametrize("right", [np.ones((2, 2)), np.ones(3)], ids=["too short", "a vector"])
def test_a_right_side_of_another_size_is_refused(right: np.ndarray) -> None:
    with pytest.raises(ValueError, match="right side"):
        solved(factored(positive(3)), right)


def test_other_threads_run_while_a_matrix_is_factored() -> None:
    """With the interpreter's lock held throughout the counter could not move at all."""
    matrix, counted, stop = positive(1_200), [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)  # offers the lock at once, as the interval below never would

    before = sys.getswitchinterval()
    thread = threading.Thread(target=count)
    thread.start()
    try:
        sys.setswitchinterval(100.0)
        start = counted[0]
        factored(matrix)
        assert counted[0] > start
    finally:
        stop.set()
        sys.setswitchinterval(before)
        thread.join()
