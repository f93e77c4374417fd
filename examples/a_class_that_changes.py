"""Domain-incremental learning: an old class gets a new side, and keeps the old one.

Refunds have been about parcels so far. Now the shop sells concert tickets, and people ask for refunds in other words.
"""

from __future__ import annotations

from messages import load

import protomem

NEW_SIDE = [
    "the gig got called off, when does the money for my seats come back",
    "concert cancelled by the band, still waiting for what I paid",
    "show was moved to a date I can't do, you said I'd be paid back",
    "festival rained off two weeks ago and nothing on my card yet",
]
TRIED = ["they cancelled the show, has my payment for the seats been returned?", "gig is off, where is my money"]


def main() -> None:
    learned, tried = load("learn"), load("ask").of("refund_status")
    with protomem.open(None, encoder="layers:all-MiniLM-L6-v2") as memory:
        memory.learn(learned.texts, learned.labels)
        show(memory, "before", tried.texts)
        memory.learn(NEW_SIDE, ["refund_status"] * len(NEW_SIDE))
        show(memory, "after", tried.texts)


def show(memory: protomem.Memory, when: str, old_side: list[str]) -> None:
    """How sure the memory is of refunds, of the new kind and of the old."""
    new, old = (
        [dict(one.ranking).get("refund_status", 0.0) for one in memory.predict(texts, top_k=20, evidence=0)]
        for texts in (TRIED, old_side)
    )
    print(f"{when:6}: concerts {sum(new) / len(new):4.0%}, parcels {sum(old) / len(old):4.0%}")


if __name__ == "__main__":
    main()
