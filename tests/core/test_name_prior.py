"""A label's name speaks for it while few examples do, less with every one, and not at all from five on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import protomem
from protomem.codes import code_scale, quantize
from protomem.items import Items
from protomem.label_names import as_text
from protomem.name_prior import NAME_WEIGHT, name_scores
from protomem.space import Space, SpaceSettings


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("card_arrival", "card arrival"),
        ("card/lost-or_stolen", "card lost or stolen"),
        ("Refund", "Refund"),
        ("  a__b ", "a b"),
        ("où_est-ce", "où est ce"),
        ("_/-", "_/-"),
    ],
)
def test_a_label_is_read_as_words(label: str, text: str) -> None:
    assert as_text(label) == text


def test_a_name_counts_by_how_much_nearer_it_is_than_the_others() -> None:
    """In plain Python, label by label."""
    dice = np.random.default_rng(0)
    space = Space(SpaceSettings(12, "an encoder", width=8, books=2, keys=4, modes=2))
    codes, names = quantize(dice.normal(size=(9, 12)), 100), quantize(dice.normal(size=(6, 12)), 100)
    counts = [1, 2, 4, 5, 6, 1_000]
    items = Items(space, codes)
    found = name_scores(items.codes, items.lengths, names, np.array(counts))
    for item, row in zip(codes.tolist(), found.tolist(), strict=True):
        cosines = [
            sum(a * b for a, b in zip(item, name, strict=True)) / math.hypot(*item) / math.hypot(*name)
            for name in names.tolist()
        ]
        mean = sum(cosines) / 6
        for score, cosine, missing in zip(row, cosines, (4, 3, 1, 0, 0, 0), strict=True):
            assert math.isclose(score, NAME_WEIGHT * missing * (cosine - mean), rel_tol=1e-9, abs_tol=1e-12)


TEXTS = ["where is my card", "money back please", "card is stolen", "change my address"]
LABELS = ["card_arrival", "refund", "card/stolen", "new_address"]
ASKED = ["my card was stolen", "refund me", "the card arrival date", "another address"]


def taught(encoder: Any, rows: Sequence[int], times: int = 1) -> protomem.Memory:
    memory = protomem.open(None, encoder=encoder, width=32)
    for number in range(times):
        memory.learn([f"{TEXTS[row]} {number}" for row in rows], [LABELS[row] for row in rows])
    return memory


def test_a_name_helps_a_label_with_one_example_and_says_so(letters: Any) -> None:
    memory = taught(letters(), range(4))
    (plain,), (helped,) = (
        memory.predict(["new address"]),
        memory.predict(["new address"], name_prior=True, explain=True),
    )
    assert "names" not in plain.heads
    assert helped.heads == (*plain.heads, "names")
    assert helped.label == "new_address"
    assert dict(helped.ranking)["new_address"] > dict(plain.ranking)["new_address"]
    assert helped.explanation is not None
    parts = dict(helped.explanation.parts)
    assert parts["names"] > 0
    (first, p), (second, q) = helped.ranking[:2]
    assert (first, second) == (helped.explanation.label, helped.explanation.against)
    assert math.isclose(math.fsum(parts.values()), math.log(p / q), rel_tol=1e-9)


@pytest.mark.parametrize("retain", ["codes", "nothing"])
def test_from_five_examples_on_names_change_nothing(letters: Any, retain: Any) -> None:
    for times, same in ((4, False), (5, True)):
        with protomem.open(None, encoder=letters(), width=32, retain=retain) as memory:
            for number in range(times):
                memory.learn([f"{text} {number}" for text in TEXTS], LABELS)
            plain, helped = memory.predict(ASKED), memory.predict(ASKED, name_prior=True)
            assert ([one.ranking for one in plain] == [one.ranking for one in helped]) == same


class Counting:
    """An encoder that notes what it was asked to encode."""

    def __init__(self, encoder: Any) -> None:
        self.inner = encoder
        self.asked: list[list[str]] = []

    def encode(self, items: Any, progress: Any = None) -> Any:
        self.asked.append(list(items))
        return self.inner.encode(items, progress)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("wobble", [0.0, 1e-9])
def test_names_are_encoded_once_and_those_of_forgotten_labels_are_gone(letters: Any, wobble: float) -> None:
    """Together, or each alone where an embedding depends on the batch; then a fresh memory's answers are the same."""
    encoder = Counting(letters("counting", wobble))
    memory = taught(encoder, range(4))
    encoder.asked.clear()
    memory.predict(ASKED, name_prior=True)
    words = ["card stolen", "card arrival", "new address", "refund"]  # in the order of the labels
    assert encoder.asked == [*([[word] for word in words] if wobble else [words]), ASKED]
    encoder.asked.clear()
    memory.predict(ASKED, name_prior=True)
    assert encoder.asked == [ASKED]
    memory.forget(label="refund")
    assert set(memory._label_names._kept) == set(LABELS) - {"refund"}
    helped = memory.predict(ASKED, name_prior=True, explain=True, evidence=0)
    fresh = taught(letters("counting", wobble), [0, 2, 3])
    assert helped == fresh.predict(ASKED, name_prior=True, explain=True, evidence=0)


def test_codes_of_names_are_those_of_their_words(letters: Any) -> None:
    memory = taught(letters(), range(2))
    memory.predict(ASKED, name_prior=True)
    kept = memory._label_names._kept
    for label, words in (("card_arrival", "card arrival"), ("refund", "refund")):
        expected = quantize(letters().encode([words]), code_scale(24))[0]
        assert np.array_equal(kept[label], expected)
