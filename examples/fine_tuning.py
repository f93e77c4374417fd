"""What is forgotten: a network that goes on training on whatever characters come next."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from handwriting import Drawings, Handwriting, Pixels, embedded, tensor
from torch import nn

BATCH = 32


class FineTuned:
    """A trained network and a linear head that gets a row for each new character.

    `whole`: the network learns too, not only the head. `own`: a drawing is told apart only from what is learned with
    it, so that training pushes nothing down that was learned before (Caccia et al. 2022).
    """

    def __init__(self, encoder: Handwriting, *, rate: float, seed: int, whole: bool = True, own: bool = False) -> None:
        torch.manual_seed(seed)
        self.net = deepcopy(encoder.net).requires_grad_(whole)
        self.dimension, self.head = encoder.dimension, nn.Identity()
        self.names: list[str] = []
        self.rate, self.whole, self.own = rate, whole, own
        self.dice = np.random.default_rng(seed)

    def meet(self, characters: list[str]) -> None:
        """Rows for those that are new; all others stay as they are."""
        new = [name for name in characters if name not in self.names]
        grown = nn.Linear(self.dimension, len(self.names) + len(new))
        with torch.no_grad():
            for mine, before in zip(grown.parameters(), self.head.parameters(), strict=bool(self.names)):
                mine[: len(before)] = before
        self.head, self.names = grown, self.names + new

    def learn(self, drawn: Drawings, epochs: int) -> None:
        """Gradient descent on these drawings alone: nothing is left of those before."""
        labels = torch.tensor([self.names.index(name) for name in drawn.characters])
        pixels = tensor(drawn.pixels)
        self.net.train(self.whole)
        optimiser = torch.optim.Adam([*self.net.parameters(), *self.head.parameters()], self.rate)
        for _ in range(epochs):
            for rows in torch.from_numpy(self.dice.permutation(len(drawn))).split(BATCH):
                loss = nn.functional.cross_entropy(self._scores(pixels[rows], labels), labels[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def _scores(self, pixels: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        scores = self.head(embedded(self.net, pixels))
        if not self.own:
            return scores
        others = torch.ones(len(self.names), dtype=torch.bool).scatter(0, labels, value=False)
        return scores.masked_fill(others, -torch.inf)

    def answers(self, pixels: Pixels) -> list[str]:
        self.net.eval()
        with torch.inference_mode():
            return [self.names[best] for best in self.head(self.net(tensor(pixels))).argmax(1)]


def averaged(model: FineTuned, parts: list[Drawings], rounds: int) -> None:
    """FedAvg (McMahan et al. 2017): in each round every client trains an epoch, and the weights are averaged."""
    shares = torch.tensor([len(part) for part in parts]) / sum(map(len, parts))
    for _ in range(rounds):
        clients = [deepcopy(model) for _ in parts]
        for client, part in zip(clients, parts, strict=True):
            client.learn(part, 1)
        for mine, theirs in ((model.net, [one.net for one in clients]), (model.head, [one.head for one in clients])):
            states = [one.state_dict() for one in theirs]
            mine.load_state_dict({name: _mean([state[name] for state in states], shares) for name in states[0]})
        model.dice = clients[0].dice


def _mean(values: list[torch.Tensor], shares: torch.Tensor) -> torch.Tensor:
    return torch.stack([value * share for value, share in zip(values, shares, strict=True)]).sum(0).to(values[0].dtype)
