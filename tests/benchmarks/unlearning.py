"""Do the yardsticks of the unlearning literature tell a memory that forgot from one that never saw?

BANKING77's vectors; one example in twenty is forgotten. Beside the memory stands what is usual with a model trained by
gradient: logistic regression that goes on training, for a few steps, on the rest. Each is compared with the same model
taught anew without the forgotten:

- canary set: every test text and the forgotten themselves, answered equally?
- membership inference: an attack on probability of the true label, margin and entropy, trained on remembered examples
  and half of the test texts, is asked about the forgotten and the other half. 0.5 is chance.
- feature injection (Izzo et al. 2021): a direction of the embedding that only half of one class has, and that half is
  forgotten. How much probability does it still add to the class?

Ends with 1 if a single bit of the memory that forgot differs from the one taught anew.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, final

import numpy as np
import numpy.typing as npt
from common import CONSOLE, DIMENSION, Split, arguments, load, require_data, save, show_machine
from rich.table import Table
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import protomem

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

FORGOTTEN: Final = 20
"""One in this many."""
STEPS: Final = 10
"""Of L-BFGS on the rest, by which logistic regression is to forget; at most 300 train it."""
EXTRA: Final = 8
"""Components of the injected direction: a code holds no more than a quarter of a unit vector in one."""
STRENGTH: Final = 0.4


class Model(Protocol):
    """What can be taught, can forget rows of what it was taught, and gives a probability to every class."""

    def __init__(self, examples: Split) -> None: ...

    def forget(self, rows: Rows) -> None: ...

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> Floats:
        """(n, classes), the classes sorted by name."""


@final
class MemoryModel:
    """protomem with its defaults, in RAM."""

    def __init__(self, examples: Split) -> None:
        self._memory = protomem.open(None, encoder=protomem.Vectors(examples.vectors.shape[1]))
        ids = [f"row {row}" for row in range(len(examples))]
        self._memory.learn(examples.vectors, examples.labels.tolist(), ids=ids)

    def forget(self, rows: Rows) -> None:
        self._memory.forget(ids=[f"row {row}" for row in rows])

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> Floats:
        answers = self._memory.predict(vectors, top_k=len(self._memory.classes()), evidence=0)
        return np.array([[chance for _, chance in sorted(answer.ranking)] for answer in answers])


@final
class FineTuned:
    """Logistic regression by gradient; to forget it goes on training on the rest."""

    def __init__(self, examples: Split) -> None:
        self._examples = examples
        self._model = LogisticRegression(C=10, max_iter=300, warm_start=True)
        self._fit(examples)

    def forget(self, rows: Rows) -> None:
        self._model.set_params(max_iter=STEPS)
        self._fit(self._examples.rows(without(self._examples, rows)))

    def probabilities(self, vectors: npt.NDArray[np.float32]) -> Floats:
        return np.asarray(self._model.predict_proba(vectors), dtype=np.float64)

    def _fit(self, examples: Split) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
            self._model.fit(examples.vectors, examples.labels)


MODELS: Final[dict[str, type[Model]]] = {
    "protomem": MemoryModel,
    "logistic regression": FineTuned,
}


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """One yardstick on one model: before forgetting, after it, and taught anew without the forgotten.

    `equal` is the share of rows that are bit-equal after forgetting and when taught anew, and `largest_difference` that
    between the two: of probabilities, or of the attack's scores for membership inference.
    """

    yardstick: str
    model: str
    before: float
    after: float
    anew: float
    equal: float
    largest_difference: float


def main() -> int:
    options = arguments(__doc__)
    require_data()
    show_machine()
    train, test = load("BANKING77", "train"), load("BANKING77", "test")
    found = []
    for name, model in MODELS.items():
        with CONSOLE.status(name):
            found += [*scattered(name, model, train, test), injected(name, model, train, test)]
    show(found)
    save(options.json, "unlearning", {"measured": [asdict(one) for one in found]})
    told = [one for one in found if one.model == "protomem" and (one.equal < 1 or one.largest_difference > 0)]
    for one in told:
        CONSOLE.print(f"[red]{one.yardstick}: the memory that forgot is not the one that never saw[/]")
    return 1 if told else 0


def scattered(name: str, model: type[Model], train: Split, test: Split) -> list[Measured]:
    """Canary set and membership inference, with random rows forgotten."""
    order = np.random.default_rng(0).permutation(len(train))
    gone, left = np.split(order, [len(train) // FORGOTTEN])
    some = left[: len(test) // 2]  # remembered examples for the attack to learn from
    probes = Split(
        np.concatenate([test.vectors, train.vectors[gone], train.vectors[some]]),
        np.concatenate([test.labels, train.labels[gone], train.labels[some]]),
    )
    states = three_states(model, train, gone, probes.vectors)
    canaries = [state[: len(test) + len(gone)] for state in states]
    truth = np.searchsorted(np.unique(train.labels), probes.labels[: len(canaries[0])])
    accuracies = [float((state.argmax(axis=1) == truth).mean()) for state in canaries]
    attacks = [attack(state, probes.labels, len(test), len(gone)) for state in states]
    return [
        Measured("canary set: answers right", name, *accuracies, *difference(canaries[1], canaries[2])),
        Measured(
            "membership inference: AUC",
            name,
            *(auc for auc, _ in attacks),
            *difference(attacks[1][1], attacks[2][1]),
        ),
    ]


def injected(name: str, model: type[Model], train: Split, test: Split) -> Measured:
    """Feature injection: the mean probability that the direction adds to the class."""
    target = str(np.unique(train.labels)[0])
    gone = np.flatnonzero(train.labels == target)[::2]
    vectors = widened(train.vectors, 0.0)
    vectors[gone, DIMENSION:] = STRENGTH
    others = test.vectors[test.labels != target]
    probes = np.concatenate([widened(others, 0.0), widened(others, STRENGTH)])
    states = three_states(model, Split(vectors, train.labels), gone, probes)
    added = [float((state[len(others) :, 0] - state[: len(others), 0]).mean()) for state in states]
    return Measured("feature injection: probability added", name, *added, *difference(states[1], states[2]))


def three_states(
    model: type[Model], train: Split, gone: Rows, probes: npt.NDArray[np.float32]
) -> tuple[Floats, Floats, Floats]:
    """Probabilities of the probes before forgetting, after it, and taught anew without the forgotten."""
    taught = model(train)
    before = taught.probabilities(probes)
    taught.forget(gone)
    after = taught.probabilities(probes)
    return before, after, model(train.rows(without(train, gone))).probabilities(probes)


def attack(state: Floats, labels: npt.NDArray[np.str_], tests: int, gone: int) -> tuple[float, Floats]:
    """AUC of telling the forgotten from test texts that the attack did not learn from, and its scores of them.

    The state holds test texts, forgotten and remembered examples, in this order.
    """
    top = np.sort(state, axis=1)
    true = np.searchsorted(np.unique(labels), labels)
    entropy = -(state * np.log(state + 1e-300)).sum(axis=1)
    signals = np.stack([state[np.arange(len(state)), true], top[:, -1] - top[:, -2], entropy], axis=1)
    strangers, asked_strangers = signals[: tests // 2], signals[tests // 2 : tests]
    forgotten, members = signals[tests : tests + gone], signals[tests + gone :]
    learned = np.concatenate([members, strangers])
    spread = learned.std(axis=0) + 1e-12
    attacker = LogisticRegression(max_iter=1_000).fit(learned / spread, np.arange(len(learned)) < len(members))
    scores = attacker.decision_function(np.concatenate([forgotten, asked_strangers]) / spread)
    return float(roc_auc_score(np.arange(len(scores)) < gone, scores)), np.asarray(scores)


def difference(mine: Floats, theirs: Floats) -> tuple[float, float]:
    """The share of rows that are bit-equal, and the largest difference."""
    rows = (mine == theirs).reshape(len(mine), -1).all(axis=1)
    return float(rows.mean()), float(np.abs(mine - theirs).max())


def without(examples: Split, rows: Rows) -> Rows:
    return np.setdiff1d(np.arange(len(examples)), rows)


def widened(vectors: npt.NDArray[np.float32], value: float) -> npt.NDArray[np.float32]:
    return np.pad(vectors, ((0, 0), (0, EXTRA)), constant_values=value)


def show(found: list[Measured]) -> None:
    table = Table("yardstick", "model", "before", "after", "taught anew", "bit-equal", "largest difference")
    for one in sorted(found, key=lambda one: one.yardstick):
        cells: list[Any] = [one.yardstick, one.model, *(f"{value:.3f}" for value in (one.before, one.after, one.anew))]
        table.add_row(*cells, f"{one.equal:.1%}", f"{one.largest_difference:.1g}")
    CONSOLE.print(table)


if __name__ == "__main__":
    sys.exit(main())
