"""A contribution carries its sums to the last integer, and one golden file for every lie is refused with its reason."""

from __future__ import annotations

import hashlib
import json
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

import protomem
from protomem import Contribution
from protomem.codes import quantize
from protomem.commitment import Commitment, content
from protomem.federation.acceptance import MergedClient, check_key, check_place, sums_after
from protomem.federation.levels import LEVELS, Level
from protomem.federation.plausibility import check_sums
from protomem.federation.sums import Sums
from protomem.signing import Secrets
from protomem.space import Space, SpaceSettings
from protomem.state import digest_of
from protomem.statistics import Statistics

GOLDEN = Path(__file__).parents[2] / "golden" / "contributions"
LIES = sorted(path.stem for path in GOLDEN.glob("C*.safetensors"))
VALID = sorted(path.stem for path in GOLDEN.glob("valid-*.safetensors"))

GOLDEN_SPACE = Space(SpaceSettings(3, protomem.Vectors(3).fingerprint, width=8))
SPACE = Space(SpaceSettings(5, "an encoder", width=7, books=3, keys=8, modes=4))
SECRETS = Secrets(bytes(32), bytes(range(32)))

levels = st.sampled_from(LEVELS)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(str.strip)
examples = st.lists(st.tuples(st.integers(0, 2**32), st.sets(names, min_size=1, max_size=3)), max_size=12)


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.safetensors").read_bytes()


def taught(rows: Sequence[tuple[int, set[str]]], level: Level) -> Sums:
    """The sums of examples, each drawn from its number."""
    drawn = [np.random.default_rng(seed).normal(size=5) for seed, _ in rows]
    codes = quantize(np.array(drawn).reshape(-1, 5), SPACE.scale) if rows else np.zeros((0, 5), np.int8)
    labels = [tuple(sorted(some)) for _, some in rows]
    commitment = Commitment()
    commitment.add(content(row.tobytes(), some) for row, some in zip(codes, labels, strict=True))
    return Sums.of(Statistics.of(SPACE, codes, labels), commitment, level)


def sent(sums: Sums, since: int = 0, after: Sums | None = None) -> Contribution:
    digest = (after or sums).digest()
    return Contribution.of(sums, client="a", sequence=since + 1, since=since, digest=digest, secrets=SECRETS)


def same(sums: Sums, other: Sums) -> bool:
    """Every number compared by itself, not by a digest."""
    return (
        (sums.level, sums.count, sums.names) == (other.level, other.count, other.names)
        and np.array_equal(sums.counts, other.counts)
        and all(np.array_equal(array, other.arrays[name]) for name, array in sums.arrays.items())
        and np.array_equal(sums.gram, other.gram)
        and np.array_equal(sums.lanes, other.lanes)
    )


# ---------------------------------------------------------------------------------------------------------- round trips


@given(examples, levels)
def test_what_is_sent_is_what_arrives(rows: list[tuple[int, set[str]]], level: Level) -> None:
    sums = taught(rows, level)
    document = sent(sums).to_bytes()
    back = Contribution.from_bytes(document)
    assert back == sent(sums)
    assert back.to_bytes() == document
    assert (back.level, back.count, back.labels) == (level, len(rows), len({one for _, some in rows for one in some}))
    assert same(back.sums(SPACE), sums)
    assert same(sums_after(back, None, SPACE), sums)


@given(examples, examples, levels)
def test_a_difference_brings_a_client_to_where_it_is(
    old: list[tuple[int, set[str]]], new: list[tuple[int, set[str]]], level: Level
) -> None:
    before, after = taught(old, level), taught(new, level)
    back = Contribution.from_bytes(sent(after - before, since=1, after=after).to_bytes())
    assert back.count == len(new) - len(old)
    assert same(sums_after(back, before, SPACE), after)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 2**15, 2**31, 2**52, 2**54])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_every_size_arrive(size: int, sign: int) -> None:
    sums = taught([(1, {"a"}), (2, {"b"})], "full")
    sums.gram[3] = sign * size
    sums.arrays["codes"][1, 2] = -sign * size
    assert same(Contribution.from_bytes(sent(sums).to_bytes()).sums(SPACE), sums)


