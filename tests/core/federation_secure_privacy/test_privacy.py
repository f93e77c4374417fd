"""What noise is put on which sums, how wide it is, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("opendp", reason="differential privacy needs protomem[private]")

from hypothesis import given
from hypothesis import strategies as st

from protomem.codes import CODE_MAX, code_scale, quantize
from protomem.errors import InvalidInput, InvalidLabel
from protomem.federation.noise import epsilon_of
from protomem.federation.privacy import (
    NoiseScales,
    Protection,
    longest_codes,
    noise_scales,
    plausible,
    private_sums,
)
from protomem.space import Space, SpaceSettings
from protomem.statistics import LabelSums, Statistics

SPACE = Space(SpaceSettings(6, "an encoder", width=5, books=2, keys=3, modes=2))
LABELS = ("a", "b", "c", "d")
ONE = Protection(1.0)


def drawn(count: int, labels: tuple[str, ...] = ("a", "b", "c"), seed: int = 0) -> Statistics:
    dice = np.random.default_rng(seed)
    codes = quantize(dice.normal(size=(count, 6)), SPACE.scale)
    return Statistics.of(SPACE, codes, [(str(dice.choice(labels)),) for _ in range(count)])


def no_noise(values: np.ndarray, scale: float) -> np.ndarray:
    return values.copy()


# ------------------------------------------------------------------------------------- how far one example moves them


@given(st.integers(1, 500), st.integers(0, 2**32), st.sampled_from(["normal", "one", "halves", "equal"]))
def test_no_codes_are_longer_than_the_bound(dimension: int, seed: int, kind: str) -> None:
    """Random directions, one component alone, components just above a half, all components equal."""
    dice = np.random.default_rng(seed)
    vector = {
        "normal": dice.normal(size=dimension),
        "one": np.eye(dimension)[0],
        "halves": np.append(np.full(dimension, 0.5000001), code_scale(dimension)),
        "equal": np.ones(dimension),
    }[kind]
    codes = quantize(vector[None], code_scale(len(vector))).astype(np.int64)
    assert (codes**2).sum() <= longest_codes(len(vector)) ** 2 * (1 + 1e-12)


def test_the_bound_of_the_common_dimension_worked_out_by_hand() -> None:
    """d = 384: s = round(127·19.596/5) = 498, √384 / 2 = 9.798."""
    assert longest_codes(384) == pytest.approx(498 + 9.798, abs=0.01)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(("labels", "examples", "clients"), [(1, 1, 1), (3, 1, 1), (1, 5, 1), (2, 2, 20)])
def test_the_noise_of_all_keeps_the_promise_with_little_to_spare(
    epsilon: float, labels: int, examples: int, clients: int
) -> None:
    """By the distance in the module's text, with the variance of so many clients together."""
    scales = noise_scales(384, Protection(epsilon, 1e-6, labels, examples, clients))
    one = labels * (1 / scales.counts**2 + longest_codes(384) ** 2 / scales.codes**2) / clients
    kept = epsilon_of(examples * math.sqrt(one), 1e-6)
    assert kept <= epsilon
    assert kept > 0.9 * epsilon


def test_noise_made_together_is_wide_enough_to_add_up_to_a_gaussian() -> None:
    """τ of the paper at the least scale, for 1,000 clients and 2²⁰ integers, moves no digit of a distance."""
    scales = noise_scales(384, Protection(10.0, clients=20))
    assert min(scales.counts, scales.codes) >= 4.0
    tau = 10 * sum(math.exp(-2 * math.pi**2 * 4.0**2 * k / (k + 1)) for k in range(1, 1_000))
    assert tau * 2**10 < 1e-60


# ------------------------------------------------------------------------------------------------- what is given away


def test_every_agreed_label_gets_noise_of_its_own_and_nothing_else_is_there() -> None:
    got = private_sums(drawn(30), LABELS, ONE)
    assert sorted(got.labels) == list(LABELS)
    assert got.count == sum(sums.count for sums in got.labels.values())
    assert not got.gram.any()
    for sums in got.labels.values():
        assert sums.codes.all()
        assert not any(array.any() for array in (sums.features, sums.keys, sums.mode_counts, sums.mode_codes))


