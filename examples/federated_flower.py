"""Three shops federate over Flower, with its real processes on this machine: merge, forget a customer, lose a shop."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from messages import Messages, load

import protomem
from protomem_flower import Loopback, Round

SHOPS = ("shop-1", "shop-2", "shop-3")


def main() -> None:
    learned = load("learn")
    # Whoever encodes a text has to get the same codes: onnxruntime gives a text the same embedding in every batch.
    encoder = protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)
    customers = sorted(set(learned.subjects))
    parts = {shop: learned.by(customers[number :: len(SHOPS)]) for number, shop in enumerate(SHOPS)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {shop: folder / f"{shop}.duckdb" for shop in SHOPS}
        for shop, part in parts.items():
            taught(encoder, [part], path=files[shop], retain="codes").close()
        coordinator = folder / "coordinator.duckdb"
        config = {"memory": str(coordinator), "encoder": encoder.name, "clients": len(SHOPS)}
        with Loopback(folder / "flower", {shop: {"memory": str(file)} for shop, file in files.items()}) as flower:
            print("processes of Flower:", ", ".join(flower.pids))
            tell(flower.run(config))
            compare("central training", coordinator, taught(encoder, list(parts.values())))

            # One customer of shop-1 asks to be forgotten, and shop-3 leaves; only shop-1 has something to send for it.
            person = customers[0]
            with protomem.open(files["shop-1"]) as memory:
                memory.forget(subject=person)
            tell(flower.run(config | {"withdraw": "shop-3"}))
            stay = [parts["shop-1"].by(set(customers) - {person}), parts["shop-2"]]
            compare(f"a memory that never met {person} or shop-3", coordinator, taught(encoder, stay))
        print("processes of Flower left:", len(flower.pids))


def taught(
    encoder: protomem.Encoder,
    parts: Sequence[Messages],
    path: Path | None = None,
    retain: Literal["codes", "nothing"] = "nothing",
) -> protomem.Memory:
    """A memory that learned these messages itself."""
    memory = protomem.open(path, encoder=encoder, retain=retain)
    for part in parts:
        memory.learn(part.texts, part.labels, subjects=part.subjects if retain == "codes" else None)
    return memory


def tell(rounds: list[Round]) -> None:
    """What became of each client."""
    for one in rounds:
        for outcome in one.outcomes:
            print(f"  {outcome}")


def compare(what: str, merged: Path, central: protomem.Memory) -> None:
    """Print whether the coordinator's memory is the central one: in its sums, and in every answer."""
    asked = load("ask")
    with central, protomem.open(merged) as memory:
        answers = memory.predict(asked.texts, top_k=20)
        right = sum(answer.label == label for answer, label in zip(answers, asked.labels, strict=True))
        print(f"{len(memory)} messages, digest {memory.digest()[:16]}…, {right} of {len(answers)} questions right")
        print(f"  digest equal to {what}:", memory.digest() == central.digest())
        print("  every label and probability equal:", answers == central.predict(asked.texts, top_k=20))


if __name__ == "__main__":
    main()