def test_a_sum_that_no_contribution_can_carry_is_an_error_of_its_own() -> None:
    sums = taught([(1, {"a"})], "prototypes")
    sums.arrays["codes"][0, 0] = 2**55
    with pytest.raises(OverflowError, match="36,028,797,018,963,968 is beyond what a contribution can carry"):
        sent(sums)


# --------------------------------------------------------------------------------------------------- sums, by an oracle


def plain(sums: Sums) -> dict[Any, int]:
    """The sums as Python integers by what they are of, zeros left out."""
    found: dict[Any, int] = {"count": sums.count}
    for row, label in enumerate(sums.names):
        found[label, "count"] = int(sums.counts[row])
        for name, array in sums.arrays.items():
            found |= {(label, name, place): int(value) for place, value in enumerate(array[row].ravel().tolist())}
    found |= {("gram", place): int(value) for place, value in enumerate(sums.gram.tolist())}
    return {key: value for key, value in found.items() if value}


def test_sums_are_added_and_taken_away_as_python_integers_are() -> None:
    @given(st.lists(st.tuples(examples, st.sampled_from([1, -1])), min_size=1, max_size=5), levels)
    def check(parts: list[tuple[list[tuple[int, set[str]]], int]], level: Level) -> None:
        total, oracle, lanes = Sums.zero(SPACE, level), dict[Any, int](), [0] * 1_024
        for rows, sign in parts:
            part = taught(rows, level)
            total = total + part if sign == 1 else total - part
            for key, value in plain(part).items():
                oracle[key] = oracle.get(key, 0) + sign * value
            lanes = [(one + sign * int(other)) % 2**16 for one, other in zip(lanes, part.lanes, strict=False)] or lanes
        assert plain(total) == {key: value for key, value in oracle.items() if value}
        if level == "full":
            assert total.lanes.tolist() == lanes

    check()


@given(examples, examples)
def test_the_digest_at_the_full_level_is_that_of_a_memory_of_the_same_examples(
    one: list[tuple[int, set[str]]], other: list[tuple[int, set[str]]]
) -> None:
    both = taught([*one, *other], "full")
    total = taught(one, "full") + taught(other, "full")
    assert total.digest() == both.digest() == digest_of(both.statistics(), both.commitment())
    assert total.statistics().digest() == both.statistics().digest()


@given(examples, levels)
def test_a_lower_level_has_what_it_would_have_been_taught(rows: list[tuple[int, set[str]]], level: Level) -> None:
    assert same(taught(rows, "full").reduced(level), taught(rows, level))


@given(st.lists(examples, max_size=4), levels)
def test_true_sums_are_never_refused(parts: list[list[tuple[int, set[str]]]], level: Level) -> None:
    total = Sums.zero(SPACE, level)
    for rows in parts:
        total = total + taught(rows, level)
        check_sums(total)


@pytest.mark.parametrize("rows", [1, 2, 40, 3_000])
@pytest.mark.parametrize("labels", [1, 7])
def test_true_sums_of_a_wide_lift_are_never_refused(rows: int, labels: int) -> None:
    """Fewer and more rows than features, of which some are always zero: a Gram matrix of every rank."""
    space = Space(SpaceSettings(16, "an encoder", width=200))
    dice = np.random.default_rng(rows)
    codes = quantize(dice.normal(size=(rows, 16)) + 3 * np.eye(16)[0], space.scale)
    few = [(f"label {number}",) for number in dice.integers(labels, size=rows)]
    commitment = Commitment()
    commitment.add([b"any"])
    check_sums(Sums.of(Statistics.of(space, codes, few), commitment, "full"))
    several = [("all", *some) for some in few]
    check_sums(Sums.of(Statistics.of(space, codes, several), commitment, "full"))


# ----------------------------------------------------------------------------------------------------------- the format


