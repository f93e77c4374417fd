"""What a memory promises of merging besides the sums: refusals that change nothing, receipts, keys, counts, bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.together import together

import protomem
from protomem import Contribution
from protomem.settings import MemorySettings
from protomem.signing import Secrets
from protomem.space import SpaceSettings
from protomem.store import RamStore

GOLDEN = Path(__file__).parents[2] / "golden" / "contributions"
LIES = sorted(path.stem for path in GOLDEN.glob("C*.safetensors"))

DICE = np.random.default_rng(11)
ROWS = DICE.normal(size=(60, 6)) + np.repeat(3 * np.eye(6)[:4], 15, axis=0)
LABELS: list[Any] = [["a", "b"] if number % 10 == 0 else "abcd"[number // 15] for number in range(60)]
IDS = [f"the id {number}" for number in range(60)]


def opened(path: Path | None = None, retain: Any = "codes", dimension: int = 6, width: int = 24) -> protomem.Memory:
    return protomem.open(path, encoder=protomem.Vectors(dimension), width=width, retain=retain)


@pytest.fixture(params=["ram", "duckdb", "duckdb that keeps nothing"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[protomem.Memory]:
    path = None if request.param == "ram" else tmp_path / "m.duckdb"
    with opened(path, "nothing" if request.param.endswith("nothing") else "codes") as made:
        yield made


def taught(first: int, last: int, retain: Any = "codes") -> protomem.Memory:
    made = opened(retain=retain)
    made.learn(ROWS[first:last], LABELS[first:last], IDS[first:last])
    return made


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.fixture(scope="module")
def coordinator() -> protomem.Memory:
    """Of the golden contributions' space, with one of them merged."""
    made = opened(dimension=3, width=8)
    made.learn([[1.0, 0.0, 0.1]], ["own"])
    made.merge((GOLDEN / "valid-full.safetensors").read_bytes())
    return made


@pytest.mark.parametrize("name", LIES)
def test_a_lie_changes_nothing(name: str, coordinator: protomem.Memory) -> None:
    before = coordinator.digest(), coordinator.receipts(), coordinator.clients()
    with pytest.raises(protomem.ContributionRefused, match=f"^{name[:2]}: "):
        coordinator.merge((GOLDEN / f"{name}.safetensors").read_bytes())
    assert (coordinator.digest(), coordinator.receipts(), coordinator.clients()) == before
    assert coordinator.verify().ok


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda memory: memory.contribution(""), "client is empty"),
        (
            lambda memory: memory.contribution("a", "weights"),
            "level is 'weights': it must be one of prototypes, codebooks",
        ),
        (lambda memory: memory.contribution("a", min_count=0), "min_count is 0"),
        (lambda memory: memory.contribution("a", whole=1), "whole is 1: it must be True or False"),
        (lambda memory: memory.merge("a path"), "a contribution is bytes, not a str"),
        (lambda memory: memory.merge(b"", keys={"a": 3}), "keys must be a mapping of client names to public keys"),
        (lambda memory: memory.withdraw(None), "client is None"),
    ],
)
def test_what_cannot_be_asked_is_said(call: Callable[[Any], Any], why: str) -> None:
    with opened() as memory, pytest.raises(protomem.InvalidInput, match=why):
        call(memory)


def test_a_contribution_of_another_width_or_encoder_is_refused(memory: protomem.Memory) -> None:
    with (
        opened(width=16) as other,
        pytest.raises(protomem.ContributionRefused, match=r"C4: .* another encoder or width"),
    ):
        memory.merge(other.contribution("clinic"))


def test_what_compares_with_kept_examples_is_refused_and_says_what_to_do(memory: protomem.Memory) -> None:
    memory.merge(taught(0, 60).contribution("clinic"))
    for asked in ({"coverage": 0.9}, {"false_alarm": 0.05}, {"multi_label": True}):
        with pytest.raises(protomem.InvalidInput, match=r"compare with kept examples.*memory\.withdraw takes it out"):
            memory.predict(ROWS[:1], **asked)  # type: ignore[arg-type]
    answer = memory.predict(ROWS[:1])[0]
    assert (answer.novelty, answer.evidence, answer.label_set) == (None, (), None)


# ------------------------------------------------------------------------------------------------------------ receipts


