"""Vectors around fourteen centres with labels of several kinds, and a state that is taught them as a memory is."""

from __future__ import annotations

import numpy as np

from protomem.codes import quantize
from protomem.left_out import Needs
from protomem.predicting import Predictor
from protomem.questions import Question
from protomem.space import Space, SpaceSettings
from protomem.state import State
from protomem.store import Row

DIMENSION = 32
WIDTH = 128
QUESTION = Question(top_k=20, evidence=25, coverage=0.8, false_alarm=0.1, among=None)


def drawn(seed: int, count: int) -> np.ndarray:
    """Vectors around fourteen centres, the first three of them equal."""
    dice = np.random.default_rng(seed)
    vectors = np.random.default_rng(99).normal(size=(14, DIMENSION))[np.arange(count) % 14]
    vectors = vectors + 0.8 * dice.normal(size=(count, DIMENSION))
    vectors[:3] = vectors[0]
    return vectors


def label_sets(kind: str, count: int) -> list[list[str]]:
    if kind == "large class":
        return [["most"] if row % 4 else [f"class {row % 14:02}"] for row in range(count)]
    classes = {"one class": 1, "two classes": 2}.get(kind, 14)
    labels = [[f"class {row % 14 % classes:02}"] for row in range(count)]
    for row in range(0, count if classes == 14 else 0, 9):
        labels[row].append("extra")
    return labels


class Taught:
    """A state and the rows in it, for the same changes as a memory makes."""

    def __init__(self, count: int, kind: str) -> None:
        self.space = Space(SpaceSettings(DIMENSION, "an encoder", width=WIDTH))
        codes = quantize(drawn(3, count), self.space.scale)
        labels = [tuple(sorted(some)) for some in label_sets(kind, count)]
        self.rows = [Row(f"{row:04}", None, labels[row], codes[row].tobytes()) for row in range(count)]
        self.here: dict[str, Row] = {}
        self.state = State.of(self.space, [])

    def change(self, added: list[Row], removed: list[str]) -> None:
        self.state.apply(self.state.change(added, removed))
        self.here = {id: row for id, row in self.here.items() if id not in removed} | {row.id: row for row in added}

    def afresh(self) -> Predictor:
        """Solved from nothing, from the rows in another order."""
        return self.solved(State.of(self.space, list(self.here.values())[::-1]), None)

    @staticmethod
    def solved(state: State, previous: Predictor | None) -> Predictor:
        return Predictor.of(state, previous).prepared(Needs.of(QUESTION), state)
