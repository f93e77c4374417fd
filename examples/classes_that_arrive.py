"""Class-incremental learning: classes come week after week, and the memory is the one that knew them all at once."""

from __future__ import annotations

from messages import load

import protomem


def main() -> None:
    learned, tried = load("learn"), load("ask")
    names = sorted(set(learned.labels))
    encoder = protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)
    with protomem.open(None, encoder=encoder) as memory:
        for start in range(0, len(names), 5):
            week = learned.of(*names[start : start + 5])
            memory.learn(week.texts, week.labels)
            known = tried.of(*memory.classes())
            answers = memory.predict(known.texts, evidence=0)
            right = sum(one.label == label for one, label in zip(answers, known.labels, strict=True))
            print(f"{len(memory.classes()):2} classes: {right} of {len(answers)} right")

        with protomem.open(None, encoder=encoder) as joint:
            joint.learn(learned.texts, learned.labels)
            print("the same as learning all at once:", memory.digest() == joint.digest())


if __name__ == "__main__":
    main()
