"""Is anything lost when clients learn new characters apart, beside networks that are trained further and forget?

The missions of `examples/federated_reconnaissance.py`, several draws of the network and of the order of the characters,
beside more learners. Their rates and epochs were chosen by `--rehearse`: on the first file of Omniglot alone, where the
network is trained without Korean and Korean is what is met. The trained networks are kept in `.bench-cache/`.
"""

from __future__ import annotations

import hashlib
import sys
from copy import deepcopy
from typing import Any, Final, final

import numpy as np
import torch
from bars import Bar, saved_bars, show_bars
from common import CACHE, CONSOLE, ROOT, arguments, save, show_machine
from rich.table import Table
from torch import nn

sys.path.insert(0, str(ROOT / "examples"))
import federated_reconnaissance as example
import handwriting
from federated_reconnaissance import Central, Effort, Merged, Mission, Tuned, World
from fine_tuning import BATCH, FineTuned
from handwriting import Drawings, Handwriting, Pixels, embedded, tensor

PAPER: Final = 22.0
"""Points by which the paper's prototypical network is ahead of continual learners by gradient, on 600 characters."""

HEAD_RATE: Final = 1e-2
DISTILLED_RATE: Final = 2e-4
TEMPERATURE: Final = 2.0
"""Li and Hoiem's, of the answers that are to stay as they were."""

TUNED: Final = ("fine-tuned", "FedAvg")
FORGETTING: Final = (*TUNED, "head alone", "own labels", "distilled")
"""By gradient, mission after mission."""


def main() -> None:
    options = arguments(
        __doc__,
        ("--seeds", {"type": int, "default": 2, "help": "draws of network and order (default: 2)"}),
        ("--rehearse", {"action": "store_true", "help": "choose on the first file alone"}),
    )
    if not all(file.is_file() for file in handwriting.FILES):
        CONSOLE.print("skipped: Omniglot is absent; tests/benchmarks/README.md says where the data sets come from")
        raise SystemExit(0)
    torch.set_num_threads(1)
    show_machine()
    runs = [run(seed, rehearse=options.rehearse) for seed in range(options.seeds)]
    CONSOLE.print(drawn(runs))
    checked = bars(runs)
    show_bars(checked)
    save(options.json, "reconnaissance", {"runs": runs, "bars": saved_bars(checked)})


def run(seed: int, *, rehearse: bool) -> dict[str, Any]:
    """One draw: percent right after each mission by method, and after how many missions merged equalled central."""
    effort = Effort()
    world = World.of(effort, seed, rehearse=rehearse)
    encoder = encoder_of(world, effort, seed)
    methods, equal = learners(encoder, effort, seed), 0
    merged, central = methods["merged"], methods["central"]
    rows = []
    for outcome in example.missions(world, methods):
        equal += example.equal(merged.memory, central.memory, world.asked.pixels)
        rows.append({"characters": outcome.characters} | outcome.right)
        CONSOLE.print({name: round(value, 1) for name, value in rows[-1].items()})
    everything = Mission([], drawings_of(world))
    at_once = Tuned(FineTuned(encoder, rate=effort.rate, seed=seed), effort.epochs)
    at_once.learn(everything)
    right = float(np.mean(world.asked.characters == np.array(at_once.answers(world.asked.pixels))))
    withdrawn = example.withdrawn(merged, world, effort.width)
    sent = {"largest": max(merged.sent), "all": sum(merged.sent)}
    return {
        "seed": seed,
        "encoder": encoder.fingerprint,
        "missions": rows,
        "equal": equal,
        "at once": 100 * right,
        "withdrawn": withdrawn,
        "sent": sent,
    }


def encoder_of(world: World, effort: Effort, seed: int) -> Handwriting:
    """The example's, trained once for these settings and drawings."""
    settings = f"{effort.channels} {effort.episodes} {effort.ways} {handwriting.RATE} {seed} {torch.__version__}"
    key = hashlib.sha256(settings.encode() + world.seen.pixels.tobytes()).hexdigest()[:16]
    path = CACHE / f"reconnaissance-{key}.pt"
    if path.exists():
        net = handwriting.network(effort.channels)
        net.load_state_dict(torch.load(path, weights_only=True))
        return Handwriting(net, world.seen)
    encoder = example.encoder_of(world, effort, seed)
    CACHE.mkdir(exist_ok=True)
    torch.save(encoder.net.state_dict(), path)
    return encoder


