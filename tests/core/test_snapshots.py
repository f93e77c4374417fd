"""A snapshot gives back the sums to the last integer, or is refused; it never changes what a memory is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protomem
from protomem.codes import quantize
from protomem.commitment import Commitment, content
from protomem.loading import SNAPSHOT_FROM
from protomem.signing import Secrets
from protomem.snapshots import Snapshot
from protomem.space import Space, SpaceSettings
from protomem.statistics import Statistics

SPACE = Space(SpaceSettings(6, "an encoder", width=9, books=3, keys=8, modes=4))
OTHER_SPACE = Space(SpaceSettings(6, "another encoder", width=9, books=3, keys=8, modes=4))
SECRETS = Secrets(bytes(32), bytes(range(32)))


def drawn(seed: int, count: int, names: Sequence[str] = ("a", "b", "ü|\n")) -> Snapshot:
    dice = np.random.default_rng(seed)
    codes = quantize(dice.normal(size=(count, 6)), SPACE.scale)
    labels = [(names[number],) for number in dice.integers(len(names), size=count)]
    commitment = Commitment()
    commitment.add(content(row.tobytes(), some) for row, some in zip(codes, labels, strict=True))
    return Snapshot(seed, commitment, Statistics.of(SPACE, codes, labels))


@given(st.integers(0, 2**40), st.sampled_from([0, 1, 2, 50, 3_000]))
def test_a_snapshot_comes_back_as_it_was(seed: int, count: int) -> None:
    """Sums of one row fit a byte each, those of thousands do not."""
    snapshot = drawn(seed, count)
    back = Snapshot.from_bytes(snapshot.to_bytes(SECRETS), SPACE, SECRETS)
    assert back is not None
    assert back.sequence == seed
    assert back.statistics.digest() == snapshot.statistics.digest()
    assert back.commitment.hex() == snapshot.commitment.hex()


@pytest.mark.parametrize("size", [1, 2**7, 2**15, 2**31, 2**60])
def test_sums_of_every_size_come_back(size: int) -> None:
    snapshot = drawn(1, 20)
    snapshot.statistics.gram[3, 2] = size
    snapshot.statistics.labels["a"].codes[0] = -size
    back = Snapshot.from_bytes(snapshot.to_bytes(SECRETS), SPACE, SECRETS)
    assert back is not None
    assert back.statistics.gram[3, 2] == size
    assert back.statistics.labels["a"].codes[0] == -size
    assert back.statistics.digest() == snapshot.statistics.digest()


def test_sums_go_on_from_a_snapshot_as_if_it_had_never_been_away() -> None:
    snapshot, more = drawn(2, 200), drawn(3, 100).statistics
    back = Snapshot.from_bytes(snapshot.to_bytes(SECRETS), SPACE, SECRETS)
    assert back is not None
    assert (back.statistics + more - snapshot.statistics).digest() == more.digest()


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    picture = bytearray(drawn(4, 30).to_bytes(SECRETS))
    place, bit = data.draw(st.integers(0, len(picture) - 1)), data.draw(st.integers(0, 7))
    picture[place] ^= 1 << bit
    assert Snapshot.from_bytes(bytes(picture), SPACE, SECRETS) is None


@given(st.binary(max_size=2_000))
def test_any_other_bytes_are_refused(picture: bytes) -> None:
    assert Snapshot.from_bytes(picture, SPACE, SECRETS) is None


def test_a_snapshot_cut_short_anywhere_is_refused() -> None:
    picture = drawn(4, 30).to_bytes(SECRETS)
    for end in random.Random(0).sample(range(len(picture)), 100):
        assert Snapshot.from_bytes(picture[:end], SPACE, SECRETS) is None


def test_a_snapshot_of_another_memory_or_another_space_is_refused() -> None:
    picture = drawn(5, 30).to_bytes(SECRETS)
    assert Snapshot.from_bytes(picture, SPACE, Secrets(bytes(32), bytes(32))) is None
    assert Snapshot.from_bytes(picture, OTHER_SPACE, SECRETS) is None


# ------------------------------------------------------------------------------------------- through a memory's file

DICE = np.random.default_rng(6)
ROWS = DICE.normal(size=(SNAPSHOT_FROM + 200, 4))
LABELS = [f"class {number % 7}" for number in range(len(ROWS))]
IDS = [f"id {number}" for number in range(len(ROWS))]


def opened(path: Path) -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(4), width=32)


def taught(path: Path, count: int = SNAPSHOT_FROM) -> str:
    """A memory closed cleanly with this many examples: its digest."""
    with opened(path) as memory:
        memory.learn(ROWS[:count], LABELS[:count], ids=IDS[:count])
        return memory.digest()


def file(path: Path) -> Path:
    return path.with_name(path.name + ".snapshot")


def test_a_memory_closed_cleanly_opens_without_learning_anew(tmp_path: Path) -> None:
    digest = taught(tmp_path / "m.duckdb")
    with opened(tmp_path / "m.duckdb") as memory:
        assert memory.opening == protomem.Opening(SNAPSHOT_FROM, 0, "")
        assert memory.digest() == digest
        assert memory.verify().ok


def test_a_small_memory_keeps_no_sums_and_needs_no_word_about_it(tmp_path: Path) -> None:
    digest = taught(tmp_path / "m.duckdb", 50)
    assert file(tmp_path / "m.duckdb").read_bytes() == b""
    with opened(tmp_path / "m.duckdb") as memory:
        assert memory.opening == protomem.Opening(50, 50, "")
        assert memory.digest() == digest


def test_what_came_after_a_snapshot_is_learned_anew_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    taught(path)
    kept = file(path).read_bytes()
    with opened(path) as memory:
        memory.learn(ROWS[SNAPSHOT_FROM:], LABELS[SNAPSHOT_FROM:], ids=IDS[SNAPSHOT_FROM:])
        digest = memory.digest()
    file(path).write_bytes(kept)  # as if the process had been killed in place of closing
    with opened(path) as memory:
        assert memory.opening == protomem.Opening(len(ROWS), 200, "")
        assert memory.digest() == digest
        assert memory.verify().ok


def test_forgetting_drops_the_snapshot_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    taught(path, len(ROWS))
    with opened(path) as memory:
        assert file(path).exists()
        memory.forget(ids=IDS[:1])
        assert not file(path).exists()
        digest = memory.digest()
    with opened(path) as memory:
        assert memory.opening == protomem.Opening(len(ROWS) - 1, 0, "")
        assert memory.digest() == digest


def test_a_snapshot_from_before_a_forget_is_found_out(tmp_path: Path) -> None:
    """Put back by hand, it would bring the forgotten back into the sums."""
    path = tmp_path / "m.duckdb"
    taught(path, len(ROWS))
    stale = file(path).read_bytes()
    with opened(path) as memory:
        memory.forget(ids=IDS[:1])
        memory.learn(ROWS[:1], LABELS[:1], ids=["another id"])
        memory.forget(label="class 3")
        digest = memory.digest()
    file(path).write_bytes(stale)
    with opened(path) as memory:
        assert "the snapshot was not of these examples: " in memory.opening.note
        assert memory.opening.summed == len(memory)
        assert memory.digest() == digest
        assert memory.verify().ok


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "another memory's"])
def test_a_damaged_snapshot_is_rebuilt_and_said_so(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.duckdb"
    digest = taught(path)
    picture = file(path).read_bytes()
    taught(tmp_path / "other.duckdb")
    damaged = {
        "empty": b"",
        "cut": picture[:-1],
        "flipped": picture[:5_000] + bytes([picture[5_000] ^ 4]) + picture[5_001:],
        "another memory's": file(tmp_path / "other.duckdb").read_bytes(),
    }
    file(path).write_bytes(damaged[damage])
    with opened(path) as memory:
        said = f"the snapshot was damaged or not this memory's: {SNAPSHOT_FROM} examples were summed anew"
        assert memory.opening == protomem.Opening(SNAPSHOT_FROM, SNAPSHOT_FROM, said)
        assert memory.digest() == digest
    with opened(path) as memory:
        assert memory.opening == protomem.Opening(SNAPSHOT_FROM, 0, "")


def test_a_missing_snapshot_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    digest = taught(path)
    file(path).unlink()
    with opened(path) as memory:
        assert memory.opening.note == f"there was no snapshot: {SNAPSHOT_FROM} examples were summed anew"
        assert memory.digest() == digest


@pytest.mark.parametrize("count", [1, SNAPSHOT_FROM])
@pytest.mark.parametrize("left", [0, 100, 12_000])
def test_a_closed_memory_that_was_cut_to_nothing_does_not_open_as_a_new_one(
    tmp_path: Path, count: int, left: int
) -> None:
    path = tmp_path / "m.duckdb"
    taught(path, count)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(protomem.MemoryDamaged, match=r"what belongs to it is here \(m.duckdb.snapshot\)"):
        opened(path)
