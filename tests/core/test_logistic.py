"""The logistic head minimises its loss, and its leave-one-out is near what it would answer without the example."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from tests.core.drawing import drawn_codes

from protomem.codes import code_lengths, quantize
from protomem.heads.cosines import cosines
from protomem.heads.logistic import Logistic

pytestmark = pytest.mark.usefixtures("one_thread")


def near_linear(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = (rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (left.astype(float), right.astype(float)))
    return np.exp((left @ right.T - 1) / 2)


def least_loss(codes: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """The duals (n, labels) that minimise the regularised log-loss, by scipy's general minimiser."""
    kernel, wanted = near_linear(codes, codes), targets / targets.sum(axis=1, keepdims=True)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        duals = flat.reshape(wanted.shape)
        scores = kernel @ duals
        value = -(wanted * log_softmax(scores, axis=1)).sum() + strength / 2 * (duals * scores).sum()
        return float(value), (kernel @ (softmax(scores, axis=1) - wanted + strength * duals)).ravel()

    options = {"maxiter": 20_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, np.zeros(wanted.size), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(wanted.shape))


def some_targets(seed: int, count: int, labels: int) -> np.ndarray:
    """One label an example, every fifth with another one."""
    dice = np.random.default_rng(seed)
    targets = np.eye(labels, dtype=bool)[np.arange(count) % labels]
    targets[::5] |= np.eye(labels, dtype=bool)[dice.integers(0, labels, len(targets[::5]))]
    return targets


def compared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = left.astype(np.float32), right.astype(np.float32)
    return cosines(left, code_lengths(left), right, code_lengths(right))


def solved(codes: np.ndarray, targets: np.ndarray) -> Logistic:
    return Logistic.of(compared(codes, codes), targets)


@pytest.mark.parametrize(("count", "labels"), [(1, 1), (2, 2), (30, 3), (120, 12)])
def test_logistic_probabilities_are_those_of_least_loss(count: int, labels: int) -> None:
    codes, targets, items = drawn_codes(count, count), some_targets(count, count, labels), drawn_codes(count + 1, 37)
    strength = 0.1 / min(targets.sum() / labels, 10) ** 1.15
    expected = softmax(near_linear(items, codes) @ least_loss(codes, targets, strength), axis=1)
    found = softmax(solved(codes, targets).scores(compared(items, codes)), axis=1)
    assert np.allclose(found, expected, rtol=0, atol=0.01)


def test_logistic_leave_one_out_is_near_solving_anew_and_nearer_than_nothing() -> None:
    """Two examples a class around twenty centres, as a few-shot memory is."""
    dice = np.random.default_rng(5)
    vectors = dice.normal(size=(20, 64))[np.arange(100) % 20] + 0.8 * dice.normal(size=(100, 64))
    codes, targets = quantize(vectors, 100), np.eye(20, dtype=bool)[np.arange(100) % 20]
    head = solved(codes, targets)
    anew = []
    for row in range(0, 100, 5):
        others = np.arange(100) != row
        anew.append(solved(codes[others], targets[others]).scores(compared(codes[[row]], codes[others]))[0])
    own = targets[::5]
    off = np.abs(head.left_out[::5][own] - np.array(anew)[own])
    off_with_itself = np.abs(head.scores(compared(codes[::5], codes))[own] - np.array(anew)[own])
    assert np.sqrt(np.square(off).mean()) < 0.35 * np.sqrt(np.square(off_with_itself).mean())


@pytest.mark.parametrize("size", [1, 15, 16, 300])
def test_a_logistic_score_has_the_same_bits_in_every_batch(size: int) -> None:
    codes = drawn_codes(0, 100, 64)
    head = solved(codes, some_targets(0, 100, 3))
    items = drawn_codes(1, 300, 64)
    parts = [head.scores(compared(items[start : start + size], codes)) for start in range(0, 300, size)]
    assert np.array_equal(np.concatenate(parts), head.scores(compared(items, codes)))
