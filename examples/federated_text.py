"""Five shops learn different intents, exchange what they learned as files, and one of them takes its part back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from messages import Messages, load

import protomem

SHOPS = 5
SHARED = 5  # of the 20 labels are known to every shop; each has 3 of the others to itself


def main() -> None:
    learned, asked = load("learn"), load("ask")
    # Whoever encodes a text has to get the same codes: onnxruntime gives a text the same embedding in every batch.
    encoder = protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)
    parts = split(learned)
    with (
        tempfile.TemporaryDirectory() as folder,
        protomem.open(None, encoder=encoder) as coordinator,
        protomem.open(None, encoder=encoder) as other,
        protomem.open(None, encoder=encoder, retain="nothing") as central,
        protomem.open(None, encoder=encoder, retain="nothing") as without,
    ):
        files = []
        for name, part in parts.items():
            with protomem.open(None, encoder=encoder) as shop:
                shop.learn(part.texts, part.labels)
                files.append(Path(folder) / f"{name}.safetensors")
                files[-1].write_bytes(shop.contribution(name).to_bytes())
                size = files[-1].stat().st_size
                print(f"{name}: {len(shop)} messages of {len(shop.classes())} labels in {size:,} bytes")
            central.learn(part.texts, part.labels)
        for file in files:
            coordinator.merge(file.read_bytes())
        for file in reversed(files):
            other.merge(file.read_bytes())
        print("merged in another order, the same:", coordinator.digest() == other.digest())
        answers, expected = coordinator.predict(asked.texts), central.predict(asked.texts)
        equal = coordinator.digest() == central.digest() and answers == expected
        print("equal to a memory that learned everything itself, in every sum and answer:", equal)
        right = sum(answer.label == label for answer, label in zip(answers, asked.labels, strict=True))
        print(f"{right} of {len(answers)} right on all {len(coordinator.classes())} labels")

        coordinator.withdraw("shop-3")
        for name, part in parts.items():
            if name != "shop-3":
                without.learn(part.texts, part.labels)
        print("without shop-3, equal to a memory that never had it:", coordinator.digest() == without.digest())


def split(learned: Messages) -> dict[str, Messages]:
    """Each shop's messages: of the shared labels those of its own customers, and all of its own labels."""
    labels, customers = sorted(set(learned.labels)), sorted(set(learned.subjects))
    own = (len(labels) - SHARED) // SHOPS
    parts = {}
    for shop in range(SHOPS):
        shared = learned.of(*labels[:SHARED]).by(customers[shop::SHOPS])
        start = SHARED + shop * own
        parts[f"shop-{shop + 1}"] = shared + learned.of(*labels[start : start + own])
    return parts


if __name__ == "__main__":
    main()
