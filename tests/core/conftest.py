"""Which heads vote, whatever the size of the memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from protomem.panels import EVEN, FEW, WHOLE, Weights


@pytest.fixture(params=[FEW, WHOLE, EVEN], ids=["few", "whole", "many"], scope="module")
def voters(request: pytest.FixtureRequest) -> Iterator[Weights]:
    """Each panel of heads in turn, whatever the memory's size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protomem.ensemble.panel", lambda *_: request.param)
        yield request.param


@pytest.fixture
def unrounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads over examples answer in the float64 they are solved in: `test_duals` has what float32 makes of it."""
    monkeypatch.setattr("protomem.heads.duals.ANSWERED", np.float64)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a large memory."""
    monkeypatch.setattr("protomem.ensemble.panel", lambda *_: EVEN)
