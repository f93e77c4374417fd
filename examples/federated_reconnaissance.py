"""Federated Reconnaissance (arXiv 2109.00150) on handwriting: what clients learn apart is merged, nothing is forgotten.

A small network is trained on the characters of one file of Omniglot and frozen. Then five clients go on missions and
meet characters of alphabets that were not in it. After each mission they send what is new, as sums; a coordinator adds
it up and is asked about every character that anyone has met, in drawings by other people. Beside it: a central memory,
which is the same to the last bit, and the same network trained further on each mission's drawings, which forgets.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self

import handwriting
import numpy as np
import torch
from fine_tuning import FineTuned, averaged
from handwriting import Drawings, Handwriting, Pixels, drawings, prototypical
from rich.console import Console
from rich.table import Table

import protomem

CLIENTS = [f"client-{number}" for number in range(1, 6)]
LEARNED_FROM = 15
"""Of the 20 people who drew each character; what the other five drew is asked about."""


@dataclass(frozen=True)
class Effort:
    """How much is done. The best `epochs` and `rate` of fine-tuning were found by `--rehearse`, which knows the first
    file alone: the network is trained without Korean, and Korean is what is met.
    """

    channels: int = 64
    episodes: int = 600
    ways: int = 30
    characters: int = 10_000
    missions: int = 5
    epochs: int = 20
    rate: float = 1e-3
    width: int = 2_048


QUICK = Effort(channels=16, episodes=40, ways=20, characters=24, missions=3, epochs=4, width=256)


@dataclass(frozen=True)
class Mission:
    """What each client draws from the field, in the order of `CLIENTS`, and all of it."""

    parts: list[Drawings]
    met: Drawings


@dataclass(frozen=True)
class World:
    """What the network is trained on, the missions, and what is asked after them."""

    seen: Drawings
    missions: list[Mission]
    asked: Drawings

    @classmethod
    def of(cls, effort: Effort, seed: int, *, rehearse: bool = False) -> Self:
        first, second = handwriting.FILES
        if rehearse:
            seen, field = drawings(first, lambda name: name != "Korean"), drawings(first, lambda name: name == "Korean")
        else:
            seen = drawings(first)
            known = {name.partition("/")[0] for name in seen.characters}  # Greek and Latin are in both files
            field = drawings(second, lambda name: name not in known)
        names = np.random.default_rng(seed).permutation(np.unique(field.characters))[: effort.characters]
        learned, asked = (field.where(some) for some in (field.drawers <= LEARNED_FROM, field.drawers > LEARNED_FROM))
        missions = [_mission(learned.of(some)) for some in np.array_split(names, effort.missions)]
        return cls(seen, missions, asked)


def _mission(met: Drawings) -> Mission:
    """Each character is met by two clients: one gets the drawings of half the people, another those of the others."""
    number = np.searchsorted(np.unique(met.characters), met.characters)
    owner = (number + (met.drawers > LEARNED_FROM // 2)) % len(CLIENTS)
    return Mission([met.where(owner == client) for client in range(len(CLIENTS))], met)


class Method(Protocol):
    """A way to learn what is met, mission after mission."""

    def learn(self, mission: Mission) -> None: ...
    def answers(self, pixels: Pixels) -> list[str | None]: ...


class Merged:
    """The coordinator's memory, which gets sums from the clients' memories and no drawing."""

    def __init__(self, encoder: Handwriting, width: int) -> None:
        self.clients = {name: protomem.open(None, encoder=encoder, width=width) for name in CLIENTS}
        self.memory = protomem.open(None, encoder=encoder, width=width, retain="nothing")
        self.sent: list[int] = []

    def learn(self, mission: Mission) -> None:
        for (name, client), part in zip(self.clients.items(), mission.parts, strict=True):
            client.learn(part.pixels, part.characters.tolist())
            document = client.contribution(name).to_bytes()  # after the first, only what is new
            self.memory.merge(document)
            self.sent.append(len(document))

    def answers(self, pixels: Pixels) -> list[str | None]:
        return [one.label for one in self.memory.predict(pixels)]


class Central:
    """One memory that is given every drawing."""

    def __init__(self, encoder: Handwriting, width: int, retain: Literal["codes", "nothing"] = "nothing") -> None:
        self.memory = protomem.open(None, encoder=encoder, width=width, retain=retain)

    def learn(self, mission: Mission) -> None:
        self.memory.learn(mission.met.pixels, mission.met.characters.tolist())

    def answers(self, pixels: Pixels) -> list[str | None]:
        return [one.label for one in self.memory.predict(pixels, evidence=0)]


class Tuned:
    """The network trained further, by one who is given every drawing of the mission, or by FedAvg over the clients."""

    def __init__(self, model: FineTuned, epochs: int, *, federated: bool = False) -> None:
        self.model, self.epochs, self.federated = model, epochs, federated

    def learn(self, mission: Mission) -> None:
        self.model.meet(np.unique(mission.met.characters).tolist())
        if self.federated:
            averaged(self.model, mission.parts, self.epochs)
        else:
            self.model.learn(mission.met, self.epochs)

    def answers(self, pixels: Pixels) -> list[str | None]:
        return [*self.model.answers(pixels)]


@dataclass(frozen=True)
class Outcome:
    """After a mission: how many characters anyone has met, and percent right by method."""

    characters: int
    right: dict[str, float]


def missions(world: World, methods: Mapping[str, Method]) -> Iterator[Outcome]:
    """Every mission, and what each method answers after it."""
    met: list[str] = []
    for mission in world.missions:
        met += np.unique(mission.met.characters).tolist()
        asked = world.asked.of(met)
        right = {}
        for name, method in methods.items():
            method.learn(mission)
            right[name] = 100 * float(np.mean(asked.characters == np.array(method.answers(asked.pixels))))
        yield Outcome(len(met), right)


def equal(one: protomem.Memory, other: protomem.Memory, pixels: Pixels) -> bool:
    """Whether two memories are one to the last bit: all sums, and every probability of every answer."""
    answers, others = (memory.predict(pixels, top_k=len(memory.classes())) for memory in (one, other))
    return one.digest() == other.digest() and answers == others


def encoder_of(world: World, effort: Effort, seed: int) -> Handwriting:
    """The network, trained on what is seen and frozen."""
    how = {"channels": effort.channels, "episodes": effort.episodes, "ways": effort.ways}
    return Handwriting(prototypical(world.seen, **how, seed=seed), world.seen)


def withdrawn(merged: Merged, world: World, width: int) -> bool:
    """Withdraw the first client. Whether the memory is the one that the others' drawings make."""
    merged.memory.withdraw(CLIENTS[0])
    others = Central(merged.memory.encoder, width)
    for mission in world.missions:
        for part in mission.parts[1:]:
            others.learn(Mission([], part))
    return equal(merged.memory, others.memory, world.asked.pixels)


