"""A server on a folder, as a process of its own: started, asked, killed, started again.

Run as a program it serves with jobs that a test can hold: verify and purge report progress after few rows, and while
there is a file `hold` in the folder, a job waits at its next report.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np

ROOT = Path(__file__).parents[2]

ROWS = 10
"""Rows between two reports of progress."""

EXAMPLES = 10 * ROWS
"""Of a memory that a job works on for some steps."""

LONGEST = 60.0
"""Seconds after which a server that does not answer is taken for dead."""

KEYS = {role: f"pm_{role}" for role in ("admin", "writer", "reader", "other", "stranger")}
"""Secrets: of all memories, for writing and reading `m`, and for writing `other`; a stranger's is not known."""


class ServerProcess:
    """A server process. `client` calls it as the admin."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.settings = settings
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROTOMEM_")} | {
            f"PROTOMEM_{name.upper()}": str(value) for name, value in self.settings.items()
        }
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.processes", str(self.folder), str(self._port)],
            cwd=ROOT,
            env=environment,
            stderr=self._log,
        )
        self.client = self.as_("admin")
        deadline = time.monotonic() + LONGEST
        while not self._answers():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def as_(self, role: str) -> httpx.Client:
        """A client with the key of this name."""
        headers = {"Authorization": f"Bearer {KEYS[role]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=LONGEST, trust_env=False)

    def kill(self) -> None:
        """As a power cut would, but for the disk."""
        self.process.send_signal(signal.SIGKILL)  # which does nothing to one that has ended
        self.ended()

    def ended(self) -> int:
        """Its exit status, when it has stopped."""
        status = self.process.wait(LONGEST)
        self.client.close()
        self._log.close()
        return status

    def log(self) -> str:
        """All that it wrote."""
        return (self.folder / "server.log").read_text(encoding="utf-8")

    @property
    def resident(self) -> int:
        """Bytes in RAM."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise AssertionError("no VmRSS")

    @contextmanager
    def held(self) -> Iterator[Path]:
        """Inside, jobs wait at their next report of progress, as long as the file is there."""
        file = self.folder / "hold"
        file.touch()
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def wait_for(self, id: str, *states: str) -> dict[str, Any]:
        """The job when it is in one of these states."""
        deadline = time.monotonic() + LONGEST
        while (job := self.client.get(f"/v1/jobs/{id}").json()).get("state") not in states:
            assert time.monotonic() < deadline, f"still {job}"
            time.sleep(0.02)
        found: dict[str, Any] = job
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False


def create(client: httpx.Client, name: str, examples: int = EXAMPLES) -> None:
    """A memory with this many examples of two labels."""
    client.post("/v1/memories", json={"name": name, "encoder": "vectors:8", "width": 16}).raise_for_status()
    vectors = np.random.default_rng(1).normal(size=(examples, 8)).tolist()
    body = {"items": vectors, "labels": ["a", "b"] * (examples // 2), "ids": [f"e{row}" for row in range(examples)]}
    client.post(f"/v1/memories/{name}/learn", json=body).raise_for_status()


def ask(client: httpx.Client, kind: str, memory: str = "m") -> dict[str, Any]:
    """A job that was just asked for."""
    answer = client.post(f"/v1/memories/{memory}/{kind}", json={} if kind == "report" else None)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    return job


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_keys(folder: Path) -> None:
    """Keys with secrets that tests know."""
    import hashlib

    import msgspec

    from protomem_api.keys import Key

    def key(secret: str, role: Any, memories: tuple[str, ...] | None) -> Key:
        digest = hashlib.sha256(KEYS[secret].encode()).hexdigest()
        return Key(id=secret, name=secret, role=role, memories=memories, created="2026-01-01", sha256=digest)

    keys = [
        key("admin", "admin", None),
        key("writer", "write", ("m",)),
        key("reader", "read", ("m",)),
        key("other", "write", ("other",)),
    ]
    (folder / "keys.json").write_bytes(msgspec.json.encode(keys))


def main(folder: Path, port: int) -> None:
    """Serve, with jobs that can be held."""
    import protomem.verification
    import protomem_api.jobs
    import protomem_store.purge
    from protomem_api import read_settings, serve

    protomem.verification.VERIFY_ROWS = protomem_store.purge.BATCH_ROWS = ROWS  # type: ignore[attr-defined, misc]
    told = protomem_api.jobs._progress

    def holding(*args: Any) -> Any:
        report = told(*args)

        def tell(done: int, total: int) -> None:
            report(done, total)
            while (folder / "hold").exists() and not args[0].stop:
                time.sleep(0.01)
            report(done, total)

        return tell

    protomem_api.jobs._progress = holding
    serve(read_settings({"data": folder, "port": port}, os.environ, None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
