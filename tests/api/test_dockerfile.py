"""The Dockerfile: images are built elsewhere, so what it names must be there, and what it runs must run."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from tests.api.serving import Served
from typer.testing import CliRunner

import protomem
from protomem.cli.main import app
from protomem_api.settings import PREFIX, read_settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "api" / "Dockerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
STEPS = [tuple(line.split(" ", 1)) for line in LINES if line]


def of(name: str) -> list[str]:
    return [rest for step, rest in STEPS if step == name]


def environment() -> dict[str, str]:
    """Of the last stage."""
    last = STEPS[max(row for row, (step, _) in enumerate(STEPS) if step == "FROM") :]
    return dict(pair.split("=", 1) for step, rest in last if step == "ENV" for pair in shlex.split(rest))


def test_it_has_no_other_steps_than_these_tests_read() -> None:
    known = {"ARG", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
    assert {step for step, _ in STEPS} == known | {"CMD"}


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (ROOT / "api" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    allowed = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    assert patterns[0] == "*"
    copied = {source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    named = {
        PROJECT["readme"],
        *PROJECT["license-files"],
        *wheel["wheel"]["packages"],
        *wheel["wheel"]["force-include"],
    }
    copied = [source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]]
    assert all(any(fnmatch.fnmatch(one, f"{source}*") for source in copied) for one in named)


def test_what_is_copied_from_a_stage_is_made_there() -> None:
    stages = {rest.split(" AS ")[1] for rest in of("FROM") if " AS " in rest}
    made = " ".join([*of("RUN"), *of("ENV")])
    for rest in of("COPY"):
        if rest.startswith("--from="):
            stage, source, _ = rest.removeprefix("--from=").split()
            assert stage in stages
            assert source in made


def test_the_packages_are_those_of_the_project() -> None:
    extras = {extra for rest in of("RUN") for found in re.findall(r"'\.\[(.*?)\]'", rest) for extra in found.split(",")}
    assert extras == {"server", "onnx", "onnx-export"}
    assert extras <= PROJECT["optional-dependencies"].keys()
    (weights,) = (found for rest in of("RUN") for found in re.findall(r"'(gt-[^']+)'", rest))
    assert Requirement(weights) in map(Requirement, PROJECT["optional-dependencies"]["text"])
    (torch,) = (rest.partition("=")[2] for rest in of("ARG") if rest.startswith("TORCH"))
    assert f"TORCH ?= {torch}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    (python,) = (rest.partition("=")[2] for rest in of("ARG") if rest.startswith("PYTHON"))
    assert Version(python) in SpecifierSet(PROJECT["requires-python"])


def test_what_the_export_runs_is_in_the_library() -> None:
    (code,) = (shlex.split(rest)[2] for rest in of("RUN") if rest.startswith("python -c"))
    compile(code, "Dockerfile", "exec")
    name, model = re.findall(r"protomem\.(\w+)\('(.+?)', layers=True\)", code)[0]
    assert hasattr(protomem, name)
    assert environment()["PROTOMEM_ENCODERS"] == f"layers:{model}"


def test_its_environment_is_settings_that_can_be_read() -> None:
    given = environment()
    names = {name.removeprefix(PREFIX).lower() for name in given if name.startswith(PREFIX)}
    settings = read_settings({}, given, None)
    assert names == {"data", "host", "port", "encoders"}
    assert [str(settings.data)] == of("VOLUME") == [of("RUN")[-1].split()[-1]]
    assert [str(settings.port)] == of("EXPOSE")
    assert settings.auth


def test_it_does_not_run_as_root() -> None:
    (user,) = of("USER")
    assert re.search(rf"useradd .*--uid [1-9]\d+ .*{user}\b", of("RUN")[-1])
    assert STEPS.index(("USER", user)) < STEPS.index(("ENTRYPOINT", of("ENTRYPOINT")[0]))


def test_what_it_starts_is_a_command() -> None:
    command, *arguments = json.loads(of("ENTRYPOINT")[0]) + json.loads(of("CMD")[0])
    assert command in PROJECT["scripts"]
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


@pytest.mark.parametrize("well", [True, False])
def test_its_health_is_that_of_the_server(server: Served, well: bool) -> None:
    command = json.loads(of("HEALTHCHECK")[0].partition(" CMD ")[2])
    port = urlsplit(server.url).port if well else 9  # where nothing listens
    asked = [sys.executable, *command[1:]]
    ran = subprocess.run(asked, env=os.environ | {"PROTOMEM_PORT": str(port)}, capture_output=True, check=False)
    assert (command[0], ran.returncode == 0) == ("python", well)
