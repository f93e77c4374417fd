"""From memories to a merged memory, with only the total in between."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
from tests.core.federation_secure.session import Session, agreed, dice, names

import protomem
from protomem.federation.contribution import Contribution
from protomem.federation.secure_layout import Layout
from protomem.federation.sums import Sums
from protomem.signing import Secrets
from protomem.space import Space, SpaceSettings

ENCODER = protomem.Vectors(8)
SPACE = Space(SpaceSettings(8, ENCODER.fingerprint, width=32))
LABELS = ("a", "b", "c")


def opened() -> protomem.Memory:
    return protomem.open(None, encoder=ENCODER, width=32)


def examples(client: int) -> tuple[np.ndarray, list[str], list[str]]:
    vectors = np.random.default_rng(client).normal(size=(6, 8))
    return vectors, [LABELS[(client + row) % 3] for row in range(6)], [f"{client} {row}" for row in range(6)]


def sums_of(client: int) -> Sums:
    """What a client's memory shares."""
    memory = opened()
    vectors, labels, ids = examples(client)
    memory.learn(vectors, labels, ids=ids)
    return memory.contribution(names(4)[client]).sums(SPACE)


def merged(total: Sums) -> protomem.Memory:
    """A coordinator's memory with the total, signed by the coordinator itself: there is nobody else to sign it."""
    secrets = Secrets(dice("signing")(32), dice("hashing")(32))
    memory = opened()
    memory.merge(Contribution.of(total, client="all", sequence=1, since=0, digest=total.digest(), secrets=secrets))
    return memory


def secure_total(parts: list[Sums], drops: dict[str, int]) -> Sums:
    layout = Layout(SPACE.settings, parts[0].level, LABELS)
    vectors = dict(zip(names(4), map(layout.words, parts), strict=True))
    return layout.sums(Session(agreed(4, 3, layout), layout).play(vectors, drops))


def test_the_merged_memory_is_the_one_that_learned_what_the_survivors_did() -> None:
    central = opened()
    for client in (0, 1, 3):
        vectors, labels, ids = examples(client)
        central.learn(vectors, labels, ids=ids)
    total = secure_total([sums_of(client) for client in range(4)], {names(4)[2]: 2})
    assert merged(total).digest() == central.digest()


def test_noisy_totals_are_merged_once_they_are_plausible() -> None:
    pytest.importorskip("opendp", reason="differential privacy needs protomem[private]")
    from protomem.federation.privacy import Protection, plausible, private_sums

    promise = Protection(100.0)  # so little noise that eight examples a label are never taken for none
    parts = [private_sums(sums_of(client).reduced("prototypes"), LABELS, promise) for client in range(4)]
    total = secure_total(parts, {})
    assert total.digest() == reduce(add, parts).digest()
    memory = merged(plausible(total))
    assert memory.predict(examples(0)[0])[0].heads == ("prototypes",)
