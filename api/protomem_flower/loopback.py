"""A whole federation on one machine: a SuperLink and SuperNodes as processes that talk over loopback alone.

For trying a federation, for examples and tests. A real one runs the same commands on many machines, with TLS.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

from protomem.errors import InvalidInput
from protomem_flower.errors import FlowerFailed
from protomem_flower.outcomes import Outcome, Round
from protomem_flower.settings import Value

__all__ = ["APP", "QUIET", "Loopback"]

APP: Final = Path(__file__).with_name("app")
"""The folder of the Flower app, for `flwr run`."""

QUIET: Final[Mapping[str, str]] = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
"""What keeps Flower from telling its makers of its use and from asking them for news; it does both by default."""

HOST: Final = "127.0.0.1"

START_SECONDS: Final = 60.0
"""For the SuperLink to listen: it takes 3 on an idle machine."""

NODE: Final = re.compile(r"\w[\w .-]*")
"""What names of nodes look like: files are called by them."""

STOP_SECONDS: Final = 10.0
"""For a process to end by itself before it is killed."""

POLL_SECONDS: Final = 0.1

TAIL_LINES: Final = 30
"""Of what a process said last, shown where it failed."""


@final
class Loopback:
    """A SuperLink and a SuperNode for each client, started on entering and stopped on leaving, by their ids.

    `nodes` holds the node configuration of each SuperNode, as in `ClientSettings`, by client name. `folder` takes what
    Flower keeps and what the processes say, in files called by these names; it should be empty. Linux and macOS: each
    is a process group of its own, in which Flower starts more processes.
    """

    def __init__(self, folder: str | Path, nodes: Mapping[str, Mapping[str, Value]]) -> None:
        self._folder = Path(folder).resolve()
        self._nodes = nodes
        self._ran = 0
        self._port = 0
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start_link()
            for client, config in self._nodes.items():
                self.start_client(client, config)
        except BaseException:
            self._stop(*self._running)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(*self._running)

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the process groups that run, by name; "superlink" and "superexec" are the coordinator's."""
        return {name: process.pid for name, process in self._running.items()}

    def run(self, config: Mapping[str, Value], timeout: float = 600.0) -> list[Round]:
        """Run the app with this run configuration, as in `CoordinatorSettings`; what became of each client by round.

        Raises `FlowerFailed`, with what the processes said last, if it fails or takes longer than `timeout` seconds.
        """
        self._ran += 1
        name = f"run-{self._ran}"
        report = self._folder / f"{name}.json"
        report.unlink(missing_ok=True)  # that of an earlier federation in this folder
        settings = self._toml(name, {**config, "report": str(report)})
        process = self._start(name, ["flwr", "run", str(APP), "loopback", "--run-config", str(settings), "--stream"])
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"the run is not over after {timeout:g} seconds", name) from error
        finally:
            self._stop(name)
        return self._rounds(report, name)

    def start_client(self, client: str, config: Mapping[str, Value]) -> None:
        """Start the SuperNode of one more client, or again that of one that was stopped.

        Raises `InvalidInput` for a name that runs already, or that no file here can have.
        """
        if not NODE.fullmatch(client) or client in {"config", "superlink", "superexec"} or client.startswith("run-"):
            raise InvalidInput(
                f"a node cannot be called {client!r} here: take letters, digits, spaces, dots and hyphens, and no name "
                'of Flower\'s own; client="…" in its configuration may be anything'
            )
        if client in self._running:
            raise InvalidInput(f"the node {client!r} runs already: stop_client ends it")
        port, settings = _free_port(), self._toml(client, {"client": client, **config})
        command = ["flower-supernode", "--insecure", "--superlink", f"{HOST}:{self._port}", "--host", HOST]
        self._start(client, [*command, "--port", str(port), "--node-config", str(settings)])

    def stop_client(self, client: str) -> None:
        """Stop the SuperNode of a client, as if its machine were gone."""
        self._stop(client)

    def said(self, name: str) -> str:
        """What a process said last; `name` is as in `pids`."""
        lines = self._log(name).read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _start_link(self) -> None:
        self._port = _free_port()
        connection = f'[superlink]\ndefault = "loopback"\n\n[superlink.loopback]\naddress = "{HOST}:{self._port}"\n'
        (self._folder / "config.toml").write_text(connection + "insecure = true\n", "utf-8")
        # In the other mode a SuperLink starts its SuperExec, which runs the ServerApp, in a group of unknown id.
        own = ["--insecure", "--isolation", "process", "--host", HOST, "--port", str(self._port)]
        link, end = self._start("superlink", ["flower-superlink", *own]), time.monotonic() + START_SECONDS
        while not _listens(self._port):
            if link.poll() is not None:
                raise self._failed(f"the SuperLink ended with exit code {link.returncode}", "superlink")
            if time.monotonic() > end:
                raise self._failed(f"the SuperLink does not listen after {START_SECONDS:g} seconds", "superlink")
            time.sleep(POLL_SECONDS)
        # Nothing is installed for an app unless it is told to: its code is what is installed here already.
        runs = ["--insecure", "--runtime-api-address", f"{HOST}:{self._port}", "--parent-pid", str(link.pid)]
        self._start("superexec", ["flower-superexec", *runs])

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        scripts = Path(sys.executable).parent
        program = scripts / command[0]
        if not program.exists():
            raise FlowerFailed(f"{program} is not there: pip install 'protomem[federated]' into this environment")
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 a program of this environment
                [str(program), *command[1:]],
                env=self._environment(scripts),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def _environment(self, scripts: Path) -> dict[str, str]:
        """That of this process, with Flower kept to this folder, quiet, and off any proxy."""
        own = {
            **QUIET,
            "FLWR_HOME": str(self._folder),
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": str(POLL_SECONDS),
            "NO_PROXY": HOST,
            "no_proxy": HOST,
            # Flower starts its own programs by their names.
            "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
        return {**os.environ, **own}

    def _stop(self, *names: str) -> None:
        """End these and all that they started, the last started first, and wait for them."""
        ending = [process for name in reversed(names) if (process := self._running.pop(name, None))]
        for process in ending:
            _signal(process, signal.SIGTERM)
        for process in ending:
            with suppress(subprocess.TimeoutExpired):  # then it is killed, with what is left of the others
                process.wait(STOP_SECONDS)
            _signal(process, signal.SIGKILL)
            process.wait()

    def _rounds(self, report: Path, name: str) -> list[Round]:
        """The rounds that were reported. Raises `FlowerFailed` where some are missing."""
        found = json.loads(report.read_text("utf-8")) if report.exists() else {"asked": None, "rounds": []}
        rounds = [
            Round(**one | {"outcomes": tuple(Outcome(**each) for each in one["outcomes"])}) for one in found["rounds"]
        ]
        if len(rounds) != found["asked"]:
            raise self._failed(f"the run ended after {len(rounds)} rounds", name)
        return rounds

    def _toml(self, name: str, config: Mapping[str, Value]) -> Path:
        """A configuration as a file."""
        path = self._folder / f"{name}.toml"
        path.write_text("".join(f"{key} = {_toml_value(value)}\n" for key, value in config.items()), "utf-8")
        return path

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _failed(self, why: str, *names: str) -> FlowerFailed:
        asked = [name for name in dict.fromkeys([*names, "superexec", "superlink"]) if self._log(name).exists()]
        said = "\n".join(f"--- {name} said last:\n{self.said(name)}" for name in asked)
        return FlowerFailed(f"{why}; the logs are in {self._folder}\n{said}")


def _toml_value(value: Value) -> str:
    """A JSON text, number or truth value is one of TOML too, but for surrogate pairs and a bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the whole group of a process that was started here; its id is the process's own, and kept while any lives."""
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(process.pid, number)


def _free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