def test_the_same_contribution_again_gets_its_first_receipt(memory: protomem.Memory) -> None:
    with taught(0, 20) as clinic:
        first = clinic.contribution("clinic")
        clinic.learn(ROWS[20:30], LABELS[20:30])
        second = clinic.contribution("clinic")
    receipts = [memory.merge(first), memory.merge(second)]
    assert [memory.merge(first), memory.merge(second.to_bytes())] == receipts
    assert memory.receipts() == receipts
    assert [receipt.request for receipt in receipts] == [first.id, second.id]
    memory.withdraw("clinic")
    for late in (first, second):
        with pytest.raises(protomem.ContributionOutOfOrder, match="was known already: merge a later one"):
            memory.merge(late)
    assert len(memory.receipts()) == 3


def test_a_client_that_comes_back_does_not_bring_its_old_contributions_along(memory: protomem.Memory) -> None:
    with taught(0, 20) as clinic:
        old = clinic.contribution("clinic")
        memory.merge(old)
        memory.withdraw("clinic")
        memory.merge(clinic.contribution("clinic", whole=True))
    with pytest.raises(
        protomem.ContributionOutOfOrder, match="contribution 1 of 'clinic' came when its contribution 2"
    ):
        memory.merge(old)
    assert len(memory) == 20


def test_a_receipt_names_the_client_by_a_hash_that_only_the_memory_makes(memory: protomem.Memory) -> None:
    receipt = memory.merge(taught(0, 20).contribution("clinic"))
    gone = memory.withdraw("clinic")
    assert receipt.id_hashes == gone.id_hashes != (memory.id_hash("clinic"),)
    assert "clinic" not in receipt.to_json()
    assert all(check.ok for check in protomem.audit_chain(memory.receipts(), memory.public_key))


def test_a_withdrawal_that_comes_again_with_its_key_gets_the_first_receipt(memory: protomem.Memory) -> None:
    memory.merge(taught(0, 20).contribution("clinic"))
    memory.merge(taught(20, 40).contribution("branch"))
    receipt = memory.withdraw("clinic", idempotency_key="once")
    assert memory.withdraw("clinic", idempotency_key="once") == receipt
    with pytest.raises(protomem.RequestConflict, match="with another request"):
        memory.withdraw("branch", idempotency_key="once")
    with pytest.raises(protomem.NotRemembered, match="nothing of the client 'clinic' is merged"):
        memory.withdraw("clinic")


@pytest.mark.parametrize(("kind", "count"), [("merge", 0), ("withdraw", 2)])
def test_a_receipt_of_a_merge_is_about_one_client(kind: Any, count: int, memory: protomem.Memory) -> None:
    receipt = memory.merge(taught(0, 20).contribution("clinic"))
    wrong = replace(receipt, kind=kind, count=count, id_hashes=("0" * 32, "1" * 32)[:count])
    found = {check.name: check.ok for check in protomem.audit(memory._secrets.signed(wrong), memory.public_key)}
    assert found == {"A2 signature": True, "A3 place": True, "A4 count": False, "A5 change": True}


def test_merges_of_several_threads_share_a_commit_with_what_is_learned(tmp_path: Path) -> None:
    parts = [taught(start, start + 10).contribution(f"client {start}") for start in range(0, 40, 10)]
    with opened(tmp_path / "m.duckdb") as memory:
        calls = [lambda one=one: memory.merge(one) for one in parts]
        calls.append(lambda: memory.learn(ROWS[40:50], LABELS[40:50], IDS[40:50]))
        calls.append(lambda: memory.withdraw("nobody"))
        *_, refused = together(memory, calls)
        assert isinstance(refused, protomem.NotRemembered)
        with taught(0, 50) as central:
            assert memory.digest() == central.digest()
    with opened(tmp_path / "m.duckdb") as memory:
        assert len(memory) == 50
        assert memory.verify().ok


# --------------------------------------------------------------------------------------------------------------- keys


def keyed(number: int) -> protomem.Memory:
    """A memory with the same keys and other content whenever it is made."""
    encoder = protomem.Vectors(6)
    settings = MemorySettings("vectors:6", "codes", SpaceSettings(6, encoder.fingerprint, width=24))
    secrets, ids = Secrets(bytes([number]) * 32, bytes(32)), random.Random(number)
    now, new_id = lambda: "2026-11-20T12:00:00+00:00", lambda: f"{ids.getrandbits(64)}"
    return protomem.Memory(RamStore(), encoder, settings, secrets, now=now, new_id=new_id)


