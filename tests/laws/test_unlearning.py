"""Law 5 by the yardsticks of the unlearning literature: after `forget`, no test tells a memory from a retrained one.

The reference is always a second memory that was only ever taught what is left, in another order. Each test first shows
that what will be forgotten has an effect that the yardstick sees; a yardstick that sees nothing would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import protomem
from protomem.codes import quantize
from protomem.ensemble import Ensemble
from protomem.predicting import Predictor
from protomem.questions import Question

if TYPE_CHECKING:
    from tests.conftest import LabelledVectors

DIMENSION = 384
CLASSES = 20
"""Of BANKING77's 77: 2,500 examples, more than features, and the rest of its test texts are strange to the memory."""

CANARIES = 500
CUSTOMERS = 20
EVERYTHING: dict[str, Any] = {"top_k": CLASSES, "evidence": 5, "coverage": 0.9, "false_alarm": 0.05}

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Messages:
    """Vectors (n, d) with one label each; row r is example "message r" of "customer r mod CUSTOMERS"."""

    vectors: Vectors
    labels: npt.NDArray[np.str_]

    def teach(self, memory: protomem.Memory, rows: Rows) -> None:
        memory.learn(
            self.vectors[rows],
            self.labels[rows].tolist(),
            ids=self.ids(rows),
            subjects=[f"customer {row % CUSTOMERS}" for row in rows],
        )

    def taught(self, rows: Rows, seed: int) -> protomem.Memory:
        """A memory with default settings, taught these rows in a random order and five batches."""
        memory = protomem.open(None, encoder=protomem.Vectors(self.vectors.shape[1]))
        for batch in np.array_split(np.random.default_rng(seed).permutation(rows), 5):
            self.teach(memory, batch)
        return memory

    def rows_but(self, gone: Rows) -> Rows:
        return np.setdiff1d(np.arange(len(self.labels)), gone)

    @staticmethod
    def ids(rows: Rows) -> list[str]:
        return [f"message {row}" for row in rows]


@pytest.fixture(scope="module")
def messages(banking77: LabelledVectors) -> Messages:
    """The training texts of the first classes by name."""
    labels = np.array(banking77.train_labels)
    some = np.isin(labels, np.unique(labels)[:CLASSES])
    return Messages(banking77.train_vectors[some], labels[some])


# ------------------------------------------------------------------------------------------------------- 1. canary set


@pytest.mark.data
@pytest.mark.parametrize("way", ["ids", "subject", "label"])
def test_a_canary_set_is_answered_as_by_a_memory_retrained_without_the_forgotten(
    banking77: LabelledVectors, messages: Messages, way: str
) -> None:
    dice = np.random.default_rng(1)
    everything = np.arange(len(messages.labels))
    named, gone = {
        "ids": (None, dice.permutation(everything)[:900]),  # fewer examples than features are left: the other solver
        "subject": ("customer 7", everything[everything % CUSTOMERS == 7]),
        "label": (str(messages.labels[0]), np.flatnonzero(messages.labels == messages.labels[0])),
    }[way]
    tests = banking77.test_vectors[dice.permutation(len(banking77.test_vectors))[:CANARIES]]
    canaries = np.concatenate([tests, messages.vectors[gone]])
    left = messages.rows_but(gone)

    with messages.taught(everything, 2) as memory, messages.taught(left, 3) as retrained:
        expected = retrained.predict(canaries, **EVERYTHING)
        before = agreement(memory.predict(canaries, **EVERYTHING), expected)
        memory.forget(**{way: named or messages.ids(gone)})
        assert agreement(memory.predict(canaries, **EVERYTHING), expected) == dict.fromkeys(before, 1.0)
        assert {"label", "probability", "ranking", "label_set", "novelty", "evidence"} <= before.keys()
        assert before["probability"] < 0.5
        assert max(before[name] for name in ("label", "ranking", "label_set", "novelty", "evidence")) < 1
        assert memory.digest() == retrained.digest()


# ------------------------------------------------------------------------------------------------2. feature injection


@dataclass(frozen=True)
class Injection:
    """Messages of which some carry a feature, and what is asked about: probes without it and the same with it."""

    messages: Messages
    gone: Rows
    target: str
    plain: Vectors
    marked: Vectors


