"""What a user would otherwise train on the same vectors with scikit-learn: the peers of every comparison.

A family holds one kind of classifier at every strength tried. Where the best of a family is asked for, it is picked on
the test split, in its favour.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from common import Split
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.svm import LinearSVC

__all__ = ["BALANCED", "BAR_FAMILIES", "FAMILIES", "LOGISTIC", "Family", "best_member", "fitted", "logistic", "quietly"]

Names = npt.NDArray[np.str_]
Predict = Callable[[Split, Split], Names]
"""From what is learned and what is asked to an answer for each asked."""
Family = dict[str, Predict]

STEPS: Final = 300
"""Of L-BFGS, at most: what the bars name."""


@contextmanager
def quietly() -> Iterator[None]:
    """Fits that are stopped at STEPS, and one example a class, are meant."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%", UserWarning)
        yield


def fitted(make: Callable[[], Any]) -> Predict:
    """Fit it on the one split and answer the other."""

    def predict(train: Split, test: Split) -> Names:
        with quietly():
            return np.asarray(make().fit(train.vectors, train.labels).predict(test.vectors))

    return predict


def logistic(C: float, **more: Any) -> LogisticRegression:
    return LogisticRegression(C=C, max_iter=STEPS, **more)


def nearest_class_mean(train: Split, test: Split) -> Names:
    """Centroids brought to length 1, so that the nearest one to a unit vector is the one of the largest cosine."""
    with quietly():
        model = NearestCentroid().fit(train.vectors, train.labels)
    model.centroids_ /= np.linalg.norm(model.centroids_, axis=1, keepdims=True)
    return np.asarray(model.predict(test.vectors))


def best_member(family: Family, runs: dict[str, list[float]]) -> str:
    """The member of a family with the highest mean over the draws."""
    return max(family, key=lambda method: float(np.mean(runs[method])))


LOGISTIC: Final[Family] = {f"LogisticRegression C={C}": fitted(partial(logistic, C)) for C in (1, 10, 100)}
MACHINE: Final[Family] = {f"LinearSVC C={C}": fitted(partial(LinearSVC, C=C, random_state=0)) for C in (0.1, 1, 10)}
NEIGHBOURS: Final[Family] = {
    "KNeighborsClassifier k=1": fitted(partial(KNeighborsClassifier, 1, metric="cosine")),
    "KNeighborsClassifier k=10": fitted(partial(KNeighborsClassifier, 10, metric="cosine", weights="distance")),
}

BAR_FAMILIES: Final[dict[str, Family]] = {
    "logistic regression": LOGISTIC,
    "linear SVM": MACHINE,
    "kNN": NEIGHBOURS,
    "nearest class mean": {"NearestCentroid (cosine)": nearest_class_mean},
}
"""Those that a release has to keep up with."""

FAMILIES: Final = {**BAR_FAMILIES, "ridge": {"RidgeClassifier": fitted(RidgeClassifier)}}

BALANCED: Final[dict[str, Family]] = {
    "balanced logistic regression": {
        f"LogisticRegression C={C}, balanced": fitted(partial(logistic, C, class_weight="balanced"))
        for C in (1, 10, 100)
    },
    "balanced linear SVM": {
        f"LinearSVC C={C}, balanced": fitted(partial(LinearSVC, C=C, random_state=0, class_weight="balanced"))
        for C in (0.1, 1, 10)
    },
    "balanced ridge": {"RidgeClassifier, balanced": fitted(partial(RidgeClassifier, class_weight="balanced"))},
}
"""The same with every class given the same weight, for classes of unequal size."""
