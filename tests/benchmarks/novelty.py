"""Is a text that belongs to no class found out, without ever having learned such a text?

A memory of CLINC150's training split is asked about its 4,500 test texts (in scope) and 1,000 out-of-scope texts;
beside it, what scikit-learn makes of the same vectors. A detector gives every text a number, smaller for stranger ones.
AUROC compares an out-of-scope text with one in scope; recall is the share of out-of-scope texts below the threshold
that 5 % of the in-scope test texts are below too.

A user has no test split to set a threshold by and asks for `false_alarm=0.05`: what that gives stands beside it. The
peers' threshold is then the one that 5 % of the validation split are below, which the memory does without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, Split, arguments, load, require_data, save, show_machine, taught
from rich.table import Table
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import LocalOutlierFactor
from sklearn_peers import logistic, quietly

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Familiar = Callable[[Vectors], Floats]
"""Small for what is strange."""

DATA: Final = "CLINC150"
FALSE_ALARM: Final = 0.05
AUROC_BAR: Final = 0.975
RECALL_BAR: Final = 86.0
NEIGHBOURS: Final = 20
"""That the local outlier factor compares with: scikit-learn's default."""
KTH: Final = 5
"""The neighbour whose cosine is taken, beside that of the nearest (Sun et al. 2022)."""

MEMORY: Final = "protomem"


@final
@dataclass(frozen=True, slots=True)
class Found:
    """One detector: in scope against out of scope. Recall and alarms in percent.

    `recall` is at 5 % of alarms in scope; `user_recall` and `user_alarms` are at the threshold that a user would have.
    """

    auroc: float
    recall: float
    user_recall: float
    user_alarms: float
    alarms_curve: list[float]
    recall_curve: list[float]


def main() -> None:
    options = arguments(__doc__)
    require_data((DATA, "oos_test"), (DATA, "val"))
    show_machine()
    train, inside, outside = load(DATA, "train"), load(DATA, "test"), load(DATA, "oos_test")
    found = {MEMORY: memory(train, inside, outside)}
    validation = load(DATA, "val")
    for method, familiar in detectors(train).items():
        threshold = float(np.quantile(familiar(validation.vectors), FALSE_ALARM))
        scores = familiar(inside.vectors), familiar(outside.vectors)
        alarms = tuple(some < threshold for some in scores)
        found[method] = judged(*scores, *alarms)
    CONSOLE.print(table(found))
    checked = bars(found[MEMORY])
    show_bars(checked)
    numbers = {method: asdict(one) for method, one in found.items()}
    save(options.json, "novelty", {"found": numbers, "bars": saved_bars(checked)})


def memory(train: Split, inside: Split, outside: Split) -> Found:
    """The p-values of `novelty`, and whether it abstains when asked for this false alarm rate."""
    with taught(train) as mine:
        parts = [mine.predict(part.vectors, evidence=0, false_alarm=FALSE_ALARM) for part in (inside, outside)]
    scores = [np.array([answer.novelty for answer in answers]) for answers in parts]
    alarms = [np.array([answer.abstained for answer in answers]) for answers in parts]
    return judged(scores[0], scores[1], alarms[0], alarms[1])


def detectors(train: Split) -> dict[str, Familiar]:
    """What scikit-learn offers, fitted to the same vectors."""
    nearest = np.ascontiguousarray(train.vectors.T)
    outlier = LocalOutlierFactor(NEIGHBOURS, metric="cosine", novelty=True).fit(train.vectors)
    with quietly():
        sure = logistic(10).fit(train.vectors, train.labels)
    return {
        "cosine of the nearest example": lambda vectors: (vectors @ nearest).max(axis=1),
        f"cosine of the {KTH}th nearest": lambda vectors: np.partition(vectors @ nearest, -KTH, axis=1)[:, -KTH],
        "probability, LogisticRegression C=10": lambda vectors: sure.predict_proba(vectors).max(axis=1),
        "Mahalanobis distance, LedoitWolf within classes": mahalanobis(train),
        f"LocalOutlierFactor k={NEIGHBOURS}": outlier.score_samples,
    }


def mahalanobis(train: Split) -> Familiar:
    """Lee et al. 2018: the distance to the nearest class mean under the covariance within classes, shrunk."""
    names, owners = np.unique(train.labels, return_inverse=True)
    means = np.array([train.vectors[owners == owner].mean(axis=0) for owner in range(len(names))])
    precision = LedoitWolf(assume_centered=True).fit(train.vectors - means[owners]).precision_
    whitening = np.linalg.cholesky(precision)
    centres = means @ whitening

    def familiar(vectors: Vectors) -> Floats:
        white = vectors @ whitening
        squares = np.square(white).sum(axis=1)[:, None] - 2 * white @ centres.T + np.square(centres).sum(axis=1)
        return -squares.min(axis=1)

    return familiar


def judged(inside: Floats, outside: Floats, alarms: npt.NDArray[np.bool_], caught: npt.NDArray[np.bool_]) -> Found:
    """From the numbers of both sets, and from who was called strange at the user's threshold."""
    strange = np.arange(len(inside) + len(outside)) >= len(inside)
    scores = -np.concatenate([inside, outside])
    alarm_curve, recall_curve, _ = roc_curve(strange, scores)
    recall = recall_curve[alarm_curve <= FALSE_ALARM].max()
    return Found(
        auroc=float(roc_auc_score(strange, scores)),
        recall=100 * float(recall),
        user_recall=100 * float(caught.mean()),
        user_alarms=100 * float(alarms.mean()),
        alarms_curve=alarm_curve.tolist(),
        recall_curve=recall_curve.tolist(),
    )


def bars(found: Found) -> list[Bar]:
    return [
        Bar("AUROC, out of scope against in scope", found.auroc, AUROC_BAR, ""),
        Bar(f"out of scope found, at {FALSE_ALARM:.0%} false alarms", found.recall, RECALL_BAR),
    ]


def table(found: dict[str, Found]) -> Table:
    """A row for each detector."""
    drawn = Table(title=f"{DATA}: 1,000 texts out of scope against 4,500 in scope; recall and alarms in percent")
    columns = ("detector", "AUROC", "recall at 5 % alarms", "recall, user's threshold", "alarms, user's threshold")
    for column in columns:
        drawn.add_column(column, justify="left" if column == "detector" else "right")
    for method, one in found.items():
        cells = (f"{number:.2f}" for number in (one.recall, one.user_recall, one.user_alarms))
        drawn.add_row(method, f"{one.auroc:.4f}", *cells, style="bold" if method == MEMORY else "")
    return drawn


if __name__ == "__main__":
    main()
