"""The steps of `protomem demo`: each does one thing to a memory, prints it, and returns the facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

import protomem
from protomem.answers import Answer
from protomem.cli.answers import print_answer
from protomem.cli.sample import Message
from protomem.cli.shared import cell, percent
from protomem.encoders import Encoder

__all__ = ["QUESTIONS", "Forgotten", "Proof", "Step", "answer_questions", "forget_customer", "learn_by_class", "prove"]

CLASSES_A_STEP = 4
OTHER_BATCH = 37

QUESTIONS = (
    "The lid of the blender was cracked when I opened the box.",
    "My card statement shows the same order two times.",
    "Can you recommend a good film about the moon landing?",
)
"""Two that the memory has learned about, in other words, and one that is about none of its classes."""

NOVELTY = (
    "Above novelty stand the labels and their probabilities, below it the nearest remembered messages and their "
    "similarity. Novelty is a p-value: near 0, the memory has learned nothing like it."
)


@final
@dataclass(frozen=True, slots=True)
class Step:
    """Where the memory stands after some classes: accuracy on held-out messages of the classes seen, and of all."""

    new: tuple[str, ...]
    classes: int
    examples: int
    accuracy_seen: float
    accuracy_all: float


@final
@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting a customer removed, and in how many answers that customer spoke before and after."""

    subject: str
    examples: int
    classes: int
    answers_before: int
    answers_after: int


@final
@dataclass(frozen=True, slots=True)
class Proof:
    """The memory beside a fresh one that was taught only the survivors."""

    digest: str
    fresh_digest: str
    answers: int
    equal_answers: int

    @property
    def holds(self) -> bool:
        """Equal digests and equal answers."""
        return self.digest == self.fresh_digest and self.answers == self.equal_answers


def learn_by_class(console: Console, memory: protomem.Memory, sample: Sequence[Message]) -> list[Step]:
    """Learn the classes of the sample, a few at a time, and measure after each step."""
    labels = list(dict.fromkeys(message.label for message in sample))
    steps = []
    console.print(_step_line("classes", "examples", "accuracy", "over all", "new classes"), style="dim")
    for start in range(0, len(labels), CLASSES_A_STEP):
        new = tuple(labels[start : start + CLASSES_A_STEP])
        teach(memory, [message for message in sample if message.split == "learn" and message.label in new])
        step = _measure(memory, new, sample)
        numbers = (str(step.classes), str(step.examples), percent(step.accuracy_seen), percent(step.accuracy_all))
        console.print(_step_line(*numbers, ", ".join(new)))
        steps.append(step)
    asked = len(_to_ask(sample))
    console.print(f"Accuracy on held-out messages: of the classes seen so far, and over all {asked}.", style="dim")
    return steps


def answer_questions(console: Console, memory: protomem.Memory) -> None:
    """Three questions in full."""
    for question, answer in zip(QUESTIONS, memory.predict(QUESTIONS, top_k=3, evidence=2), strict=True):
        print_answer(console, question, answer)
    console.print(f"\n{NOVELTY}", style="dim")


def forget_customer(console: Console, memory: protomem.Memory, sample: Sequence[Message]) -> Forgotten:
    """Forget the customer with the most remembered messages, and look for them in every answer."""
    subject = Counter(example.subject for example in memory.examples()).most_common(1)[0][0] or ""
    gone = list(memory.examples(subject=subject))
    ids = {example.id for example in gone}
    before = _answers_resting_on(ids, _ask(memory, sample))
    receipt = memory.forget(subject=subject)
    after = _answers_resting_on(ids, _ask(memory, sample))
    forgotten = Forgotten(subject, receipt.count, len({label for one in gone for label in one.labels}), before, after)

    console.print(
        f"{subject}: {forgotten.examples} messages in {forgotten.classes} classes forgotten, {len(memory)} left."
    )
    asked = len(_to_ask(sample))
    console.print(f"Their messages were evidence in {before} of {asked} answers; now they are in {after}.")
    return forgotten


def prove(console: Console, memory: protomem.Memory, sample: Sequence[Message], encoder: Encoder) -> Proof:
    """Teach a fresh memory only what is left, in another order and other batches, and compare."""
    left = {example.id for example in memory.examples()}
    survivors = sorted((message for message in sample if message.id in left), key=lambda message: message.text)
    with protomem.open(None, encoder=encoder, retain="items") as fresh:
        for start in range(0, len(survivors), OTHER_BATCH):
            teach(fresh, survivors[start : start + OTHER_BATCH])
        ours, theirs = _ask(memory, sample), _ask(fresh, sample)
        equal = sum(one == other for one, other in zip(ours, theirs, strict=True))
        proof = Proof(memory.digest(), fresh.digest(), len(ours), equal)

    console.print(
        f"A second memory, in RAM, is taught the {len(survivors)} messages that are left, in alphabetical order and "
        f"{OTHER_BATCH} at a time. Each message was encoded once: both are taught the same vectors. "
        "Digests and answers, compared bit for bit:\n"
    )
    _print_proof(console, proof)
    return proof


def teach(memory: protomem.Memory, messages: Sequence[Message]) -> None:
    """Learn these messages in one batch."""
    memory.learn(
        [message.text for message in messages],
        [message.label for message in messages],
        ids=[message.id for message in messages],
        subjects=[message.subject for message in messages],
    )


def _to_ask(sample: Sequence[Message]) -> list[Message]:
    return [message for message in sample if message.split == "ask"]


def _ask(memory: protomem.Memory, sample: Sequence[Message]) -> list[Answer]:
    return memory.predict([message.text for message in _to_ask(sample)])


def _measure(memory: protomem.Memory, new: tuple[str, ...], sample: Sequence[Message]) -> Step:
    seen = memory.classes()
    asked = _to_ask(sample)
    right = [
        message for message, answer in zip(asked, _ask(memory, sample), strict=True) if answer.label == message.label
    ]
    askable = sum(message.label in seen for message in asked)
    return Step(new, len(seen), len(memory), len(right) / askable, len(right) / len(asked))


def _answers_resting_on(ids: set[str], answers: Sequence[Answer]) -> int:
    return sum(any(evidence.id in ids for evidence in answer.evidence) for answer in answers)


def _step_line(classes: str, examples: str, seen: str, over_all: str, new: str) -> Table:
    """One line of the table of steps, as a table of its own: each step is shown when it is done."""
    line = Table.grid(*(Column(justify="right", width=9) for _ in range(4)), Column(ratio=1), padding=(0, 2, 0, 0))
    line.add_row(classes, examples, seen, over_all, cell(new))
    return line


def _print_proof(console: Console, proof: Proof) -> None:
    console.print(Text.assemble("this memory    ", (proof.digest, "cyan")))
    console.print(Text.assemble("the fresh one  ", (proof.fresh_digest, "cyan")))
    console.print(
        f"{proof.equal_answers} of {proof.answers} answers are identical: labels, probabilities and evidence."
    )
