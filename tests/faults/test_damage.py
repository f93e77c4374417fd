"""Flipped bits, files cut short and files removed: a named error, or everything right. Never a wrong answer."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.expected import ASKED, differences
from tests.faults.operations import SWEEP, Model, Operation, learn
from tests.faults.workers import Worker

FLIPS = 500 if SWEEP else 32
CUTS = 150 if SWEEP else 12

DICE = random.Random(13)
CLOSED: list[Operation] = [
    learn([f"first-{number}" for number in range(200)], DICE),
    learn(["single"], DICE),
    {"do": "forget", "ids": ["first-1", "first-2"]},
    {"do": "reopen"},
]
LATE: list[Operation] = [
    learn(["late-1"], DICE),
    learn([f"more-{number}" for number in range(40)], DICE),
    {"do": "forget", "ids": ["first-3", "more-1"]},
    learn(["late-2"], DICE),
]
ONLY_LEARNED: list[Operation] = [operation for operation in LATE if operation["do"] == "learn"]

FOLDERS: dict[str, list[Operation]] = {"closed": [], "killed": LATE, "killed, with a snapshot": ONLY_LEARNED}
"""What was done after CLOSED and before the process was killed; nothing: it was closed."""

Damage = Callable[[Path, random.Random], str]


def flip(file: Path, dice: random.Random) -> str:
    """Turn one bit over."""
    content = bytearray(file.read_bytes())
    place, bit = dice.randrange(len(content)), dice.randrange(8)
    content[place] ^= 1 << bit
    file.write_bytes(content)
    return f"{file.name}: bit {bit} of byte {place} of {len(content)}"


def cut(file: Path, dice: random.Random) -> str:
    """Keep the beginning only."""
    content = file.read_bytes()
    kept = dice.choice([0, len(content) - 1, dice.randrange(len(content))])
    file.write_bytes(content[:kept])
    return f"{file.name}: {kept} of {len(content)} bytes"


@pytest.fixture(scope="module")
def folders(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The memories to damage."""
    built = {}
    for name, late in FOLDERS.items():
        built[name] = tmp_path_factory.mktemp("whole")
        path = built[name] / "m.duckdb"
        worker.run(job="work", path=path, operations=[*CLOSED, {"do": "close"}])
        if late:
            last = len(late)
            kill_at_last = lambda said, kill, last=last: kill() if said.get("done") == last else None  # noqa: E731
            worker.run(kill_at_last, job="work", path=path, operations=late, then="wait")
    return built


def outcome(worker: Worker, path: Path, model: Model) -> str:
    """The error's name, `right`, or what is wrong."""
    said = worker.inspect(path, asked=ASKED, gone=sorted(model.gone)[:2])
    if "error" in said:
        return str(said["error"])
    wrong = differences(said, model)
    return "right" if not wrong else f"WRONG: {wrong}"


def survey(
    worker: Worker, folders: dict[str, Path], damage: Damage, times: int, scratch: Path, seed: int
) -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """How often each folder and file ended how, and every case that was wrong."""
    dice, counts, wrong = random.Random(seed), Counter[tuple[str, str, str]](), []
    targets = [(name, file.name) for name, folder in folders.items() for file in sorted(folder.iterdir())]
    for number in range(times):
        name, file = targets[number % len(targets)]
        copy = scratch / f"copy-{number}"
        shutil.copytree(folders[name], copy)
        where = damage(copy / file, dice)
        ended = outcome(worker, copy / "m.duckdb", Model().after_all([*CLOSED, *FOLDERS[name]]))
        if ended.startswith("WRONG"):
            wrong.append(f"{name}, {where}: {ended}")
        else:
            shutil.rmtree(copy)
        counts[name, file, ended.partition(":")[0]] += 1
    return counts, wrong


def table(counts: Counter[tuple[str, str, str]]) -> str:
    return "\n".join(f"{count:5} {' | '.join(key)}" for key, count in sorted(counts.items()))


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "times"), [(flip, FLIPS), (cut, CUTS)], ids=["flipped bit", "cut short"])
def test_damage_is_named_or_without_effect(
    damage: Damage,
    times: int,
    worker: Worker,
    folders: dict[str, Path],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    seed = random.SystemRandom().getrandbits(32) if SWEEP else 3
    counts, wrong = survey(worker, folders, damage, times, tmp_path, seed)
    record_property("counts", table(counts))
    assert not wrong, f"seed {seed}\n" + "\n".join(wrong) + "\n" + table(counts)
    assert any(key[2] != "right" for key in counts), "nothing was noticed: nothing was damaged"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_that_is_gone_is_named_or_without_effect(
    name: str, worker: Worker, folders: dict[str, Path], tmp_path: Path
) -> None:
    wrong = []
    for file in sorted(folders[name].iterdir()):
        copy = tmp_path / file.name
        shutil.copytree(folders[name], copy)
        (copy / file.name).unlink()
        if file.name == "m.duckdb" and name == "closed":
            continue  # then nothing says that there ever was a memory
        ended = outcome(worker, copy / "m.duckdb", Model().after_all([*CLOSED, *FOLDERS[name]]))
        wrong += [f"{file.name}: {ended}"] if ended.startswith("WRONG") else []
    assert not wrong, "\n".join(wrong)