def test_without_noise_it_is_the_counts_and_code_sums() -> None:
    asked: list[float] = []

    def noise(values: np.ndarray, scale: float) -> np.ndarray:
        asked.append(scale)
        return no_noise(values, scale)

    given = drawn(30)
    got = private_sums(given, LABELS, ONE, noise=noise)
    assert sorted(got.labels) == ["a", "b", "c"]
    for label, sums in got.labels.items():
        assert sums.count == given.labels[label].count
        assert sums.codes.tolist() == given.labels[label].codes.tolist()
    assert got.count == 30
    assert NoiseScales(*asked) == noise_scales(6, ONE)


def test_noise_is_new_every_time() -> None:
    assert private_sums(drawn(30), LABELS, ONE) != private_sums(drawn(30), LABELS, ONE)


def test_plausible_sums_are_as_of_examples() -> None:
    """By hand: a count of −2 and of 0 is left out; at a count of 1 a code sum of ±300 becomes ±127."""
    noisy = Statistics(SPACE)
    for label, count, first in [("a", -2, 5), ("b", 0, 5), ("c", 1, 300), ("d", 3, -300)]:
        sums = LabelSums.zero(SPACE)
        sums.count, sums.codes = count, np.array([first, -first, 0, 0, 0, 1])
        noisy.labels[label] = sums
    got = plausible(noisy)
    assert (got.count, sorted(got.labels)) == (4, ["c", "d"])
    assert got.labels["c"].codes.tolist() == [127, -127, 0, 0, 0, 1]
    assert got.labels["d"].codes.tolist() == [-300, 300, 0, 0, 0, 1]


def test_plausible_changes_nothing_of_true_sums_and_has_none_of_nothing() -> None:
    given = private_sums(drawn(50), LABELS, ONE, noise=no_noise)
    assert plausible(given) == given
    assert plausible(Statistics(SPACE)) == Statistics(SPACE)
    worst = max(np.abs(sums.codes).max() / sums.count for sums in given.labels.values())
    assert worst <= CODE_MAX


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("level", ["codebooks", "full"])
def test_levels_of_which_noise_leaves_nothing_are_refused(level: str) -> None:
    with pytest.raises(InvalidInput, match=f"leaves nothing of the level '{level}': share the level 'prototypes'"):
        private_sums(drawn(3), LABELS, ONE, level=level)


def test_labels_are_agreed_on_and_not_taken_from_the_examples() -> None:
    with pytest.raises(InvalidLabel, match="not among the agreed labels: 'b', 2 in all"):
        private_sums(drawn(30), ["a"], ONE)
    for labels in ([], ["a", "a"]):
        with pytest.raises(InvalidLabel, match="an agreed list of distinct labels is needed"):
            private_sums(drawn(3), labels, ONE)


def test_more_labels_an_example_than_promised_are_refused() -> None:
    codes = quantize(np.eye(6), SPACE.scale)
    given = Statistics.of(SPACE, codes, [("a", "b")] * 6)
    with pytest.raises(InvalidInput, match="more than 1 labels: 6 examples have 12; raise most_labels"):
        private_sums(given, LABELS, ONE)
    assert private_sums(given, LABELS, Protection(1.0, most_labels=2), noise=no_noise).count == 12


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"epsilon": 0.0}, "epsilon must be above 0"),
        ({"epsilon": math.inf}, "epsilon must be above 0 and at most 100"),
        ({"epsilon": math.nan}, "epsilon must be above 0"),
        ({"delta": 0.0}, "delta must be between 0 and 1"),
        ({"delta": 1.0}, "delta must be between 0 and 1"),
        ({"most_labels": 0}, "most_labels must be at least 1, not 0"),
        ({"most_examples": 0}, "most_examples must be at least 1, not 0"),
        ({"clients": 0}, "clients must be at least 1, not 0"),
    ],
)
def test_a_promise_has_numbers_in_range(fields: dict[str, float], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        Protection(**({"epsilon": 1.0} | fields))