@pytest.mark.parametrize("name", VALID)
def test_the_golden_contributions_are_written_as_the_document_says(name: str) -> None:
    """With nothing but JSON, SHA-256 and Ed25519."""
    document = golden(name)
    length = int.from_bytes(document[:8], "little")
    header = json.loads(json.loads(document[8 : 8 + length])["__metadata__"]["protomem"])
    signature = bytes.fromhex(header.pop("signature"))
    sha = hashlib.sha256()
    for array, packed in sorted(load(document).items()):
        sha.update(f"{array} {packed.size}\n".encode() + packed.tobytes())
    assert header["payload"] == sha.hexdigest()
    assert (header["version"], header["client"]) == (1, "clinic-7")
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(header["public_key"]))
    key.verify(signature, b"protomem contribution\xff" + canonical(header).encode())
    assert Contribution.from_bytes(document).to_bytes() == document


def test_the_golden_contributions_are_accepted() -> None:
    merged = None
    for name in ["valid-full", "valid-2-difference"]:
        contribution = Contribution.from_bytes(golden(name))
        check_place(contribution, None if merged is None else known(golden("valid-full")))
        merged = sums_after(contribution, merged, GOLDEN_SPACE)
    assert merged is not None
    assert merged.count == 7
    for name in set(VALID) - {"valid-2-difference"}:
        sums_after(Contribution.from_bytes(golden(name)), None, GOLDEN_SPACE)


# ------------------------------------------------------------------------------------------------------------ refusals


def known(document: bytes) -> MergedClient:
    """What a coordinator knows of a client after it merged this."""
    one = Contribution.from_bytes(document)
    return MergedClient(one.client, one.public_key, one.sequence, one.level, one.count, one.digest, 1, 1)


def received(document: bytes) -> Sums:
    """As a coordinator that has merged `valid-full`."""
    contribution, client = Contribution.from_bytes(document), known(golden("valid-full"))
    check_key(contribution, client, None)
    check_place(contribution, client)
    return sums_after(contribution, Contribution.from_bytes(golden("valid-full")).sums(GOLDEN_SPACE), GOLDEN_SPACE)


def test_there_are_at_least_25_lies() -> None:
    assert len(LIES) >= 25


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(protomem.ContributionRefused, match=f"^{name[:2]}: "):
        received(golden(name))


