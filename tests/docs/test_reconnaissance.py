"""The example on handwriting, with a tiny network: merged is central, and gradient descent forgets."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import protomem

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def handwriting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example's helper, where it can run."""
    pytest.importorskip("torch", reason="the example trains a network: protomem[text] brings torch")
    pytest.importorskip("PIL", reason="the example reads drawings: protomem[plots] brings Pillow")
    monkeypatch.syspath_prepend(EXAMPLES)
    found = pytest.importorskip("handwriting")
    if not all(file.is_file() for file in found.FILES):
        pytest.skip("Omniglot is not in ../shared/data/omniglot")
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("handwriting")
def test_merged_is_central_after_each_mission_and_a_client_can_leave(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "missions.png"
    monkeypatch.setattr(sys, "argv", ["federated_reconnaissance.py", "--quick", "--plot", str(picture)])
    runpy.run_path(str(EXAMPLES / "federated_reconnaissance.py"), run_name="__main__")
    said = capsys.readouterr().out
    rows = re.findall(r"│ (\d+) +│ ([\d.]+) +│ ([\d.]+) +│ ([\d.]+) +│ ([\d.]+) +│ (\w+) ", said)
    assert [int(met) for met, *_ in rows] == [8, 16, 24]
    assert all(merged == central and same == "True" for _, merged, central, _, _, same in rows)
    assert float(rows[-1][1]) > float(rows[-1][3]) + 22  # the margin that the paper reports
    assert "client-1 withdraws, and never was there: True" in said
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_no_alphabet_of_the_field_was_trained_on(handwriting: ModuleType) -> None:
    example = pytest.importorskip("federated_reconnaissance")
    world = example.World.of(example.Effort(), seed=1)
    alphabets = [{name.partition("/")[0] for name in some.characters} for some in (world.seen, world.asked)]
    assert alphabets == [
        {"Balinese", "Early_Aramaic", "Greek", "Korean", "Latin"},
        {"Japanese_(katakana)", "Sanskrit", "Tagalog"},
    ]
    met = np.concatenate([mission.met.characters for mission in world.missions])
    assert len(set(met)) == 47 + 42 + 17
    assert set(np.concatenate([mission.met.drawers for mission in world.missions])) == set(range(1, 16))
    assert set(world.asked.drawers) == set(range(16, 21))
    for mission in world.missions:
        assert sum(map(len, mission.parts)) == len(mission.met)


def test_a_drawing_is_encoded_alike_in_every_batch(handwriting: ModuleType) -> None:
    world = handwriting.drawings(handwriting.FILES[1], lambda name: name == "Tagalog")
    encoder = handwriting.Handwriting(handwriting.network(8), world)
    alone = np.concatenate([encoder.encode(one[None]) for one in world.pixels[:20]])
    assert np.array_equal(alone, encoder.encode(world.pixels)[:20])


def test_an_encoder_is_named_by_its_weights_and_takes_drawings_alone(handwriting: ModuleType) -> None:
    world = handwriting.drawings(handwriting.FILES[1], lambda name: name == "Tagalog")
    net = handwriting.network(8)
    before = handwriting.Handwriting(net, world)
    assert handwriting.Handwriting(net, world).fingerprint == before.fingerprint
    net[0][0].bias.data[0] += 0.1
    assert handwriting.Handwriting(net, world).fingerprint != before.fingerprint
    with pytest.raises(protomem.errors.InvalidItem, match=r"not float32 drawings \(n, 28, 28\)"):
        before.encode(np.zeros((2, 27, 28), dtype=np.float32))
