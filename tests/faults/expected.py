"""What a memory must say of itself, from a model and from a fresh memory that is fed the same examples."""

from __future__ import annotations

from typing import Any, Literal

from tests.faults.operations import DIMENSION, WIDTH, Model, vectors_of

import protomem

ASKED = ["one question", "another"]
"""Texts whose answers are compared."""


def fresh(model: Model) -> dict[str, Any]:
    """Digest and answers of a memory in RAM that learns the survivors, sorted by id, and nothing else."""
    retain: Literal["codes", "nothing"] = "nothing" if model.merged else "codes"
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH, retain=retain) as memory:
        ids = sorted(model.examples)
        kept = [model.examples[id] for id in ids]
        if ids:
            memory.learn(
                vectors_of([text for _, _, text in kept]),
                [labels for _, labels, _ in kept],
                ids=ids,
                subjects=[subject if retain == "codes" else None for subject, _, _ in kept],
            )
        for rows in model.merged.values():
            memory.learn(vectors_of([text for _, text in rows]), [labels for labels, _ in rows])
        answers = memory.predict(vectors_of(ASKED)) if len(memory) else []
        return {
            "digest": memory.digest(),
            "answers": [
                [[list(pair) for pair in answer.ranking], answer.novelty, [one.id for one in answer.evidence]]
                for answer in answers
            ],
        }


def listed(model: Model, retain: str = "codes") -> dict[str, Any]:
    """The examples as a worker lists them."""
    return {
        id: [subject, list(labels), text if retain == "items" else None]
        for id, (subject, labels, text) in model.examples.items()
    }


def differences(said: dict[str, Any], model: Model, retain: str = "codes") -> list[str]:
    """In what a memory's report is not that of the model; nothing if it is right."""
    if "error" in said:
        return [f"{said['error']}: {said['message']}"]
    found = []
    examples = listed(model, retain)
    if said["examples"] != examples:
        missing, more = examples.keys() - said["examples"].keys(), said["examples"].keys() - examples.keys()
        back = sorted(more & model.gone)
        found.append(f"examples: {len(missing)} missing, {len(more)} too many, of them forgotten {back}")
    elif retain == "codes":
        right = fresh(model)
        found += [name for name in right if said.get(name, right[name]) != right[name]]
    if said["receipts"] != list(model.receipts):
        found.append(f"receipts: {len(said['receipts'])} in place of {len(model.receipts)}")
    found += [f"verify: {name}" for name in said["verified"]]
    found += [f"taken back: {said['taken back']}"] if said["taken back"] else []
    return found
