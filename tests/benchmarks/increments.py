"""Does learning class after class cost anything against learning all classes at once?

Class-incremental: CLINC150 in ten steps of 15 classes, BANKING77 in seven of 11, in the order of first appearance in
the training split. After each step the test texts of all classes seen are answered, by any class seen
(class-incremental) and by those of their own step (`among`, task-incremental).

- accuracy: over all classes seen, after the last step and as the mean over steps;
- forgetting (Chaudhry et al. 2018): for each step but the last, its best accuracy at any time less its accuracy at the
  end, averaged. New classes compete for the same texts, so that it is above 0 even for what is fitted anew each time;
- lost to steps: accuracy of the same method taught everything at once, less its own. What forgetting proper costs.

For protomem the last is 0 by construction, as what it knows is a sum: after every step its digest and all its answers
(labels, probabilities, novelty, evidence) are compared with those of a memory that learned the same examples at once,
last class first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np
from bars import Bar, saved_bars, show_bars
from common import CONSOLE, DATA_SETS, Split, arguments, load, percent_right, require_data, save, show_machine
from learners import MEMORY, Learner, MemoryLearner, learners
from rich.progress import track
from rich.table import Table

STEPS: Final = {"CLINC150": 10, "BANKING77": 7}

Groups = list[list[str]]


@final
@dataclass(frozen=True, slots=True)
class Course:
    """One method over the steps, in percent: `open` and `closed` hold after each step the accuracy on each step so far,
    answered by any class seen and by the step's own classes.
    """

    open: list[list[float]]
    closed: list[list[float]]
    seen: list[float]
    """Accuracy over all classes seen, after each step."""
    joint: float
    """Accuracy of the same method taught everything at once."""

    @property
    def lost(self) -> float:
        return self.joint - self.seen[-1]


def main() -> None:
    options = arguments(__doc__)
    require_data()
    show_machine()
    courses = {name: measure(name) for name in DATA_SETS}
    equal = {name: equal_steps(name) for name in DATA_SETS}
    for name, found in courses.items():
        CONSOLE.print(table(name, found))
    checked = bars(courses, equal)
    show_bars(checked)
    numbers = {name: {method: asdict(course) for method, course in found.items()} for name, found in courses.items()}
    save(options.json, "increments", {"courses": numbers, "equal_steps": equal, "bars": saved_bars(checked)})


def groups(name: str) -> Groups:
    """The classes of each step, in the order of first appearance."""
    labels = list(dict.fromkeys(load(name, "train").labels.tolist()))
    size = len(labels) // STEPS[name]
    return [labels[start : start + size] for start in range(0, len(labels), size)]


def measure(name: str) -> dict[str, Course]:
    """Every method over the steps."""
    steps = groups(name)
    made = learners([label for step in steps for label in step])
    shown = track(made.items(), name, console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)
    return {method: course(name, steps, make) for method, make in shown}


def course(name: str, steps: Groups, make: Callable[[], Learner]) -> Course:
    train, test = load(name, "train"), load(name, "test")
    parts = [of_classes(test, step) for step in steps]
    learner, found = make(), Course([], [], [], joint(train, test, make))
    for number, step in enumerate(steps):
        learner.learn(of_classes(train, step))
        asked = parts[: number + 1]
        answers = [learner.answer(part.vectors) for part in asked]
        found.open.append([percent_right(some, part.labels) for some, part in zip(answers, asked, strict=True)])
        closed = zip(asked, steps, strict=False)
        found.closed.append([percent_right(learner.answer(part.vectors, own), part.labels) for part, own in closed])
        truth = np.concatenate([part.labels for part in asked])
        found.seen.append(percent_right(np.concatenate(answers), truth))
    return found


def joint(train: Split, test: Split, make: Callable[[], Learner]) -> float:
    """Accuracy of the method taught everything at once."""
    learner = make()
    learner.learn(train)
    return percent_right(learner.answer(test.vectors), test.labels)


def equal_steps(name: str) -> int:
    """After how many steps the memory is, digest and answers, the one taught the same at once, last class first."""
    train, test, steps = load(name, "train"), load(name, "test"), groups(name)
    by_steps, equal = MemoryLearner(), 0
    for number, step in enumerate(steps):
        by_steps.learn(of_classes(train, step))
        seen = [label for some in steps[: number + 1] for label in some]
        at_once = MemoryLearner()
        at_once.learn(in_order(train, seen[::-1]))
        asked = of_classes(test, seen).vectors
        answers = [one.memory.predict(asked, top_k=len(seen)) for one in (by_steps, at_once)]
        equal += by_steps.memory.digest() == at_once.memory.digest() and answers[0] == answers[1]
    return equal


def of_classes(split: Split, classes: list[str]) -> Split:
    return split.rows(np.flatnonzero(np.isin(split.labels, classes)))


def in_order(split: Split, classes: list[str]) -> Split:
    """The rows of these classes, class after class."""
    return split.rows(np.concatenate([np.flatnonzero(split.labels == label) for label in classes]))


def forgetting(accuracy: list[list[float]]) -> float:
    """Chaudhry et al. 2018, equation 3, at the last step; the best is taken over every step, the last included."""
    last = accuracy[-1]
    best = [max(row[step] for row in accuracy[step:]) for step in range(len(last) - 1)]
    return float(np.mean(np.array(best) - np.array(last[:-1])))


def bars(courses: dict[str, dict[str, Course]], equal: dict[str, int]) -> list[Bar]:
    """Equality with learning at once, and what is lost without it."""
    checked = []
    for name, steps in STEPS.items():
        checked.append(Bar(f"{name}: digest and answers equal to joint after", equal[name], steps, "steps"))
        checked.append(Bar(f"{name}: lost to steps", courses[name][MEMORY].lost, 0.0, "points", least=False))
    return checked


def table(name: str, courses: dict[str, Course]) -> Table:
    """A row for each method; the last two columns are of answers restricted to the classes of a text's own step."""
    drawn = Table(title=f"{name}, {STEPS[name]} steps; percent right on the test texts of the classes seen, and points")
    columns = ("at the end", "mean of steps", "at once", "lost to steps", "forgetting", "among own", "own, at the end")
    for column in ("method", *columns):
        drawn.add_column(column, justify="left" if column == "method" else "right")
    for method, found in courses.items():
        numbers = (found.seen[-1], float(np.mean(found.seen)), found.joint, found.lost, forgetting(found.open))
        own = float(np.mean(found.closed[-1]))
        cells = [f"{number:.2f}" for number in (*numbers, forgetting(found.closed), own)]
        drawn.add_row(method, *cells, style="bold" if method == MEMORY else "")
    return drawn


if __name__ == "__main__":
    main()