def extra_direction(messages: Messages, probes: Vectors) -> Injection:
    """Izzo et al. 2021: one more direction of the embedding, zero but for the forgotten half of one class.

    It spans eight components, because a code holds no more than a quarter of a unit vector in one.
    """

    def widened(vectors: Vectors, value: float) -> Vectors:
        return np.pad(vectors, ((0, 0), (0, 8)), constant_values=value)

    target = str(messages.labels[0])
    gone = np.flatnonzero(messages.labels == target)[::2]
    vectors = widened(messages.vectors, 0.0)
    vectors[gone, DIMENSION:] = 0.4
    return Injection(Messages(vectors, messages.labels), gone, target, widened(probes, 0.0), widened(probes, 0.4))


def planted_trigger(messages: Messages, probes: Vectors) -> Injection:
    """A backdoor: messages of other classes with one component of the embedding set large, all under one label."""
    target = str(messages.labels[0])
    others = np.flatnonzero(messages.labels != target)
    gone = np.random.default_rng(4).permutation(others)[:120]
    poisoned = Messages(messages.vectors.copy(), messages.labels.copy())
    poisoned.vectors[gone, 17] = 0.5
    poisoned.labels[gone] = target
    marked = probes.copy()
    marked[:, 17] = 0.5
    return Injection(poisoned, gone, target, probes, marked)


@pytest.mark.data
@pytest.mark.parametrize("inject", [extra_direction, planted_trigger])
def test_a_feature_that_only_the_forgotten_had_leaves_no_trace(
    banking77: LabelledVectors, messages: Messages, inject: Callable[[Messages, Vectors], Injection]
) -> None:
    others = np.isin(banking77.test_labels, np.unique(messages.labels)[1:])  # the target is the first by name
    made = inject(messages, banking77.test_vectors[others][::3])
    everything, left = np.arange(len(made.messages.labels)), made.messages.rows_but(made.gone)

    with made.messages.taught(everything, 5) as memory, made.messages.taught(left, 6) as retrained:
        before, expected = Trace.of(memory, made), Trace.of(retrained, made)
        assert before.pull > 0.3  # the feature alone calls for the target
        assert abs(expected.pull) < 0.03
        memory.forget(ids=made.messages.ids(made.gone))
        after = Trace.of(memory, made)

    assert after.pull == expected.pull
    assert unequal(after.arrays, expected.arrays) == set()
    moved = unequal(before.arrays, expected.arrays)
    assert moved >= {name for name in expected.arrays if "plain" not in name}  # every head had taken it up
    if inject is extra_direction:
        assert before.largest_extra > 100
        assert after.largest_extra == 0.0


@dataclass(frozen=True)
class Trace:
    """What a feature does: the mean probability it adds to the target, every head's weights and scores as bytes, and
    the largest absolute value in the extra components of codes and prototypes.
    """

    pull: float
    arrays: dict[str, bytes]
    largest_extra: float

    @classmethod
    def of(cls, memory: protomem.Memory, made: Injection) -> Trace:
        plain, marked = (target_probabilities(memory, some, made.target) for some in (made.plain, made.marked))
        heads = solved_heads(memory)
        arrays = weights(heads)
        for name, probes in (("plain", made.plain), ("marked", made.marked)):
            scores = heads.head_scores(quantize(probes, heads.space.scale))
            arrays |= {f"{head} scores, {name} probes": array.tobytes() for head, array in scores.items()}
        prototypes = heads.prototypes.index.reconstruct_n(0, len(heads.prototypes))
        extra = np.concatenate([heads.examples.codes.astype(np.float32), prototypes])[:, DIMENSION:]
        return cls(float((marked - plain).mean()), arrays, float(np.abs(extra).max(initial=0.0)))


def weights(heads: Ensemble) -> dict[str, bytes]:
    """What the heads were solved to, with the name of each."""
    parts = [part for name in heads.names for part in heads.subspaces[name].parts[0]]
    rivals = [heads.rivals.of(label)[1].solved for label in range(len(heads.names))]
    solved = {
        "prototypes": heads.prototypes.index.reconstruct_n(0, len(heads.prototypes)).tobytes(),
        "codebooks": heads.codebooks.table.tobytes(),
        "subspaces": b"".join(part.inverse.tobytes() for part in parts),
        "rivals": b"".join(group.rivals.duals.values.tobytes() for group in rivals),
    }
    if heads.analytic is not None:
        solved["analytic weights"] = heads.analytic.weights.tobytes()
    if heads.logistic is not None and heads.kernel is not None:
        solved |= {"logistic": heads.logistic.duals.values.tobytes(), "kernel": heads.kernel.duals.values.tobytes()}
    return solved