def arguments() -> Namespace:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tiny network and few characters, in seconds")
    parser.add_argument("--rehearse", action="store_true", help="within the first file, as the settings were chosen")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the table as a picture")
    return parser.parse_args()


def main() -> None:
    options, console = arguments(), Console(highlight=False)
    if not all(file.is_file() for file in handwriting.FILES):
        raise SystemExit(
            f"put the two {handwriting.NAMES} of github.com/brendenlake/omniglot into {handwriting.FOLDER}"
        )
    torch.set_num_threads(1)  # FAISS and torch bring an OpenMP each
    effort, seed = QUICK if options.quick else Effort(), options.seed
    world = World.of(effort, seed, rehearse=options.rehearse)
    console.print(f"training on {len(np.unique(world.seen.characters))} characters, {effort.episodes} episodes")
    encoder = encoder_of(world, effort, seed)
    console.print(f"frozen: {encoder.fingerprint}")

    merged, central = Merged(encoder, effort.width), Central(encoder, effort.width)
    tuned = Tuned(FineTuned(encoder, rate=effort.rate, seed=seed), effort.epochs)
    fedavg = Tuned(FineTuned(encoder, rate=effort.rate, seed=seed), effort.epochs, federated=True)
    methods = {"merged": merged, "central": central, "fine-tuned": tuned, "FedAvg": fedavg}
    table = Table("characters met", *methods, "merged is central", title="percent right of all that anyone has met")
    outcomes = []
    for outcome in missions(world, methods):
        same = equal(merged.memory, central.memory, world.asked.pixels)
        table.add_row(str(outcome.characters), *(f"{one:.1f}" for one in outcome.right.values()), str(same))
        outcomes.append(outcome)
    console.print(table)

    last = outcomes[-1].right
    console.print(f"merged is ahead of fine-tuned by {last['merged'] - last['fine-tuned']:.1f} points")
    console.print(f"a client sent at most {max(merged.sent) / 1024:,.0f} KiB a mission")
    console.print("client-1 withdraws, and never was there:", withdrawn(merged, world, effort.width))
    if options.plot:
        plot(outcomes, options.plot)


def plot(outcomes: list[Outcome], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axis, met = figure.subplots(), [one.characters for one in outcomes]
    for name in outcomes[0].right:
        axis.plot(
            met, [one.right[name] for one in outcomes], "--" if name == "central" else "-", marker="o", label=name
        )
    axis.set(xlabel="characters that anyone has met", ylabel="percent right", ylim=(0, 100))
    axis.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
