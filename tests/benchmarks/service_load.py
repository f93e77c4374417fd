"""How much the service bears: answers a second, their latency beside writes, durable writes, texts.

The server runs in a process of its own, as `protomem serve` does, and is asked over sockets from this one. What an
answer costs is told beside a Litestar route that decodes the same body and answers a constant. What is compared takes
turns, so that a slow minute of the machine falls on both sides of a ratio; ratios are medians of the rounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from load_client import Served, closed_loop, open_loop, request_bytes, together
from rich.console import Console
from rich.table import Table

import protomem
from protomem_api import KeyFile

CLASSES, DIMENSION = 150, 384
CLIENTS, MANY = 32, 64
RATE = 200.0
"""Requests a second of the latency bar."""
CALM, BESIDE = "predict, 200 a second", "predict, 200 a second, beside writes"

BARE = """
import sys
import uvicorn
from litestar import Litestar, post
from litestar.params import JSONBody
from protomem_api import wire

@post("/predict", status_code=200)
async def predict(data: JSONBody[wire.Predict]) -> wire.Answers:
    return ANSWER

ANSWER = wire.Answers(answers=[wire.Answer(
    label="label", probability=0.9, label_set=None, novelty=0.5, abstained=False, heads=["analytic"],
    ranking=[wire.Probability(label=f"label {row}", probability=0.1) for row in range(5)],
    evidence=[wire.Evidence(id=f"id {row}", labels=["label"], similarity=0.8) for row in range(3)],
)])
uvicorn.run(Litestar([predict], openapi_config=None), port=int(sys.argv[1]), log_config=None, access_log=False)
"""

SERVE = "from protomem.cli.main import main; main()"

console = Console()


def main() -> int:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="of the loads that are compared")
    parser.add_argument("--examples", type=int, default=10, help="examples a class")
    parser.add_argument("--text", action="store_true", help="texts too, by the ONNX encoder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        _, key = KeyFile(data).create("load", "admin")
        vectors = taught(data / "vectors.duckdb", given.examples)
        table = Table("load", "requests/s", "p50 ms", "p99 ms", "failed", box=None)
        asyncio.run(loads(data, key, vectors, given, table))
    console.print(table)
    return 0


def taught(file: Path, examples: int) -> np.ndarray:
    """A memory of 150 classes around as many centres; vectors to ask about."""
    dice = np.random.default_rng(0)
    centres = dice.standard_normal((CLASSES, DIMENSION))
    noise = dice.standard_normal((CLASSES * examples, DIMENSION))
    labels = np.arange(len(noise)) % CLASSES
    with protomem.open(file, encoder=protomem.Vectors(DIMENSION)) as memory:
        memory.learn(centres[labels] + noise, [f"label {label}" for label in labels])
    return centres + dice.standard_normal(centres.shape)


async def loads(data: Path, key: str, vectors: np.ndarray, given: Namespace, table: Table) -> None:
    seconds = given.seconds
    with process(["-c", BARE]) as bare, process(["-c", SERVE, "serve", "--data", str(data), "--port"]) as port:
        rounds = [await in_turns(bare, port, vectors, key, f"beside-{row}", seconds) for row in range(given.rounds)]
        for name in rounds[0]:
            add(table, name, together([one[name] for one in rounds]))
        one = await closed_loop(port, learns(vectors, key, "one"), 1, seconds)
        many = await closed_loop(port, learns(vectors, key, "many"), CLIENTS, seconds)
        add(table, "learn one, 1 client", one)
        add(table, f"learn one, {CLIENTS} clients", many)
        if given.text:
            add(table, f"predict one text, {CLIENTS} clients", await texts(port, key, seconds))
    for clients in (CLIENTS, MANY):
        shares = [
            one[f"predict, {clients} clients"].rate / one[f"a bare route, {clients} clients"].rate for one in rounds
        ]
        table.add_row(f"predict / bare, {clients} clients", told(shares))
    table.add_row("p99 beside writes / without", told([one[BESIDE].late / one[CALM].late for one in rounds]))
    table.add_row(f"durable learns, {CLIENTS} clients / 1", f"{many.rate / one.rate:.2f}")


async def in_turns(
    bare: int, port: int, vectors: np.ndarray, key: str, prefix: str, seconds: float
) -> dict[str, Served]:
    """One round of the loads that are compared, by name."""
    bodies = [json.dumps({"items": [row.round(6).tolist()]}).encode() for row in vectors]
    bares = cycle([request_bytes("/predict", body) for body in bodies])
    predicts = cycle([request_bytes("/v1/memories/vectors/predict", body, key) for body in bodies])
    took: dict[str, Served] = {}
    for at, asked in ((bare, bares), (port, predicts)):
        await closed_loop(at, asked, CLIENTS, 1)
    for clients in (CLIENTS, MANY):
        took[f"a bare route, {clients} clients"] = await closed_loop(bare, bares, clients, seconds)
        took[f"predict, {clients} clients"] = await closed_loop(port, predicts, clients, seconds)
    took["predict, 1 client"] = await closed_loop(port, predicts, 1, seconds)
    took[CALM] = await open_loop(port, predicts, RATE, seconds)
    writing = asyncio.create_task(closed_loop(port, writes(vectors, key, prefix), 1, seconds))
    took[BESIDE] = await open_loop(port, predicts, RATE, seconds)
    took["  these writes: learn, forget, 1 client"] = await writing
    return took


def add(table: Table, name: str, served: Served) -> None:
    row = (f"{served.rate:,.0f}", f"{served.percentile(0.5):.1f}", f"{served.late:.1f}")
    table.add_row(name, *row, str(served.failed))


def told(ratios: Sequence[float]) -> str:
    """The median of ratios, and between what they lie."""
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


async def texts(port: int, key: str, seconds: float) -> Served:
    """One text a request, after a few were learned; beside it the encoder's own rate in batches of 32."""
    said = [f"where is my parcel number {row}, it was due on day {row % 28}" for row in range(512)]
    encoder = protomem.OnnxEncoder("all-MiniLM-L6-v2", layers=True)
    encoder.encode(said[:64])
    start = time.perf_counter()
    for first in range(0, len(said), 32):
        encoder.encode(said[first : first + 32])
    console.print(f"the encoder alone, batches of 32: {len(said) / (time.perf_counter() - start):,.0f} texts/s")
    made = request_bytes("/v1/memories", json.dumps({"name": "texts", "encoder": encoder.name}).encode(), key)
    body = {"items": said[:300], "labels": [f"label {row % CLASSES}" for row in range(300)]}
    learned = request_bytes("/v1/memories/texts/learn", json.dumps(body).encode(), key)
    asked = [request_bytes("/v1/memories/texts/predict", json.dumps({"items": [one]}).encode(), key) for one in said]
    for request in (made, learned, *asked[:10]):
        await closed_loop(port, cycle([request]), 1, 0.01)
    return await closed_loop(port, cycle(asked), CLIENTS, seconds)


