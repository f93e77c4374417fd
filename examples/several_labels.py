"""Items with several labels: each gets a probability by itself, and the likely ones are the answer."""

from __future__ import annotations

from messages import load

import protomem

TOPICS = {
    "order_status": ("parcel",),
    "delivery_delayed": ("parcel", "complaint"),
    "damaged_item": ("parcel", "complaint"),
    "charged_twice": ("money", "complaint"),
    "refund_status": ("money",),
    "invoice_request": ("money",),
    "login_problem": ("account", "complaint"),
    "delete_account": ("account",),
}


def main() -> None:
    learned, tried = load("learn").of(*TOPICS), load("ask").of(*TOPICS)
    with protomem.open(None, encoder="layers:all-MiniLM-L6-v2") as memory:
        memory.learn(learned.texts, [TOPICS[label] for label in learned.labels])
        answers = memory.predict(tried.texts, multi_label=True, evidence=0)
        exact = sum(one.label_set == set(TOPICS[label]) for one, label in zip(answers, tried.labels, strict=True))
        print(f"all labels right, and no other: {exact} of {len(answers)}")
        for text, answer in list(zip(tried.texts, answers, strict=True))[:3]:
            print(text[:70])
            print("  " + ", ".join(f"{label} {probability:.0%}" for label, probability in answer.ranking))


if __name__ == "__main__":
    main()
