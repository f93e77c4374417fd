"""Answers that can be trusted: a set of labels with a stated coverage, novelty, and "none of these"."""

from __future__ import annotations

from messages import load

import protomem

ASKED = [
    "my parcel says delivered but the doorstep is empty",
    "what is the capital of Mongolia",
    "charged me again for the same order, and I want it cancelled",
]


def main() -> None:
    learned = load("learn")
    with protomem.open(None, encoder="layers:all-MiniLM-L6-v2") as memory:
        memory.learn(learned.texts, learned.labels)
        for text, answer in zip(ASKED, memory.predict(ASKED, coverage=0.9, false_alarm=0.1), strict=True):
            print(text)
            best, probability = answer.ranking[0]
            print(f"  {answer.label or 'none of these'} (best: {best}, {probability:.0%})")
            print(f"  {answer.novelty:.1%} of what is remembered look as strange")
            print(f"  one of {sorted(answer.label_set or ())} in 90 of 100 cases")
            for one in answer.evidence[:2]:
                print(f"  {one.similarity:.2f} {one.labels[0]}")


if __name__ == "__main__":
    main()
