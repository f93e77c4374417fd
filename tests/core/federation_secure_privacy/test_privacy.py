"""What noise is put on which sums, how wide it is, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("opendp", reason="differential privacy needs protomem[private]")

from hypothesis import given
from hypothesis import strategies as st

from protomem.codes import code_scale, quantize
from protomem.commitment import Commitment
from protomem.errors import InvalidInput, InvalidLabel
from protomem.federation.levels import Level
from protomem.federation.noise import epsilon_of
from protomem.federation.plausibility import check_sums
from protomem.federation.privacy import (
    NoiseScales,
    Protection,
    longest_codes,
    noise_scales,
    plausible,
    private_sums,
)
from protomem.federation.sums import Sums
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

SPACE = Space(SpaceSettings(6, "an encoder", width=5, books=2, keys=3, modes=2))
LABELS = ("a", "b", "c", "d")
ONE = Protection(1.0)


def drawn(count: int, labels: tuple[str, ...] = ("a", "b", "c"), level: Level = "prototypes") -> Sums:
    dice = np.random.default_rng(0)
    codes = quantize(dice.normal(size=(count, 6)), SPACE.scale)
    statistics = Statistics.of(SPACE, codes, [(str(dice.choice(labels)),) for _ in range(count)])
    return Sums.of(statistics, Commitment(), level)


def made(counts: dict[str, int], codes: list[list[int]]) -> Sums:
    """Sums with these numbers, whatever they mean."""
    arrays = {"codes": np.array(codes, dtype=np.int64).reshape(-1, 6)}
    numbers = np.array(list(counts.values()), dtype=np.int64)
    zero = Sums.zero(SPACE, "prototypes")
    return replace(zero, count=int(numbers.sum()), names=tuple(counts), counts=numbers, arrays=arrays)


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


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 100.0])
@pytest.mark.parametrize("delta", [1e-300, 1e-12, 0.999])
@pytest.mark.parametrize(("dimension", "clients"), [(384, 1), (1, 10**9)])
def test_a_promise_however_small_is_kept(epsilon: float, delta: float, dimension: int, clients: int) -> None:
    scales = noise_scales(dimension, Protection(epsilon, delta, clients=clients))
    one = (1 / scales.counts**2 + longest_codes(dimension) ** 2 / scales.codes**2) / clients
    assert epsilon_of(math.sqrt(one), delta) <= epsilon


def test_a_promise_that_takes_endless_noise_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"noise of a scale of 1e\+12, which leaves nothing of any sum: allow a"):
        noise_scales(384, Protection(1e-9, 1e-12))
    with pytest.raises(InvalidInput, match="leaves nothing of any sum"):
        noise_scales(1, Protection(1e-300, 1e-300, clients=10**9))


def test_noise_made_together_is_wide_enough_to_add_up_to_a_gaussian() -> None:
    """τ of the paper at the least scale, for 1,000 clients and 2²⁰ integers, moves no digit of a distance."""
    scales = noise_scales(384, Protection(10.0, clients=20))
    assert min(scales.counts, scales.codes) >= 4.0
    tau = 10 * sum(math.exp(-2 * math.pi**2 * 4.0**2 * k / (k + 1)) for k in range(1, 1_000))
    assert tau * 2**10 < 1e-60


# ------------------------------------------------------------------------------------------------- what is given away


def test_every_agreed_label_gets_noise_of_its_own_and_nothing_else_is_there() -> None:
    got = private_sums(drawn(30), LABELS, ONE)
    assert (got.level, got.names, set(got.arrays)) == ("prototypes", LABELS, {"codes"})
    assert got.count == got.counts.sum()
    assert len(np.unique(got.arrays["codes"])) > 12  # of 24 numbers as wide as ±300, drawn by the system


def test_without_noise_it_is_the_counts_and_code_sums() -> None:
    asked: list[float] = []

    def noise(values: np.ndarray, scale: float) -> np.ndarray:
        asked.append(scale)
        return no_noise(values, scale)

    assert private_sums(drawn(30), LABELS, ONE, noise=noise).digest() == drawn(30).digest()
    assert NoiseScales(*asked) == noise_scales(6, ONE)


def test_noise_is_new_every_time() -> None:
    assert private_sums(drawn(30), LABELS, ONE).digest() != private_sums(drawn(30), LABELS, ONE).digest()


def test_plausible_sums_worked_out_by_hand() -> None:
    """Counts of −2 and 0 are left out. At a count of 1 a component of ±300 becomes ±127, which the bound on the length,
    62 + √6 / 2 = 63.22 for d = 6, shortens to 127 · 63.22 / (127 · √2) = 44.7; (3, 4) an example stays.
    """
    codes = [[5, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0], [300, -300, 0, 0, 0, 0], [9, 12, 0, 0, 0, 0]]
    got = plausible(made({"a": -2, "b": 0, "c": 1, "d": 3}, codes))
    assert (got.count, got.names) == (4, ("c", "d"))
    assert got.arrays["codes"].tolist() == [[44, -44, 0, 0, 0, 0], [9, 12, 0, 0, 0, 0]]


@given(
    st.lists(st.tuples(st.integers(-3, 40), st.lists(st.integers(-9_999, 9_999), min_size=6, max_size=6)), max_size=4)
)
def test_plausible_sums_are_taken_by_a_coordinator(rows: list[tuple[int, list[int]]]) -> None:
    noisy = made({label: count for label, (count, _) in zip(LABELS, rows, strict=False)}, [codes for _, codes in rows])
    check_sums(plausible(noisy))


def test_plausible_changes_nothing_of_true_sums() -> None:
    assert plausible(drawn(50)).digest() == drawn(50).digest()


# ---------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("level", ["codebooks", "full"])
def test_levels_of_which_noise_leaves_nothing_are_refused(level: Level) -> None:
    with pytest.raises(InvalidInput, match=f"leaves nothing of the level '{level}': share the level 'prototypes'"):
        private_sums(drawn(3, level=level), LABELS, ONE)


def test_labels_are_agreed_on_and_not_taken_from_the_examples() -> None:
    with pytest.raises(InvalidLabel, match="not among the agreed labels: 'b', 2 in all"):
        private_sums(drawn(30), ["a"], ONE)
    for labels in ([], ["a", "a"], ["b", "a"]):
        with pytest.raises(InvalidLabel, match="an agreed list of labels is needed, sorted and distinct"):
            private_sums(drawn(3), labels, ONE)


def test_more_labels_an_example_than_promised_are_refused() -> None:
    codes = quantize(np.eye(6), SPACE.scale)
    given = Sums.of(Statistics.of(SPACE, codes, [("a", "b")] * 6), Commitment(), "prototypes")
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
        ({"most_labels": 0}, "most_labels must be at least 1, a whole number up to 1,000,000,000, not 0"),
        ({"most_examples": 0}, "most_examples must be at least 1, .* not 0"),
        ({"clients": 0}, "clients must be at least 1, .* not 0"),
        ({"clients": math.inf}, "clients must be at least 1, .* not inf"),
        ({"clients": 10**9 + 1}, "clients must be at least 1, .* not 1000000001"),
        ({"most_labels": math.nan}, "most_labels must be at least 1, .* not nan"),
        ({"most_examples": True}, "most_examples must be at least 1, .* not True"),
    ],
)
def test_a_promise_has_numbers_in_range(fields: dict[str, float], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        Protection(**({"epsilon": 1.0} | fields))
