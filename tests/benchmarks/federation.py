"""What is merged from clients that keep their examples: how right is it, and what does it cost, beside averaging?

The training split is dealt to 20 clients, of each class by shares drawn from Dirichlet(0.1), so that most of a class is
with one or two of them. Each has a memory of its own and sends one contribution; the coordinator merges them, at each
level, and answers the test split. Beside it: averaged class means, FedAvg of a linear head (20 rounds), and two central
memories of all examples, one that keeps sums alone and one that keeps codes.

Merged at level full it has to be the central memory of sums, digest and answers, at the default width and at a larger
one; at the lower levels, the memory merged from one client that has everything. Learning rate and epochs of FedAvg are
those best on the validation split. Bytes are those of one client: sent ("up", in all rounds) and received ("down"; of a
memory, its merged contribution). Seconds are of processor time, of all clients and the coordinator, until the first
answer can be given; FedAvg's without the search for its settings. A central memory is sent the codes of all examples.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Final, Literal, final

import numpy as np
from bars import Bar, Option, saved_bars, show_bars
from common import (
    CONSOLE,
    DATA_SETS,
    DIMENSION,
    Split,
    arguments,
    load,
    named,
    percent_right,
    require_data,
    save,
    show_machine,
)
from fedavg import ROUNDS, averaged_means, federated_head, nearest
from rich.table import Table

import protomem
from protomem.federation.levels import LEVELS, Level

CLIENTS: Final = 20
ALPHA: Final = 0.1
RATES: Final = (3.0, 10.0, 30.0, 100.0, 300.0)
EPOCHS: Final = (1, 5, 20)
MOST_BYTES: Final = 800
"""A class and client at level prototypes."""
MOST_LOST: Final = 0.7
"""Points on BANKING77, against a central memory that keeps codes."""
WIDE: Final = 4_096
"""Twice the default number of features: four times the bytes, for what is lost without codes."""
WIDER: Final = f"full, width={WIDE}"


@final
@dataclass(frozen=True, slots=True)
class Way:
    """One way to learn from all clients: percent right on the test split, and what it cost."""

    right: float
    rounds: int
    up: float
    down: float
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Merged:
    """The memory of one level: whether it is the one it has to be, and the sizes of what the clients sent."""

    way: Way
    equal: bool
    bytes_a_class: float
    most_bytes_a_class: float


def main() -> None:
    options = arguments(__doc__)
    require_data(("CLINC150", "val"))
    show_machine()
    merged: dict[str, dict[str, Merged]] = {}
    others: dict[str, dict[str, Way]] = {}
    for name in DATA_SETS:
        clients, test = dealt(load(name, "train"), np.random.default_rng(0)), load(name, "test")
        levels = LEVELS if name == "CLINC150" else ("full",)
        others[name] = {f"central, retain={kept!r}": central(clients, test, kept) for kept in ("nothing", "codes")}
        merged[name] = {level: federated(clients, test, level) for level in levels}
        merged[name][WIDER] = federated(clients, test, "full", WIDE)
        if name == "CLINC150":
            others[name] |= {
                "averaged class means": means(clients, test),
                f"FedAvg, linear, {ROUNDS} rounds": averaging(clients, load(name, "val"), test),
            }
        ways = {f"merged, level {level}": found.way for level, found in merged[name].items()} | others[name]
        CONSOLE.print(table(f"{name}, {len(clients)} clients, Dirichlet {ALPHA}", ways))
    small = merged["CLINC150"]["prototypes"]
    CONSOLE.print(
        f"prototypes: {small.bytes_a_class:.0f} bytes a class and client, everything included; "
        f"{small.most_bytes_a_class:.0f} at the client with the most"
    )
    checked = bars(merged, others)
    show_bars(checked)
    numbers = {name: {level: asdict(found) for level, found in of.items()} for name, of in merged.items()}
    beside = {name: {way: asdict(found) for way, found in of.items()} for name, of in others.items()}
    save(options.json, "federation", {"merged": numbers, "others": beside, "bars": saved_bars(checked)})


def dealt(train: Split, dice: np.random.Generator) -> list[Split]:
    """The split dealt to the clients, of each class by shares of its own; clients of nothing are left out."""
    owner = np.empty(len(train), dtype=np.int64)
    for label in np.unique(train.labels):
        rows = np.flatnonzero(train.labels == label)
        owner[rows] = dice.choice(CLIENTS, size=len(rows), p=dice.dirichlet(np.full(CLIENTS, ALPHA)))
    parts = [train.rows(np.flatnonzero(owner == client)) for client in range(CLIENTS)]
    return [part for part in parts if len(part)]


def federated(clients: list[Split], test: Split, level: Level, width: int | None = None) -> Merged:
    """Every client sends its contribution, once."""
    start, sent = time.process_time(), []
    with opened("nothing", width) as coordinator:
        for number, client in enumerate(clients):
            with opened("codes", width) as memory:
                memory.learn(client.vectors, client.labels.tolist())
                sent.append(memory.contribution(f"client-{number}", level).to_bytes())
        for one in sent:
            coordinator.merge(one)
        coordinator.predict(test.vectors[:1])
        spent = time.process_time() - start
        sizes, classes = np.array([len(one) for one in sent]), np.array([len(np.unique(one.labels)) for one in clients])
        down = len(coordinator.contribution("everybody", level, merged=True).to_bytes())
        answers = coordinator.predict(test.vectors)
        way = Way(percent_right(named(answers), test.labels), 1, float(sizes.mean()), down, spent)
        with of_one_client(clients, level, width) as whole:
            equal = whole.digest() == coordinator.digest() and whole.predict(test.vectors) == answers
    return Merged(way, equal, float(sizes.sum() / classes.sum()), float((sizes / classes).max()))


def of_one_client(clients: list[Split], level: Level, width: int | None) -> protomem.Memory:
    """What a merged memory has to be: central at level full, else merged from one client that has everything."""
    central = opened("nothing", width)
    for client in clients:
        central.learn(client.vectors, client.labels.tolist())
    if level == "full":
        return central
    with central:
        whole = opened("nothing", width)
        whole.merge(central.contribution("everything", level))
    return whole


def central(clients: list[Split], test: Split, retain: Literal["nothing", "codes"]) -> Way:
    """One memory that is sent every example's codes."""
    start = time.process_time()
    with opened(retain) as memory:
        for client in clients:
            memory.learn(client.vectors, client.labels.tolist())
        memory.predict(test.vectors[:1])
        spent = time.process_time() - start
        right = percent_right(named(memory.predict(test.vectors)), test.labels)
    return Way(right, 1, DIMENSION * float(np.mean([len(client) for client in clients])), 0, spent)


