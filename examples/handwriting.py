"""Drawings of Omniglot's characters, and a small prototypical network (Snell et al. 2017) that is trained on some."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

import protomem

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "omniglot"
FILES = FOLDER / "images_background_small1.zip", FOLDER / "images_background_small2.zip"
NAMES = "images_background_small*.zip"
SIDE = 28
Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Drawings:
    """Ink from 0 to 1, (n, 28, 28); the character of each, such as "Sanskrit/character07"; and who drew it, 1 to 20."""

    pixels: Pixels
    characters: npt.NDArray[np.str_]
    drawers: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.characters)

    def where(self, wanted: npt.NDArray[np.bool_]) -> Drawings:
        return Drawings(self.pixels[wanted], self.characters[wanted], self.drawers[wanted])

    def of(self, characters: Sequence[str]) -> Drawings:
        return self.where(np.isin(self.characters, characters))


def drawings(file: Path, wanted: Callable[[str], bool] = lambda _: True) -> Drawings:
    """Those of the alphabets that are wanted, read from the zip: `…/Sanskrit/character07/0862_13.png`."""
    with zipfile.ZipFile(file) as box:
        paths = [Path(name) for name in sorted(box.namelist()) if name.endswith(".png")]
        paths = [path for path in paths if wanted(path.parts[-3])]
        pixels = np.stack([_ink(box.read(path.as_posix())) for path in paths])
    characters = np.array(["/".join(path.parts[-3:-1]) for path in paths])
    return Drawings(pixels, characters, np.array([int(path.stem[-2:]) for path in paths]))


def _ink(png: bytes) -> Pixels:
    small = Image.open(io.BytesIO(png)).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return 1 - np.asarray(small, dtype=np.float32) / 255


def network(channels: int) -> nn.Sequential:
    """Four blocks of convolution, batch normalisation, ReLU and pooling: 28 × 28 pixels to `channels` numbers."""
    blocks = [_block(before, channels) for before in (1, channels, channels, channels)]
    return nn.Sequential(*blocks, nn.Flatten()).to(memory_format=torch.channels_last)


def _block(before: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)
    )


def tensor(pixels: Pixels) -> torch.Tensor:
    """What the network takes."""
    return torch.from_numpy(pixels[:, None]).contiguous(memory_format=torch.channels_last)


def embedded(net: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """What it makes of them while it is trained: in bfloat16, three times as fast."""
    with torch.autocast("cpu", torch.bfloat16):
        return net(pixels).float()


SHOTS = ASKED = 5
"""Drawings of a character in an episode: those its prototype is the mean of, and those that are asked about."""


def prototypical(seen: Drawings, *, channels: int, episodes: int, ways: int, seed: int) -> nn.Sequential:
    """A network trained so that drawings lie near their character's mean. A character turned by 90° is another one."""
    torch.manual_seed(seed)
    dice, net = np.random.default_rng(seed), network(channels)
    stacks = [seen.of([name]).pixels for name in np.unique(seen.characters)]
    characters = [np.rot90(stack, turns, axes=(1, 2)) for stack in stacks for turns in range(4)]
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, episodes)
    for _ in range(episodes):
        picked = dice.choice(len(characters), ways, replace=False)
        drawn = [characters[one][dice.permutation(20)[: SHOTS + ASKED]] for one in picked]
        loss = _episode(embedded(net, tensor(np.concatenate(drawn))), ways)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


RATE = 2e-3


def _episode(embeddings: torch.Tensor, ways: int) -> torch.Tensor:
    """The loss of answering with the nearest prototype."""
    shots, asked = embeddings.view(ways, SHOTS + ASKED, -1).split([SHOTS, ASKED], dim=1)
    distances = torch.cdist(asked.flatten(0, 1), shots.mean(1)).square()
    return nn.functional.cross_entropy(-distances, torch.arange(ways).repeat_interleave(ASKED))


class Handwriting:
    """A trained network as an encoder: frozen, and named by a hash of its weights.

    Each drawing goes through it by itself, so that a client and a central memory get the same bits for it. The mean
    embedding of what it was trained on is subtracted, because only directions are remembered.
    """

    name: ClassVar[str] = "omniglot-prototypical"
    reproducible: ClassVar[bool] = True
    keeps_text: ClassVar[bool] = False

    def __init__(self, net: nn.Sequential, seen: Drawings) -> None:
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.dimension = self._raw(seen.pixels[:1]).shape[1]
        self.centre = self._raw(seen.pixels).mean(axis=0)
        self.fingerprint = self._hash()

    def encode(self, items: Any, progress: Any = None) -> Pixels:
        pixels = np.asarray(items)
        if pixels.ndim != 3 or pixels.shape[1:] != (SIDE, SIDE) or pixels.dtype != np.float32:
            raise protomem.errors.InvalidItem(
                f"got {pixels.dtype} of shape {pixels.shape}, not float32 drawings (n, {SIDE}, {SIDE})"
            )
        embeddings = self._raw(pixels) - self.centre
        if progress is not None:
            progress(len(pixels), len(pixels))
        return embeddings

    def _raw(self, pixels: Pixels) -> Pixels:
        with torch.inference_mode():
            return np.concatenate([self.net(one).numpy() for one in tensor(pixels).split(1)])

    def _hash(self) -> str:
        found = hashlib.sha256(self.centre.tobytes())
        for name, value in self.net.state_dict().items():
            found.update(name.encode() + value.contiguous().numpy().tobytes())
        return found.hexdigest()
