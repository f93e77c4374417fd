"""What a federation is compared with: averaged class means, and federated averaging of a linear head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
from common import Names, Split

__all__ = ["BATCH", "ROUNDS", "Head", "averaged_means", "federated_head", "nearest"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]
Ranks = npt.NDArray[np.int64]

ROUNDS: Final = 20
BATCH: Final = 32


def averaged_means(clients: Sequence[Split]) -> dict[str, Floats]:
    """Of each class the mean of the clients' class means, each client counted alike, however many examples it has.

    Averaging of prototypes as in Federated Reconnaissance (Hendryx et al. 2021, arXiv 2109.00150).
    """
    means: dict[str, list[Floats]] = {}
    for client in clients:
        for label in np.unique(client.labels).tolist():
            own = client.vectors[client.labels == label]
            means.setdefault(label, []).append(own.mean(axis=0, dtype=np.float64))
    return {label: np.mean(some, axis=0) for label, some in sorted(means.items())}


def nearest(means: dict[str, Floats], vectors: Float32s) -> Names:
    """The class whose mean has the largest cosine with each vector."""
    stacked = np.array(list(means.values()))
    directions = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return np.array(list(means))[np.argmax(vectors @ directions.T, axis=1)]


@final
@dataclass(frozen=True, slots=True)
class Head:
    """A linear head: `weights` (d + 1, classes) in float32, the last row its biases."""

    names: Names
    weights: Float32s

    def answer(self, vectors: Float32s) -> Names:
        return self.names[np.argmax(vectors @ self.weights[:-1] + self.weights[-1], axis=1)]


def federated_head(clients: Sequence[Split], rate: float, epochs: int, seed: int = 0) -> Head:
    """FedAvg (McMahan et al. 2017, algorithm 1): softmax regression, all clients in each of `ROUNDS` rounds.

    From the common weights each makes `epochs` passes of plain SGD over its own examples, in batches of `BATCH`; then
    the weights are averaged, each client counted by its examples.
    """
    names = np.unique(np.concatenate([client.labels for client in clients]))
    dice, dimension = np.random.default_rng(seed), clients[0].vectors.shape[1]
    targets = [np.searchsorted(names, client.labels) for client in clients]
    weights = np.zeros((dimension + 1, len(names)), dtype=np.float32)
    shares = np.array([len(client) for client in clients], dtype=np.float32)
    shares /= shares.sum()
    for _ in range(ROUNDS):
        trained = np.zeros_like(weights)
        for client, target, share in zip(clients, targets, shares, strict=True):
            trained += share * _trained(weights, client.vectors, target, rate, epochs, dice)
        weights = trained
    return Head(names, weights)


def _trained(
    common: Float32s, vectors: Float32s, target: Ranks, rate: float, epochs: int, dice: np.random.Generator
) -> Float32s:
    """The weights after one client's passes."""
    weights = common.copy()
    inputs = np.hstack([vectors, np.ones((len(vectors), 1), dtype=np.float32)])
    for _ in range(epochs):
        order = dice.permutation(len(vectors))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = inputs[rows]
            scores = batch @ weights
            scores -= scores.max(axis=1, keepdims=True)
            probabilities = np.exp(scores)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            probabilities[np.arange(len(rows)), target[rows]] -= 1
            weights -= np.float32(rate / len(rows)) * (batch.T @ probabilities)
    return weights