def test_a_name_belongs_to_the_key_that_came_first_or_to_the_one_that_is_given(memory: protomem.Memory) -> None:
    memory.merge(keyed(1).contribution("clinic"))
    thief = keyed(2)
    thief.contribution("clinic")
    part = thief.contribution("clinic", whole=True)
    with pytest.raises(protomem.ContributionRefused, match=r"C7: .* someone else uses its name"):
        memory.merge(part)
    with pytest.raises(protomem.ContributionRefused, match=r"C7: .* someone else uses its name"):
        memory.merge(part, keys={"clinic": keyed(1).public_key})
    with pytest.raises(protomem.ContributionRefused, match="C7: no public key was given"):
        memory.merge(part, keys={"branch": part.public_key})
    memory.merge(part, keys={"clinic": part.public_key})
    assert memory.clients()[0].public_key == part.public_key


# ------------------------------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize("retain", ["codes", "nothing"])
def test_a_memory_contributes_whatever_it_retains(retain: Any, memory: protomem.Memory) -> None:
    with taught(0, 60, retain) as clinic:
        part = clinic.contribution("clinic")
        assert (part.level, part.count, part.labels, part.since) == ("full", 60, 4, 0)
        assert part.digest == clinic.digest()
        memory.merge(part)
        assert memory.digest() == clinic.digest()


def test_a_difference_subtracts_what_was_forgotten_and_a_purge_makes_the_next_one_whole(
    memory: protomem.Memory, tmp_path: Path
) -> None:
    path = tmp_path / "clinic.duckdb"
    with opened(path) as clinic:
        clinic.learn(ROWS[:30], LABELS[:30], IDS[:30])
        memory.merge(clinic.contribution("clinic"))
        clinic.forget(ids=IDS[:10])
    with opened(path) as clinic:
        part = clinic.contribution("clinic")
        assert (part.sequence, part.since, part.count) == (2, 1, -10)
        memory.merge(part)
        assert memory.digest() == clinic.digest()
        clinic.forget(ids=IDS[10:20], purge=True)
        assert not any(b"gram" in file.read_bytes() for file in tmp_path.glob("clinic.duckdb.part-*"))
        part = clinic.contribution("clinic")
        assert (part.sequence, part.since, part.count) == (3, 0, 10)
        memory.merge(part)
        assert memory.digest() == clinic.digest()
        part = clinic.contribution("clinic", "prototypes")
        assert (part.sequence, part.since, part.level) == (4, 0, "prototypes")
        memory.merge(part)
        assert len(memory) == 10


def test_names_have_numbers_of_their_own() -> None:
    with taught(0, 10) as clinic:
        sent = [clinic.contribution(name) for name in ("north", "north", "south", "north")]
    assert [(part.sequence, part.since) for part in sent] == [(1, 0), (2, 1), (1, 0), (3, 2)]


def test_nothing_is_handed_out_whose_number_could_not_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with taught(0, 10) as clinic:
        monkeypatch.setattr(RamStore, "keep_part", refuse)
        with pytest.raises(protomem.StoreUnavailable, match="the disk is full"):
            clinic.contribution("clinic")
        monkeypatch.undo()
        assert clinic.contribution("clinic").sequence == 1


def refuse(self: RamStore, name: str, content: bytes) -> None:
    raise protomem.StoreUnavailable("the disk is full")


def test_labels_of_few_examples_are_held_back_with_all_their_examples() -> None:
    labels = [["a"], ["a"], ["a", "rare"], ["b"], ["b", "c"], ["c"], ["b"]]
    with opened() as clinic, opened() as plain:
        clinic.learn(ROWS[:7], labels)
        kept = [0, 1, 3, 4, 5, 6]
        plain.learn(ROWS[kept], [labels[row] for row in kept])
        part = clinic.contribution("clinic", min_count=2)
        assert part.digest == plain.digest()
        assert clinic.contribution("clinic", min_count=3, whole=True).count == 0


def test_sums_alone_hold_back_what_they_can_tell_apart() -> None:
    with opened(retain="nothing") as clinic:
        clinic.learn(ROWS[:5], ["a", "a", "b", "b", "rare"])
        with pytest.raises(protomem.InvalidInput, match=r"1 labels have fewer than min_count=2 .*level=\"codebooks\""):
            clinic.contribution("clinic", min_count=2)
        part = clinic.contribution("clinic", "codebooks", min_count=2)
        assert (part.sequence, part.count, part.labels) == (1, 4, 2)


def test_what_is_merged_is_passed_on_only_if_asked_and_at_no_higher_level(memory: protomem.Memory) -> None:
    memory.learn(ROWS[:10], LABELS[:10], IDS[:10])
    memory.merge(taught(10, 60).contribution("clinic", "codebooks"))
    assert memory.contribution("region").count == 10
    assert memory.contribution("region", "codebooks", merged=True).count == 60
    with pytest.raises(protomem.InvalidInput, match="level is 'full', and what is merged here is at level 'codebooks'"):
        memory.contribution("region", merged=True)


