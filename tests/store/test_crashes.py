"""Killed before any line of the store, a memory opens again as before the change or as after it, never otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.operations import SWEEP
from tests.store.crashing import NAME
from tests.store.samples import id_hash, ids, receipt

from protomem.store import Write
from protomem_store import DuckDbStore

if not hasattr(os, "fork"):
    pytest.skip("needs a system that can fork", allow_module_level=True)

ROOT = Path(__file__).parents[2]

LINES = 1 if SWEEP else 2
"""From one kill to the next: all of them take two minutes."""

State = tuple[list[str], list[int], set[str]]
BEFORE: State = (["id-1", "id-2", "id-4"], [1, 2, 3], {id_hash(3)})
AFTER: dict[str, State] = {
    "learn": (["id-1", "id-2", "id-4", "id-5"], [1, 2, 3, 4], {id_hash(3)}),
    "forget": (["id-2", "id-4"], [1, 2, 3, 4], {id_hash(1), id_hash(3)}),
    "purge": (BEFORE[0], [1, 2, 3, 4], {id_hash(3)}),
    "snapshot": BEFORE,
    "close": BEFORE,
    "open": BEFORE,
}
SNAPSHOTS: dict[str, set[bytes | None]] = {
    "learn": {b"picture"},
    "forget": {b"picture", None},
    "purge": {b"picture", None},
    "snapshot": {b"picture", b"other"},
    "close": {b"picture"},
    "open": {b"picture"},
}


def killed(folder: Path, action: str) -> list[Path]:
    """The folders that kills left, in the order of the lines, and last one that was not killed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "tests.store.crashing", str(folder), action, str(LINES)]
    subprocess.run(command, check=True, env=environment, timeout=300)
    return sorted(each for each in folder.iterdir() if each.name != "prepared")


def state(store: DuckDbStore) -> State:
    hashes = [id_hash(number) for number in range(6)]
    return ids(store), [each.sequence for each in store.receipts()], store.tombstones(hashes)


@pytest.mark.parametrize("action", AFTER)
def test_killed_before_any_line_it_is_as_before_or_as_after(tmp_path: Path, action: str) -> None:
    left = killed(tmp_path / "killed", action)
    assert len(left) > 5
    seen = []
    for folder in left:
        acknowledged = (folder / "acknowledged").exists()
        (folder / "acknowledged").unlink(missing_ok=True)
        store = DuckDbStore(folder / NAME, must_exist=True)
        found, picture = state(store), store.snapshot()
        assert found in (BEFORE, AFTER[action])
        assert picture in SNAPSHOTS[action]
        if acknowledged or (action == "forget" and found == AFTER[action]):
            assert found == AFTER[action]
            assert picture is None or action not in {"forget", "purge"}
        assert not {".purge", ".snapshot.new"} & {file.name.removeprefix(NAME) for file in folder.iterdir()}
        assert store.receipts()[-1] in (receipt(3), receipt(4, "forget"), receipt(4, "purge"), receipt(4))
        store.write(Write(receipt(5)))
        store.close()
        assert {file.name for file in folder.iterdir()} - {f"{NAME}.snapshot"} == {NAME}
        seen.append(found)
    assert seen == sorted(seen, key=lambda each: each == AFTER[action])  # once it is there, it stays
    assert seen[-1] == AFTER[action]