def learners(encoder: Handwriting, effort: Effort, seed: int) -> dict[str, Any]:
    """All that are compared, by name."""
    tuned = FineTuned(encoder, rate=effort.rate, seed=seed)
    fedavg = FineTuned(encoder, rate=effort.rate, seed=seed)
    head = FineTuned(encoder, rate=HEAD_RATE, seed=seed, whole=False)
    own = FineTuned(encoder, rate=HEAD_RATE, seed=seed, whole=False, own=True)
    return {
        "merged": Merged(encoder, effort.width),
        "central": Central(encoder, effort.width),
        "keeps codes": Central(encoder, effort.width, "codes"),
        "class means": ClassMeans(encoder),
        "fine-tuned": Tuned(tuned, effort.epochs),
        "FedAvg": Tuned(fedavg, effort.epochs, federated=True),
        "head alone": Tuned(head, effort.epochs),
        "own labels": Tuned(own, effort.epochs),
        "distilled": Distilled(FineTuned(encoder, rate=DISTILLED_RATE, seed=seed), effort.epochs),
    }


@final
class ClassMeans:
    """The paper's own: means of embeddings, in floating point; the nearest one is the answer."""

    def __init__(self, encoder: Handwriting) -> None:
        self.encoder = encoder
        self.means: dict[str, Pixels] = {}

    def learn(self, mission: Mission) -> None:
        embeddings = self.encoder.encode(mission.met.pixels)
        for name in np.unique(mission.met.characters):
            self.means[str(name)] = embeddings[mission.met.characters == name].mean(axis=0)

    def answers(self, pixels: Pixels) -> list[str | None]:
        names, means = list(self.means), np.stack(list(self.means.values()))
        distances = np.square(self.encoder.encode(pixels)[:, None] - means).sum(axis=2)
        return [names[nearest] for nearest in distances.argmin(axis=1)]


@final
class Distilled:
    """Learning without forgetting (Li and Hoiem 2016): on new drawings, what was known is to score as it did before."""

    def __init__(self, model: FineTuned, epochs: int) -> None:
        self.model, self.epochs = model, epochs

    def learn(self, mission: Mission) -> None:
        model, known = self.model, len(self.model.names)
        before = deepcopy(model)
        model.meet(np.unique(mission.met.characters).tolist())
        labels = torch.tensor([model.names.index(name) for name in mission.met.characters]) - known
        pixels = tensor(mission.met.pixels)
        with torch.inference_mode():
            kept = torch.softmax(before.head(before.net.eval()(pixels)) / TEMPERATURE, dim=1)[:, :known].clone()
        model.net.train()
        optimiser = torch.optim.Adam([*model.net.parameters(), *model.head.parameters()], model.rate)
        for _ in range(self.epochs):
            for rows in torch.from_numpy(model.dice.permutation(len(pixels))).split(BATCH):
                scores = model.head(embedded(model.net, pixels[rows]))
                loss = nn.functional.cross_entropy(scores[:, known:], labels[rows])
                if known:
                    now = torch.log_softmax(scores[:, :known] / TEMPERATURE, dim=1)
                    loss = loss - TEMPERATURE**2 * (kept[rows] * now).sum(1).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def answers(self, pixels: Pixels) -> list[str | None]:
        return [*self.model.answers(pixels)]


def drawings_of(world: World) -> Drawings:
    """What all clients draw on all missions."""
    met = [mission.met for mission in world.missions]
    columns = ("pixels", "characters", "drawers")
    return Drawings(*(np.concatenate([getattr(one, column) for one in met]) for column in columns))


def final_of(runs: list[dict[str, Any]], name: str) -> list[float]:
    """Percent right after the last mission, of each draw."""
    return [one["missions"][-1][name] for one in runs]


def drawn(runs: list[dict[str, Any]]) -> Table:
    """A row for each method, means of all draws."""
    steps = runs[0]["missions"]
    table = Table(title=f"percent right of all characters that anyone has met, means of {len(runs)} draws")
    for column in ("method", *(f"{step['characters']} met" for step in steps), "sd at the end"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for name in list(steps[0])[1:]:
        means = np.mean([[step[name] for step in one["missions"]] for one in runs], axis=0)
        table.add_row(name, *(f"{mean:.1f}" for mean in means), f"{np.std(final_of(runs, name)):.1f}")
    joint = np.mean([one["at once"] for one in runs])
    table.add_row("fine-tuned, all at once", *[""] * (len(steps) - 1), f"{joint:.1f}", "")
    return table


def bars(runs: list[dict[str, Any]]) -> list[Bar]:
    """Equality, and by how much the merged memory is ahead in the mean, of fine-tuning and of the best by gradient."""
    merged = float(np.mean(final_of(runs, "merged")))
    best = {name: float(np.mean(final_of(runs, name))) for name in FORGETTING}
    missions = len(runs[0]["missions"]) * len(runs)
    return [
        Bar("digest and answers equal to central after", sum(one["equal"] for one in runs), missions, "missions"),
        Bar("equal to the others' after a withdrawal", sum(one["withdrawn"] for one in runs), len(runs), "draws"),
        Bar("ahead of fine-tuning and FedAvg", merged - max(best[name] for name in TUNED), PAPER, "points"),
        Bar("ahead of all by gradient", merged - max(best.values()), PAPER, "points"),
    ]


if __name__ == "__main__":
    main()
