"""What can be taught class after class: the memory, and what is compared with it in `increments.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, final

import numpy as np
import numpy.typing as npt
from common import DIMENSION, Split, named
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn_peers import logistic, quietly

import protomem

__all__ = ["MEMORY", "Learner", "MemoryLearner", "learners"]

Names = npt.NDArray[np.str_]
Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

EPOCHS: Final = 30
"""Of Adam over the examples of one step, for the network that goes on training."""
HIDDEN: Final = 512


class Learner(Protocol):
    """What learns step by step and answers with one of the labels seen, or one of those it is told to choose among."""

    def learn(self, examples: Split) -> None: ...

    def answer(self, vectors: Vectors, among: Sequence[str] | None = None) -> Names: ...


@final
class MemoryLearner:
    """protomem with its defaults, in RAM. Ids are drawn from labels, the same in whatever order classes come."""

    def __init__(self) -> None:
        self.memory = protomem.open(None, encoder=protomem.Vectors(DIMENSION))
        self._seen: dict[str, int] = {}

    def learn(self, examples: Split) -> None:
        labels = examples.labels.tolist()
        self.memory.learn(examples.vectors, labels, ids=[self._id(label) for label in labels])

    def answer(self, vectors: Vectors, among: Sequence[str] | None = None) -> Names:
        return named(self.memory.predict(vectors, evidence=0, among=among))

    def _id(self, label: str) -> str:
        """The label and how many of it came before."""
        self._seen[label] = self._seen.get(label, 0) + 1
        return f"{label} {self._seen[label]}"


@final
class NearestMean:
    """Sums of vectors by class; the class whose mean has the largest cosine."""

    def __init__(self) -> None:
        self._sums: dict[str, Floats] = {}

    def learn(self, examples: Split) -> None:
        for label in np.unique(examples.labels).tolist():
            rows = examples.vectors[examples.labels == label]
            self._sums[label] = self._sums.get(label, np.zeros(DIMENSION)) + rows.sum(axis=0, dtype=np.float64)

    def answer(self, vectors: Vectors, among: Sequence[str] | None = None) -> Names:
        names = sorted(self._sums)
        sums = np.array([self._sums[name] for name in names])
        return best(vectors @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T, names, among)


@final
class Retrained:
    """Logistic regression that keeps every example and is fitted anew at each step."""

    def __init__(self) -> None:
        self._parts: list[Split] = []
        self._model: LogisticRegression

    def learn(self, examples: Split) -> None:
        self._parts.append(examples)
        vectors = np.concatenate([part.vectors for part in self._parts])
        labels = np.concatenate([part.labels for part in self._parts])
        with quietly():
            self._model = logistic(10).fit(vectors, labels)

    def answer(self, vectors: Vectors, among: Sequence[str] | None = None) -> Names:
        return best(self._model.decision_function(vectors), self._model.classes_.tolist(), among)


@final
class FineTuned:
    """A network of one hidden layer that goes on training on the examples of each step alone."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = sorted(classes)
        self._seen: set[str] = set()
        self._model = MLPClassifier((HIDDEN,), random_state=0)

    def learn(self, examples: Split) -> None:
        self._seen |= set(examples.labels.tolist())
        for _ in range(EPOCHS):
            self._model.partial_fit(examples.vectors, examples.labels, classes=self._classes)

    def answer(self, vectors: Vectors, among: Sequence[str] | None = None) -> Names:
        return best(self._model.predict_proba(vectors), self._classes, among or sorted(self._seen))


def best(scores: Floats, names: Sequence[str], among: Sequence[str] | None) -> Names:
    """The best of these names, or of those among them that may be answered."""
    allowed = np.ones(len(names), dtype=bool) if among is None else np.isin(names, list(among))
    return np.array(names)[np.where(allowed, scores, -np.inf).argmax(axis=1)]


MEMORY: Final = "protomem"


def learners(classes: Sequence[str]) -> dict[str, Callable[[], Learner]]:
    """How each is made; the network has to be told every class beforehand."""
    return {
        MEMORY: MemoryLearner,
        "LogisticRegression, fitted anew on everything seen": Retrained,
        "NearestCentroid (cosine)": NearestMean,
        "MLPClassifier, trained on each step alone": partial(FineTuned, classes),
    }