# -------------------------------------------------------------------------------------------------------- on the disk


def test_what_was_withdrawn_is_in_no_file_and_what_is_merged_survives_a_purge(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        memory.merge(taught(0, 30).contribution("clinic"))
        memory.merge(taught(30, 60).contribution("branch"))
        assert len(list(tmp_path.glob("m.duckdb.part-client-*"))) == 2
        memory.withdraw("clinic")
        assert len(list(tmp_path.glob("m.duckdb.part-client-*"))) == 1
        assert len(list(tmp_path.glob("m.duckdb.part-merged-*"))) == 1
        memory.purge()
        with taught(30, 60) as branch:
            assert memory.digest() == branch.digest()
    with opened(path) as memory:
        assert memory.verify().ok
        assert [(one.name, one.merged) for one in memory.clients()] == [("branch", True), ("clinic", False)]
        memory.withdraw("branch")
        with opened() as fresh:
            assert memory.digest() == fresh.digest()


@pytest.mark.parametrize("part", ["merged", "client"])
def test_damage_to_what_is_merged_is_found(part: str, tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        memory.merge(taught(0, 30).contribution("clinic"))
    (file,) = tmp_path.glob(f"m.duckdb.part-{part}-*")
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)
    if part == "merged":
        with pytest.raises(protomem.MemoryDamaged, match="the part merged-1 of what was merged or sent is missing or"):
            opened(path)
    else:
        with opened(path) as memory:
            wrong = [check for check in memory.verify().checks if not check.ok]
            assert [check.name for check in wrong] == ["V6 merged"]
            with pytest.raises(protomem.MemoryDamaged, match="the part client-"):
                memory.withdraw("clinic")


@pytest.mark.parametrize("withdrawn", [True, False], ids=["everybody was withdrawn", "one is merged"])
def test_a_list_of_clients_that_was_deleted_is_missed(withdrawn: bool, tmp_path: Path) -> None:
    """Where everybody was withdrawn, no sum speaks for the list; yet an old contribution would be taken again."""
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        old = taught(0, 30).contribution("clinic")
        memory.merge(old)
        if withdrawn:
            memory.withdraw("clinic")
        memory.learn(ROWS[:2], ["own", "own"])
    (file,) = tmp_path.glob("m.duckdb.part-merged-*")
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(protomem.MemoryDamaged, match=f"the part merged-{1 + withdrawn} of what was merged or sent is"):
        opened(path)
    file.write_bytes(kept)
    with opened(path) as memory:
        assert memory.verify().ok
        if withdrawn:
            with pytest.raises(protomem.ContributionOutOfOrder, match="came when its contribution 1 was known already"):
                memory.merge(old)


def test_a_list_of_clients_of_before_cannot_be_put_in_the_place_of_a_later_one(tmp_path: Path) -> None:
    """Both are of a time when nothing was merged, and both are the memory's own."""
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        memory.merge(taught(0, 30).contribution("clinic"))
        memory.withdraw("clinic")
        (before,) = tmp_path.glob("m.duckdb.part-merged-*")
        kept = before.read_bytes()
        memory.merge(taught(30, 60).contribution("branch"))
        memory.withdraw("branch")
    (after,) = tmp_path.glob("m.duckdb.part-merged-*")
    after.unlink()
    for name in (before, after):
        name.write_bytes(kept)
        with pytest.raises(protomem.MemoryDamaged, match="the part merged-4 of what was merged or sent is missing or"):
            opened(path)


def test_the_parts_of_two_clients_cannot_change_places(tmp_path: Path) -> None:
    path = tmp_path / "m.duckdb"
    with opened(path) as memory:
        memory.merge(taught(0, 30).contribution("clinic"))
        memory.merge(taught(30, 60).contribution("branch"))
    first, second = tmp_path.glob("m.duckdb.part-client-*")
    swapped = first.read_bytes(), second.read_bytes()
    first.write_bytes(swapped[1])
    second.write_bytes(swapped[0])
    with opened(path) as memory:
        assert not memory.verify().ok


def test_the_contribution_of_another_memory_says_whose_it_is() -> None:
    with taught(0, 10) as clinic:
        part = clinic.contribution("clinic")
        assert part.public_key == clinic.public_key
        back = Contribution.from_bytes(part.to_bytes())
        assert json.loads(back.signed_bytes())["client"] == "clinic"