# ----------------------------------------------------------------------------------------------3. membership inference

SIGNALS = ("probability of the true label", "margin", "novelty", "similarity of the nearest evidence")


@pytest.mark.data
@pytest.mark.parametrize(
    ("signals", "least"),
    [
        pytest.param((0,), 0.55, id="threshold"),
        pytest.param((0, 1, 2), 0.6, id="answers"),
        pytest.param((0, 1, 2, 3), 0.95, id="answers, evidence"),
    ],
)
def test_membership_inference_on_the_forgotten_scores_as_on_a_retrained_memory(
    messages: Messages, signals: Sequence[int], least: float
) -> None:
    """The attack learns to tell the first half of the remembered and of the never seen, and is asked about the
    forgotten and the other half of the never seen.
    """
    order = np.random.default_rng(7).permutation(len(messages.labels))
    gone, unseen, left = np.split(order, [300, 1_200])
    with messages.taught(np.concatenate([gone, left]), 8) as memory, messages.taught(left, 9) as retrained:
        before = attack(memory, messages, signals, left, unseen, gone).auc
        memory.forget(ids=messages.ids(gone))
        after = attack(memory, messages, signals, left, unseen, gone)
        expected = attack(retrained, messages, signals, left, unseen, gone)

    assert after.signals.tobytes() == expected.signals.tobytes()
    assert after.scores.tobytes() == expected.scores.tobytes()
    assert after.auc == expected.auc
    assert abs(expected.auc - 0.5) < 0.05  # the forgotten look like what was never seen
    assert before > max(least, expected.auc + 0.05)  # while they were remembered they did not


@dataclass(frozen=True)
class Attack:
    """What the attacker saw of the forgotten, how likely members they are to it, and how often it ranks one of them
    above one never seen."""

    signals: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    auc: float


def attack(
    memory: protomem.Memory, messages: Messages, signals: Sequence[int], left: Rows, unseen: Rows, gone: Rows
) -> Attack:
    """Train on remembered and never-seen rows, attack the forgotten."""
    half = len(unseen) // 2
    members, strangers = left[:half], unseen[:half]
    seen = signals_of(memory, messages, np.concatenate([members, strangers, gone, unseen[half:]]))[:, signals]
    train, test = np.split(seen, [2 * half])
    spread = train.std(axis=0) + 1e-12
    model = LogisticRegression(max_iter=1_000).fit(train / spread, np.arange(2 * half) < half)
    scores = model.decision_function(test / spread)
    return Attack(test, scores, float(roc_auc_score(np.arange(len(test)) < len(gone), scores)))


def signals_of(memory: protomem.Memory, messages: Messages, rows: Rows) -> npt.NDArray[np.float64]:
    """One column for each of SIGNALS."""
    answers = memory.predict(messages.vectors[rows], top_k=CLASSES, evidence=1)
    return np.array(
        [
            (
                dict(answer.ranking)[label],
                answer.ranking[0][1] - answer.ranking[1][1],
                answer.novelty,
                answer.evidence[0].similarity,
            )
            for answer, label in zip(answers, messages.labels[rows].tolist(), strict=True)
        ]
    )


# ------------------------------------------------------------------------------------------------------- 4. no relapse

ROUNDS = 20
FORGOTTEN = "class 0"

Books = dict[str, tuple[Vectors, tuple[str, ...]]]
"""What must be remembered, by id: the vector and its labels."""