REASONS = {
    "C9-a-negative-count": "they are over -9 examples",
    "C9-a-quadrillion-examples": "they are over 1,125,899,906,842,624 examples",
    "C9-codes-beyond-127-each": "a sum of codes is beyond 127 an example",
    "C9-codes-longer-than-unit-vectors": "longer than so many unit vectors",
    "C9-keys-that-do-not-add-up": "the keys of a book do not add up",
    "C9-modes-of-other-codes": "the modes' codes do not add up",
    "C9-a-negative-feature": "a feature is negative",
    "C9-features-beyond-31-each": "beyond 31 an example",
    "C9-a-square-less-than-its-feature": "the Gram matrix is less than its features",
    "C9-a-product-beyond-its-features": "beyond what its features allow",
    "C9-a-product-beyond-its-squares": "larger than those of its diagonal allow",
    "C9-a-square-less-than-its-mean": "less than its means give",
    "C9-a-gram-matrix-of-negative-squares": "a negative square",
    "C9-no-commitment": "there are examples and no commitment to them",
    "C9-a-commitment-to-no-examples": "a commitment to examples and none of them",
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_is_the_one_that_is_meant(name: str) -> None:
    with pytest.raises(protomem.ContributionRefused, match=REASONS[name]):
        received(golden(name))


def test_a_key_that_the_caller_pins_goes_before_the_first_one() -> None:
    contribution, client = Contribution.from_bytes(golden("valid-full")), known(golden("valid-full"))
    rotated = replace(client, public_key="1" * 64)
    check_key(contribution, rotated, {"clinic-7": contribution.public_key})
    with pytest.raises(protomem.ContributionRefused, match="the client 'clinic-7' has 1111111111111111…"):
        check_key(contribution, None, {"clinic-7": "1" * 64})
    with pytest.raises(protomem.ContributionRefused, match="no public key was given for the client 'clinic-7'"):
        check_key(contribution, client, {"clinic-8": contribution.public_key})


@pytest.mark.parametrize("since", [0, 1])
def test_what_was_withdrawn_comes_back_as_a_later_whole_only(since: int) -> None:
    gone = replace(known(golden("valid-full")), receipt=0)
    with pytest.raises(protomem.ContributionOutOfOrder, match="contribution 1 of 'clinic-7' came when"):
        check_place(Contribution.from_bytes(golden("valid-full")), gone)
    sums = taught([], "full")
    later = replace(sent(sums), sequence=2, since=since)
    if since:
        with pytest.raises(protomem.ContributionOutOfOrder, match="and nothing of it is merged here"):
            check_place(later, gone)
    else:
        check_place(later, gone)


# ---------------------------------------------------------------------------------------------------------------- bytes


def test_a_label_weighs_at_most_800_bytes_at_the_least_level() -> None:
    """Sixty labels of one to forty examples in the usual dimension; of real text it is 516 (choose_levels.py)."""
    space = Space(SpaceSettings(384, "an encoder", width=8))
    dice = np.random.default_rng(60)
    of = np.repeat(np.arange(60), dice.integers(1, 41, size=60))
    codes = quantize(dice.normal(size=(len(of), 384)) + dice.normal(size=(60, 384))[of], space.scale)
    statistics = Statistics.of(space, codes, [(f"card_lost_{label}",) for label in of])
    part = sent(Sums.of(statistics, Commitment(), "prototypes"))
    assert len(part.to_bytes()) <= 800 * 60


# ----------------------------------------------------------------------------------------------------------------- fuzz

PEAK = 16 * 2**20
"""Bytes: more than a thousand times a golden contribution; its honest sums take 40 KB."""


def is_read(document: bytes) -> bool:
    """Whether a damaged document is taken for a contribution; whatever it is, it must not take much memory."""
    tracemalloc.start()
    try:
        received(document)
    except protomem.ContributionRefused:
        return False
    else:
        return True
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < PEAK, f"{peak} bytes for a document of {len(document)}"


FUZZED = golden("valid-2-difference")


@given(st.data())
def test_no_damage_gets_through(data: st.DataObject) -> None:
    """Flips, cuts, insertions and repeats of bytes, a few at a time."""
    document = bytearray(FUZZED)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(document) - 1, 0)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "remove", "repeat"])):
            case "flip" if document:
                document[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del document[at:]
            case "insert":
                document[at:at] = data.draw(st.binary(max_size=12))
            case "remove":
                del document[at : at + data.draw(st.integers(1, 40))]
            case "repeat":
                document[at:at] = document[at : at + data.draw(st.integers(1, 40))]
    assert bytes(document) == FUZZED or not is_read(bytes(document))


def test_every_flipped_bit_of_the_header_is_seen() -> None:
    length = 8 + int.from_bytes(FUZZED[:8], "little")
    dice = random.Random(3)
    for at in range(length):
        document = bytearray(FUZZED)
        document[at] ^= 1 << dice.randrange(8)
        assert not is_read(bytes(document)), f"byte {at}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["count", "labels", "name_bytes", "widths", "level", "since", "client"]), JSON))
def test_no_signed_header_takes_more_than_its_bytes_can_hold(changes: dict[str, Any]) -> None:
    """A client may sign any header: with its own key, and a digest that fits nothing."""
    one = Contribution.from_bytes(FUZZED)
    header = json.loads(one.signed_bytes()) | changes
    assert not is_read(signed(header, one)) or header == json.loads(one.signed_bytes())


@given(st.integers(0, 2**60), st.integers(0, 2**60), st.integers(1, 7))
def test_huge_claims_are_refused_before_anything_is_made(labels: int, name_bytes: int, width: int) -> None:
    one = Contribution.from_bytes(FUZZED)
    header = json.loads(one.signed_bytes())
    header |= {"labels": labels, "name_bytes": name_bytes, "widths": dict.fromkeys(header["widths"], width)}
    assert not is_read(signed(header, one))


def signed(header: dict[str, Any], one: Contribution) -> bytes:
    """The arrays of a contribution under this header, signed by the golden client."""
    signature = Secrets(bytes(range(32)), bytes(32)).sign_contribution(canonical(header).encode())
    arrays = {name: np.frombuffer(packed, dtype=np.uint8) for name, packed in one.body.items()}
    return save(arrays, {"protomem": canonical(header | {"signature": signature})})


def canonical(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