def cycle(requests: list[bytes]) -> Callable[[int], bytes]:
    return lambda number: requests[number % len(requests)]


def learns(vectors: np.ndarray, key: str, prefix: str) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        row = number % len(vectors)
        body = {"items": [vectors[row].round(6).tolist()], "labels": [f"label {row}"], "ids": [f"{prefix}-{number}"]}
        return request_bytes("/v1/memories/vectors/learn", json.dumps(body).encode(), key)

    return make


def writes(vectors: np.ndarray, key: str, prefix: str) -> Callable[[int], bytes]:
    """Learn one, forget it, and so on."""
    learn = learns(vectors, key, prefix)

    def make(number: int) -> bytes:
        if number % 2 == 0:
            return learn(number)
        return request_bytes(
            "/v1/memories/vectors/forget", json.dumps({"ids": [f"{prefix}-{number - 1}"]}).encode(), key
        )

    return make


@contextlib.contextmanager
def process(arguments: list[str]) -> Iterator[int]:
    """A Python process that listens at the port given as its last argument, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PROTOMEM_LOG_LEVEL": "info"}
    with subprocess.Popen(
        [sys.executable, *arguments, str(port)], env=environment, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(60)


def wait_for(port: int, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at port {port}")


if __name__ == "__main__":
    sys.exit(main())
