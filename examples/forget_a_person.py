"""An erasure request: everything of one customer goes, and anyone can check that it did."""

from __future__ import annotations

import tempfile
from pathlib import Path

from messages import load

import protomem


def main() -> None:
    learned, encoder = load("learn"), protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)
    person = learned.subjects[0]
    kept = [number for number, subject in enumerate(learned.subjects) if subject != person]
    with (
        tempfile.TemporaryDirectory() as folder,
        protomem.open(Path(folder) / "support.duckdb", encoder=encoder) as memory,
        protomem.open(None, encoder=encoder) as stranger,
    ):
        memory.learn(learned.texts, learned.labels, subjects=learned.subjects)
        receipt = memory.forget(subject=person, purge=True)
        print(f"forgot {receipt.count} messages of {person}; verified: {memory.verify().ok}")
        stranger.learn([learned.texts[one] for one in kept], [learned.labels[one] for one in kept])
        print("equal to a memory that never met them:", memory.digest() == stranger.digest())
        print("the receipt is genuine:", all(check.ok for check in protomem.audit(receipt, memory.public_key)))


if __name__ == "__main__":
    main()
