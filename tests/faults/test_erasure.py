"""Law 5: after a purge no byte of what was forgotten is in any file of the memory, and all that lives is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.faults.markers import CLASSES, Marked, marker, present, traces
from tests.faults.operations import SWEEP, Operation
from tests.faults.workers import Said, Worker

COUNT = 200_000 if SWEEP else 2_000
BATCH = 10_000
DIMENSION = 64

UNCOMPRESSED = SWEEP
"""DuckDB compresses full blocks of strings and bytes, even random ones a little: then a search finds nothing, before a
purge or after. So a large memory is told not to; a small one is not compressed anyway, as the search before shows."""

LEARNS: list[Operation] = [
    {"do": "learn marked", "start": start, "stop": min(start + BATCH, COUNT)} for start in range(0, COUNT, BATCH)
]


def shares(folder: Path, numbers: Sequence[int], *, texts: bool) -> dict[str, float]:
    """Of these examples, the share whose traces are in the folder, by kind."""
    left = traces([Marked(number) for number in numbers], DIMENSION, texts=texts)
    return {kind: float(np.mean(present(folder, markers))) for kind, markers in left.items()}


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.9])
@pytest.mark.parametrize("retain", ["codes", "items"])
def test_what_was_forgotten_and_purged_is_in_no_file(retain: str, share: float, worker: Worker, tmp_path: Path) -> None:
    cut = round(share * COUNT)
    out = {number for number in range(COUNT) if number < cut or number % CLASSES == 3}
    gone, living = sorted(out), sorted(set(range(COUNT)) - out)
    stages: dict[str, list[Operation]] = {
        "forgotten": [*LEARNS, {"do": "reopen"}, *forgets(cut)],
        "purged": [{"do": "purge"}],
        "closed": [{"do": "close"}],
    }
    for stage, operations in stages.items():
        scans: list[dict[str, float]] = []

        def watch(said: Said, kill: Callable[[], None]) -> None:
            if said.get("done") == len(operations):  # noqa: B023 - called in this round only
                scans.extend(shares(tmp_path, some, texts=retain == "items") for some in (gone, living))  # noqa: B023
                kill()

        more = {"retain": retain, "dimension": DIMENSION, "uncompressed": UNCOMPRESSED, "then": "wait"}
        worker.run(watch, job="work", path=tmp_path / "m.duckdb", operations=operations, **more)
        assert set(scans[1].values()) == {1.0}, f"{stage}: the scan finds only {scans[1]} of what lives"
        wanted = 1.0 if stage == "forgotten" else 0.0
        assert set(scans[0].values()) == {wanted}, f"{stage}: {scans[0]} of what was forgotten"


def forgets(cut: int) -> list[Operation]:
    """Forget the first ones one by one, and what is left of a whole label."""
    return [{"do": "forget marked", "numbers": [0, cut]}, {"do": "forget", "label": marker("label 3", 14)}]
