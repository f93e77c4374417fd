"""Labels in levels: answer at the level that is certain, or within one task."""

from __future__ import annotations

from messages import load

import protomem

ABOVE = {
    "charged_twice": "billing",
    "payment_declined": "billing",
    "refund_status": "billing",
    "invoice_request": "billing",
    "order_status": "delivery",
    "delivery_delayed": "delivery",
    "change_address": "delivery",
    "wrong_item": "delivery",
}
ASKED = "something is wrong with the money for my last order"


def main() -> None:
    learned = load("learn").of(*ABOVE)
    with protomem.open(None, encoder="layers:all-MiniLM-L6-v2") as memory:
        memory.learn(learned.texts, [f"{ABOVE[label]}/{label}" for label in learned.labels])
        (plain,) = memory.predict([ASKED])
        (certain,) = memory.predict([ASKED], certainty=0.8)
        (task,) = memory.predict([ASKED], among="delivery")
        print(f"best label         {plain.label}, {plain.probability:.0%}")
        print(f"certain level      {certain.label}, {certain.probability:.0%}")
        print(f"within delivery    {task.label}, {task.probability:.0%}")


if __name__ == "__main__":
    main()
