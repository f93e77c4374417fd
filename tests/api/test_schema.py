"""Schemathesis asks the running service everything its OpenAPI document allows, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.conftest import POINTS, TEXTS
from tests.api.serving import Served, served
from tests.conftest import LetterEncoder

from protomem_api import Settings

CONFIG = Path(__file__).parents[2] / "api" / "schemathesis.toml"
SWEEP = os.environ.get("HYPOTHESIS_PROFILE") == "sweep"
EXAMPLES = 60 if SWEEP else 2
"""Of each kind for each route; with the cases of coverage some 300 requests, and far over 2,000 in a sweep."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on which little can be made that takes long."""
    settings = Settings(
        data=tmp_path_factory.mktemp("asked"),
        encoders=("letters",),
        width=64,
        kernel_rows=64,
        items=50,
        log_level="error",
    )
    with served(settings, (LetterEncoder(),)) as running:
        yield running


def test_every_answer_is_as_documented_and_none_is_a_failure(small: Served, tmp_path: Path) -> None:
    """All checks of Schemathesis, among them: no 5xx, documented statuses, types and bodies, no missing rights."""
    admin = small.client("admin")
    # `support` and `website` are the names that the document gives as examples.
    for name, settings, examples in (("support", "letters", TEXTS), ("points", "vectors:2", POINTS)):
        assert admin.post("/v1/memories", json={"name": name, "encoder": settings, "width": 64}).is_success
        assert admin.post(f"/v1/memories/{name}/learn", json=examples).is_success
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(CONFIG)),
        *("run", f"{small.url}/schema", "--header", f"Authorization: {admin.headers['authorization']}"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure", "--no-color"),
        *("--generation-database", "none", "--suppress-health-check", "all"),
        *(() if SWEEP else ("--seed", "1", "--phases", "examples,fuzzing,stateful")),
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1_800, check=False)
    assert ran.returncode == 0, ran.stdout[-9_000:] + ran.stderr[-2_000:]
