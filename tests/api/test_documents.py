"""What is told of the service is what it does: the OpenAPI document, the table of settings, the round with curl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.api.serving import Served

API = Path(__file__).parents[2] / "api"
DOCUMENT = json.loads((API / "openapi.json").read_bytes())
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_what_is_checked_in_is_what_is_written() -> None:
    """Run `python api/write_documents.py` where this fails."""
    code = f"""
import runpy
documents = runpy.run_path({str(API / "write_documents.py")!r})["documents"]()
print(*(word for path, content in documents.items() for word in (path, path.read_bytes() == content)))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(API / "openapi.json"), "True", str(API / "README.md"), "True"]


def test_the_document_is_served_to_anyone(server: Served, admin: object) -> None:
    assert httpx.get(f"{server.url}/schema").json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_how_it_fails(path: str, method: str, operation: dict) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    failures = {status: told for status, told in operation["responses"].items() if status >= "400"}
    assert {"400", "401", "404", "429", "500", "503"} <= failures.keys()
    for told in failures.values():
        assert told["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if "requestBody" in operation:
        assert {"408", "409", "413", "415", "422"} <= failures.keys()
        content = operation["requestBody"]["content"]
        if operation["operationId"] == "merge":  # the one body that is no JSON
            assert content["application/octet-stream"]["schema"]["format"] == "binary"
            return
        schema = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert DOCUMENT["components"]["schemas"][schema]["additionalProperties"] is False
    assert path in ("/health/live", "/health/ready") or "security" not in operation


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(("heading", "least"), [("# The service", 5), ("## Federation", 5)])
def test_the_rounds_in_the_readme_run(server: Served, tmp_path: Path, heading: str, least: int) -> None:
    """Each `$ curl` of the README, against this server and with a key of its own; the answers are as shown."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    readme = (API / "README.md").read_text(encoding="utf-8")
    console = readme.partition(f"{heading}\n")[2].split("```console")[1].split("```")[0]
    _, secret = server.keys.create("readme", "admin")
    environment = os.environ | {"PROTOMEM_API_KEY": secret, "PROTOMEM_URL": server.url}
    time.sleep(1.5)  # keys are read again every second
    commands = [part for part in re.split(r"^\$ ", console, flags=re.MULTILINE) if part.startswith("curl")]
    assert len(commands) >= least
    for part in commands:
        command, _, shown = part.rstrip("\n").rpartition("\n")
        ran = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        for piece in shown.split("…"):
            assert piece in ran.stdout, f"{command}\nanswers\n{ran.stdout}"
