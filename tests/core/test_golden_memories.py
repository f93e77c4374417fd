"""Memories of format version 2 as they lay on a disk: the whole ones open as they were, the broken are found out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import protomem

GOLDEN = Path(__file__).parents[1] / "golden" / "memories"

VECTORS = [[1.0, 0.1, 0.0, 0.0], [1.0, 0.0, 0.1, 0.0], [0.1, 0.0, 1.0, 0.1]]
LABELS = ["delivery", ["courier", "delivery"], "refund"]

DAMAGED, FOREIGN = protomem.MemoryDamaged, protomem.NotAMemory

BROKEN: dict[str, tuple[type[Exception], str]] = {
    "broken-log-gone": (
        DAMAGED,
        "write 4 was acknowledged, and the last one there is 0: the log .* was lost",
    ),
    "broken-log-cut": (
        DAMAGED,
        "write 4 was acknowledged, and the last one there is 1: the log .* was lost",
    ),
    "broken-mark-gone": (DAMAGED, "it was not closed, and its mark .* is missing or damaged"),
    "broken-older-than-its-mark": (DAMAGED, "write 4 was acknowledged, .* 3: .* or the file is an older copy"),
    "broken-bit-flipped": (DAMAGED, "the file is damaged; restore it from a copy"),
    "broken-file-cut": (DAMAGED, "the file is damaged; restore it from a copy"),
    "broken-label-changed": (DAMAGED, "the 3 kept examples are not those of the last receipt, number 4"),
    "broken-row-gone": (DAMAGED, "the 2 kept examples are not those of the last receipt, number 4"),
    "broken-receipts-gone": (DAMAGED, "the 3 kept examples are not those of the last receipt, number 0"),
    "broken-keys-gone": (DAMAGED, "the memory's keys cannot be read: restore the file from a copy"),
    "broken-table-gone": (DAMAGED, "the table tombstones is not as protomem wrote it"),
    "broken-future-version": (FOREIGN, "format version 99, and this release reads version 2 and older: install"),
    "broken-sums-gone": (DAMAGED, "the sums of receipt number 4 are missing or damaged"),
}


def unpacked(name: str, folder: Path) -> Path:
    with zipfile.ZipFile(GOLDEN / f"{name}.zip") as kept:
        kept.extractall(folder)
    return folder / "memory.duckdb"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["valid-codes", "valid-killed", "valid-nothing"])
def test_a_memory_of_version_2_opens_as_it_was(name: str, tmp_path: Path) -> None:
    with protomem.open(unpacked(name, tmp_path)) as memory:
        with protomem.open(None, encoder=protomem.Vectors(4), width=16) as fresh:
            fresh.learn(VECTORS, LABELS)
            assert memory.digest() == fresh.digest()
        assert memory.verify().ok
        assert [receipt.kind for receipt in memory.receipts()] == ["learn", "learn", "forget", "learn"]
        with pytest.raises(protomem.Forgotten, match="forgotten before: 'id-3'"):
            memory.learn(VECTORS[:1], ["refund"], ids=["id-3"])
        assert memory.predict(VECTORS)[2].label == "refund"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_memory_is_refused_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    error, said = BROKEN[name]
    path = unpacked(name, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(error, match=said):
        protomem.open(path)
    assert contents(tmp_path) == before


def test_every_golden_memory_is_tested() -> None:
    names = {path.stem for path in GOLDEN.glob("*.zip")}
    assert names == {*BROKEN, "valid-codes", "valid-killed", "valid-nothing"}
