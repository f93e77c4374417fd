"""Writes the golden receipts of this folder: `python tests/golden/receipts/generate.py`.

`valid.jsonl` is the history of a small memory with fixed keys and clock. Every other file is that history broken in one
way, signed anew with the memory's key where only then the break is the one meant; its name begins with the number, in
protomem/RECEIPTS.md, of the step that has to find it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import protomem
from protomem.receipts import Receipt
from protomem.settings import MemorySettings
from protomem.signing import Secrets
from protomem.space import SpaceSettings
from protomem.store import RamStore

FOLDER = Path(__file__).parent
SECRETS = Secrets(signing=bytes(range(32)), hashing=bytes(range(32, 64)))
STRANGER = Secrets(signing=bytes(range(64, 96)), hashing=bytes(32))


def history() -> list[Receipt]:
    """Learn three, forget one, purge, learn nothing new, learn one."""
    vectors = protomem.Vectors(3)
    settings = MemorySettings("vectors:3", "codes", SpaceSettings(3, vectors.fingerprint, width=16))
    ids, times = map(str, count()), (f"2026-11-20T12:00:{second:02}+00:00" for second in count())
    store = RamStore()
    memory = protomem.Memory(store, vectors, settings, SECRETS, now=lambda: next(times), new_id=lambda: next(ids))
    rows = [[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.0, 1.0]]
    memory.learn(rows, ["a", "b", "b"], ids=["one", "two", "three"], idempotency_key="first")
    memory.forget(ids=["two"])
    memory.purge()
    memory.learn(rows[:1], ["a"], ids=["one"])
    memory.learn(rows[1:2], ["b"], ids=["two"], relearn=True)
    return memory.receipts()


def broken() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each broken history, by the name of its file."""

    def changed(name: str, row: int, change: Callable[[Receipt], Receipt]) -> tuple[str, list[dict[str, Any]]]:
        receipts = history()
        receipts[row] = change(receipts[row])
        return name, [fields(receipt) for receipt in receipts]

    def signed(**changes: Any) -> Callable[[Receipt], Receipt]:
        return lambda receipt: SECRETS.signed(replace(receipt, **changes))

    def raw(name: str, change: Callable[[dict[str, Any]], object]) -> tuple[str, list[dict[str, Any]]]:
        every = [fields(receipt) for receipt in history()]
        change(every[1])
        return name, every

    yield raw("A1-a-field-is-missing", lambda one: one.pop("after"))
    yield raw("A1-a-field-too-many", lambda one: one.update(text="my name is Ann"))
    yield raw("A1-another-version", lambda one: one.update(version=2))
    yield raw("A1-an-unknown-kind", lambda one: one.update(kind="unlearn"))
    yield raw("A1-a-count-that-is-no-number", lambda one: one.update(count="1"))
    yield raw("A1-a-count-that-is-true", lambda one: one.update(count=True))
    yield raw("A1-a-negative-count", lambda one: one.update(count=-1))
    yield raw("A1-a-short-commitment", lambda one: one.update(before=one["before"][:-1]))
    yield raw("A1-capital-hex-digits", lambda one: one.update(signature=one["signature"].upper()))
    yield raw("A1-an-id-in-place-of-its-hash", lambda one: one.update(id_hashes=["two"]))
    yield raw("A1-no-signature", lambda one: one.update(signature=""))
    yield raw("A2-a-flipped-bit-of-the-signature", lambda one: one.update(signature=_flipped(one["signature"])))
    yield raw("A2-another-time", lambda one: one.update(at="2026-11-19T12:00:01+00:00"))
    yield changed("A2-another-key", 1, STRANGER.signed)
    yield changed("A3-number-zero", 0, signed(sequence=0))
    yield changed("A3-a-first-receipt-that-follows-another", 0, signed(previous="0" * 64))
    yield changed("A3-a-first-receipt-that-does-not-begin-empty", 0, signed(before="0" * 64))
    yield changed("A3-a-later-receipt-that-follows-none", 1, signed(previous=""))
    yield changed("A4-another-count", 1, signed(count=2))
    yield changed("A4-an-example-named-twice", 1, lambda one: signed(count=2, id_hashes=2 * one.id_hashes)(one))
    yield changed("A5-a-purge-that-changes", 2, signed(after="0" * 64))
    yield changed("A5-a-forget-that-changes-nothing", 1, lambda one: signed(after=one.before)(one))
    yield changed("A5-a-learn-of-nothing-that-changes", 3, signed(after="0" * 64))
    receipts = [fields(receipt) for receipt in history()]
    yield "A6-a-receipt-is-missing", [*receipts[:2], *receipts[3:]]
    yield "A6-two-receipts-in-the-other-order", [*receipts[:3], receipts[4], receipts[3]]
    yield "A6-a-receipt-twice", [receipts[0], *receipts]
    yield changed("A6-another-receipt-before", 3, signed(previous="0" * 64))
    yield changed("A6-a-start-elsewhere", 4, signed(before="0" * 64))


def fields(receipt: Receipt) -> dict[str, Any]:
    """The fields of a receipt as they are written."""
    written: dict[str, Any] = json.loads(receipt.to_json())
    return written


def _flipped(digits: str) -> str:
    return f"{int(digits[0], 16) ^ 1:x}{digits[1:]}"


def main() -> None:
    for old in FOLDER.glob("*.jsonl"):
        old.unlink()
    for name, receipts in [("valid", [fields(receipt) for receipt in history()]), *broken()]:
        lines = (json.dumps(one, sort_keys=True, separators=(",", ":")) + "\n" for one in receipts)
        (FOLDER / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (FOLDER / "public_key").write_text(SECRETS.public_key + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
