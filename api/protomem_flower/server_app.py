"""The ServerApp: opens the coordinator's memory, runs the rounds, and writes what became of each client."""

from __future__ import annotations

import json
import logging
from typing import Final

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

import protomem
from protomem_flower.outcomes import Round
from protomem_flower.rounds import federate
from protomem_flower.settings import CoordinatorSettings

__all__ = ["app", "run"]

LOG: Final = logging.getLogger("flwr")
"""Flower sends what is said there to whoever follows the run."""

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """One run, as its configuration says."""
    run(grid, CoordinatorSettings.of(context.run_config))


def run(grid: Grid, settings: CoordinatorSettings) -> list[Round]:
    """Open the memory, withdraw and merge; what became of each client in each round.

    Raises what `protomem.open` does and `FlowerFailed` where too few clients come; what was merged before stays.
    """
    rounds: list[Round] = []
    with protomem.open(settings.memory, encoder=settings.encoder) as memory:
        for one in federate(memory, grid, settings):
            rounds.append(one)
            _tell(one)
            _write(settings, rounds)
    return rounds


def _tell(one: Round) -> None:
    for outcome in one.outcomes:
        LOG.log(logging.INFO if outcome.state == "merged" else logging.WARNING, "%s", outcome)
    LOG.info("after round %d: %d examples, digest %s", one.number, one.examples, one.digest)


def _write(settings: CoordinatorSettings, rounds: list[Round]) -> None:
    """The report so far, whole at any moment."""
    if settings.report is None:
        return
    unfinished = settings.report.with_name(f"{settings.report.name}.new")
    text = json.dumps({"asked": settings.rounds, "rounds": [one.as_json() for one in rounds]}, indent=1)
    unfinished.write_text(text + "\n", "utf-8")
    unfinished.replace(settings.report)