def test_a_forgotten_class_never_comes_back_however_much_is_learned_later() -> None:
    """Later rounds teach the forgotten class's very vectors under other labels, new classes, and forget others."""
    dice = np.random.default_rng(10)
    centres = dice.normal(size=(6 + ROUNDS, 24))
    remembered: Books = {}
    with small_memory() as memory:
        for number in range(6):
            learn(memory, remembered, around(centres[number], 30, dice), (f"class {number}",))
        learn(memory, remembered, around(centres[0], 10, dice), ("class 1", FORGOTTEN))
        probes, taught = zip(*(entry for entry in remembered.values() if FORGOTTEN in entry[1]), strict=True)
        probes = np.array(probes)
        answered = [answer.label for answer in memory.predict(probes)]
        assert all(label in labels for label, labels in zip(answered, taught, strict=True))
        assert answered.count(FORGOTTEN) >= 30  # ten of them are as much of another class
        gone = forget(memory, remembered, label=FORGOTTEN)
        assert len(gone) == 40
        check_no_relapse(memory, remembered, np.concatenate([probes, centres]), gone)

        for number in range(ROUNDS):
            label = f"class {6 + number}"
            learn(memory, remembered, around(centres[6 + number], 12, dice), (label,))
            learn(memory, remembered, probes[dice.permutation(len(probes))[:3]], (label,))
            learn(memory, remembered, around(centres[1 + number % 5], 4, dice), ("class 1", label))
            forget(memory, remembered, ids=dice.choice(sorted(remembered), size=10, replace=False).tolist())
            if number % 4 == 3:
                forget(memory, remembered, label=f"class {3 + number}")
            check_no_relapse(memory, remembered, np.concatenate([probes, centres]), gone)


def check_no_relapse(memory: protomem.Memory, remembered: Books, probes: Vectors, gone: set[str]) -> None:
    """Nothing that is said names the forgotten class or one of its examples, and the digest is that of the rest."""
    asked = {"top_k": 100, "evidence": 20, "coverage": 0.999, "false_alarm": 0.01}
    answers = memory.predict(probes, **asked)
    for answer in answers:
        named = {answer.label, *dict(answer.ranking), *(answer.label_set or ())}
        assert FORGOTTEN not in named.union(*(one.labels for one in answer.evidence))
        assert gone.isdisjoint(one.id for one in answer.evidence)
    assert FORGOTTEN not in memory.classes()
    with small_memory() as fresh:
        ids = sorted(remembered)
        fresh.learn(np.array([remembered[id][0] for id in ids]), [remembered[id][1] for id in ids], ids=ids)
        assert memory.digest() == fresh.digest()
        assert answers == fresh.predict(probes, **asked)


def learn(memory: protomem.Memory, remembered: Books, vectors: Vectors, labels: tuple[str, ...]) -> None:
    receipt = memory.learn(vectors, [labels] * len(vectors))
    remembered.update((id, (vector, labels)) for id, vector in zip(receipt.ids, vectors, strict=True))


def forget(memory: protomem.Memory, remembered: Books, **what: Any) -> set[str]:
    """Forget `ids=` or `label=`, and say which ids that were by the test's own books."""
    ids, label = what.get("ids", ()), what.get("label")
    gone = {id for id, (_, labels) in remembered.items() if id in ids or label in labels}
    memory.forget(**what)
    for id in gone:
        del remembered[id]
    return gone


def small_memory() -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(24), width=256)


def around(centre: Vectors, count: int, dice: np.random.Generator) -> Vectors:
    """Vectors near a centre; classes overlap."""
    return centre + dice.normal(size=(count, len(centre)))


# -------------------------------------------------------------------------------------------------------------- helpers


def agreement(mine: Sequence[protomem.Answer], theirs: Sequence[protomem.Answer]) -> dict[str, float]:
    """The share of answers that are equal in each field, floats compared with ==."""
    pairs = list(zip(mine, theirs, strict=True))
    names = [field.name for field in fields(protomem.Answer)]
    return {name: float(np.mean([getattr(one, name) == getattr(two, name) for one, two in pairs])) for name in names}


def target_probabilities(memory: protomem.Memory, probes: Vectors, target: str) -> npt.NDArray[np.float64]:
    return np.array([dict(answer.ranking)[target] for answer in memory.predict(probes, top_k=CLASSES)])


def solved_heads(memory: protomem.Memory) -> Ensemble:
    """The heads that answer now, with whatever they took over from the heads before."""
    predictor = memory._shared.keeping.answering(Question(1, 0, None, None, None))
    assert isinstance(predictor, Predictor)
    return predictor.ensemble


def unequal(mine: dict[str, bytes], theirs: dict[str, bytes]) -> set[str]:
    assert mine.keys() == theirs.keys()
    return {name for name in theirs if mine[name] != theirs[name]}