def means(clients: list[Split], test: Split) -> Way:
    """Class means in float32, averaged over clients without weights; the nearest by cosine."""
    start = time.process_time()
    found = averaged_means(clients)
    spent = time.process_time() - start
    up = 4 * DIMENSION * float(np.mean([len(np.unique(client.labels)) for client in clients]))
    return Way(percent_right(nearest(found, test.vectors), test.labels), 1, up, 4 * DIMENSION * len(found), spent)


def averaging(clients: list[Split], val: Split, test: Split) -> Way:
    """FedAvg with the learning rate and epochs that are best on the validation split."""
    tried = {
        (rate, epochs): percent_right(federated_head(clients, rate, epochs).answer(val.vectors), val.labels)
        for rate in RATES
        for epochs in EPOCHS
    }
    rate, epochs = max(tried, key=tried.__getitem__)
    shown = ", ".join(f"{rate:g}/{epochs} {right:.2f}" for (rate, epochs), right in tried.items())
    CONSOLE.print(f"FedAvg, rate/epochs and percent right on the validation split: {shown}; taken {rate:g}/{epochs}")
    start = time.process_time()
    head = federated_head(clients, rate, epochs)
    spent, size = time.process_time() - start, ROUNDS * head.weights.nbytes
    return Way(percent_right(head.answer(test.vectors), test.labels), ROUNDS, size, size, spent)


def opened(retain: Literal["nothing", "codes"], width: int | None = None) -> protomem.Memory:
    return protomem.open(None, encoder=protomem.Vectors(DIMENSION), retain=retain, width=width)


def bars(merged: dict[str, dict[str, Merged]], others: dict[str, dict[str, Way]]) -> list[Bar]:
    """Equality with central training, ahead of averaging, the size of prototypes, and what is lost without codes."""
    checked = []
    for name, levels in merged.items():
        for level, found in levels.items():
            checked.append(Bar(f"{name}: {level}, digest and answers equal to central", found.equal, 1, "yes"))
    ours, beside = merged["CLINC150"]["full"].way.right, others["CLINC150"]
    averages = ("averaged class means", f"FedAvg, linear, {ROUNDS} rounds")
    checked += [Bar(f"CLINC150: ahead of {way}", ours - beside[way].right, 0.0, "points") for way in averages]
    small = merged["CLINC150"]["prototypes"].bytes_a_class
    checked.append(Bar("CLINC150: prototypes, bytes a class and client", small, MOST_BYTES, "bytes", least=False))
    found, codes = merged["BANKING77"], others["BANKING77"]["central, retain='codes'"].right
    wider = Option(f"width={WIDE}", codes - found[WIDER].way.right)
    lost = codes - found["full"].way.right
    checked.append(Bar("BANKING77: lost against central codes", lost, MOST_LOST, "points", least=False, option=wider))
    return checked


def table(title: str, ways: dict[str, Way]) -> Table:
    drawn = Table(title=f"{title}; percent right on the test split")
    for column in ("", "right", "rounds", "kB up a client", "kB down a client", "seconds"):
        drawn.add_column(column, justify="right" if column else "left")
    for name, way in ways.items():
        cells = (f"{way.right:.2f}", str(way.rounds), kilobytes(way.up), kilobytes(way.down), f"{way.seconds:.1f}")
        drawn.add_row(name, *cells, style="bold" if name == "merged, level full" else "")
    return drawn


def kilobytes(size: float) -> str:
    return f"{size / 1000:,.1f}" if size else "–"


if __name__ == "__main__":
    main()
