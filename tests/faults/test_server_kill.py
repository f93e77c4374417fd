"""The service under `kill -9`: what it acknowledged is there after a restart, and no job is lost.

Several clients write, ask, send lines and ask for jobs at the same time. What a client was doing when the server died
may be done or not, but as a whole.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.processes import ServerProcess, write_keys
from tests.api.streams import Stream, exchanged
from tests.faults.operations import DIMENSION, LABELS, SWEEP, WIDTH, vector_of, vectors_of

import protomem

FOLDERS = 5 if SWEEP else 1
"""Each goes through its rounds one after another, so that damage would add up."""

ROUNDS = 10 if SWEEP else 3
WRITERS = 3
LINES = 600
MOST_JOBS = 5  # of one round: a server remembers the last 20 of a memory, and those of a round are all asked about
MEMORY = "/v1/memories/m"
QUICK = {"windows": 2, "costs": False, "false_alarm": None}  # a report


@dataclass
class Writer:
    """A client with ids of its own: what was acknowledged to it, and the call that it was making."""

    name: str
    dice: random.Random
    there: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    learning: set[str] = field(default_factory=set)
    forgetting: set[str] = field(default_factory=set)

    def write(self, client: httpx.Client) -> None:
        """One call; what it changes counts when it is answered."""
        if self.there and self.dice.random() < 0.4:
            self.forgetting = set(self.dice.sample(sorted(self.there), min(len(self.there), 2)))
            client.post(f"{MEMORY}/forget", json={"ids": sorted(self.forgetting)}).raise_for_status()
        else:
            self.learning = {
                f"{self.name}-{self.dice.getrandbits(64):x}" for _ in range(self.dice.choice([1, 1, 3, 4]))
            }
            client.post(f"{MEMORY}/learn", json=taught(sorted(self.learning))).raise_for_status()
        self.settle(self.learning | self.there - self.forgetting)

    def settle(self, remembered: set[str]) -> None:
        """Take over the call that was under way, as it is remembered."""
        self.gone |= self.forgetting - remembered
        self.there = {id for id in remembered if id.startswith(self.name)}
        self.learning, self.forgetting = set(), set()

    def wrong(self, remembered: set[str]) -> list[str]:
        """In what is remembered of this client's is not what it was told; nothing if it is right."""
        own = {id for id in remembered if id.startswith(self.name)}
        sure = self.there - self.forgetting
        found = [f"lost: {sure - own}"] if sure - own else []
        found += [f"came back: {own & self.gone}"] if own & self.gone else []
        found += [f"never acknowledged: {more}"] if (more := own - self.there - self.learning) else []
        for call in (self.learning, self.forgetting):
            found += [f"half of a call: {call & own} of {call}"] if call & own not in (set(), call) else []
        return found


def taught(ids: list[str]) -> dict[str, Any]:
    return {"items": vectors_of(ids).tolist(), "labels": [label_of(id) for id in ids], "ids": ids}


def label_of(id: str) -> str:
    return LABELS[sum(id.encode()) % len(LABELS)]


def until_it_dies(server: ServerProcess, call: Callable[[httpx.Client], None]) -> None:
    """Call again and again, on a connection of one's own, as long as the server answers."""
    with server.as_("admin") as client:
        while True:
            try:
                call(client)
            except httpx.TransportError:
                return


def asking_for_jobs(dice: random.Random, asked: list[str]) -> Callable[[httpx.Client], None]:
    def call(client: httpx.Client) -> None:
        kind = dice.choice(["verify", "purge", "report"])
        if len(asked) < MOST_JOBS:
            answer = client.post(f"{MEMORY}/{kind}", json=QUICK if kind == "report" else None)
            if answer.status_code == 202:
                asked.append(answer.json()["id"])
        time.sleep(dice.uniform(0, 0.1))
        client.get("/v1/jobs").raise_for_status()

    return call


def predict(client: httpx.Client) -> None:
    answer = client.post(f"{MEMORY}/predict", json={"items": [vector_of("question").tolist()]})
    assert answer.status_code in (200, 409), answer.text  # 409: nothing is remembered yet
    time.sleep(0.1)  # or little else would be done than solving heads


def lines(number: int) -> Iterator[bytes]:
    """A stream that is longer than a server lives."""
    for row in range(LINES):
        id = f"line-{number}-{row}"
        yield json.dumps({"item": vector_of(id).tolist(), "labels": label_of(id), "id": id}).encode()


def send_lines(server: ServerProcess, number: int, told: set[str]) -> None:
    """Send the stream of this round, and note the lines that were acknowledged."""

    async def exchange() -> None:
        async with Stream(server, "learn", key=f"round {number}") as stream:
            stream.begin(lines(number))
            async for one in stream.answers():
                if one.get("status") == "learned":
                    told.add(one["id"])

    try:
        asyncio.run(exchange())
    except (OSError, ValueError, IndexError, asyncio.IncompleteReadError):
        """The server was killed in the middle of it."""


def load(server: ServerProcess, writers: list[Writer], dice: random.Random, number: int) -> tuple[list[str], set[str]]:
    """Everything at once, until the server is killed at a random moment: jobs and lines that were acknowledged."""
    jobs: list[str] = []
    told: set[str] = set()
    calls = [*(writer.write for writer in writers), predict, asking_for_jobs(dice, jobs)]
    threads = [threading.Thread(target=until_it_dies, args=(server, call)) for call in calls]
    threads.append(threading.Thread(target=send_lines, args=(server, number, told)))
    for thread in threads:
        thread.start()
    time.sleep(dice.uniform(0.1, 1.2))
    server.kill()
    for thread in threads:
        thread.join()
    return jobs, told


def remembered(server: ServerProcess) -> set[str]:
    """The ids of all examples."""
    found: set[str] = set()
    after: dict[str, str] = {}
    while True:
        page = server.client.get(f"{MEMORY}/examples", params={"limit": 1_000, **after}).json()
        found |= {one["id"] for one in page["examples"]}
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def digest_of(ids: set[str]) -> str:
    """Of a memory that never learned anything else."""
    with protomem.open(None, encoder=protomem.Vectors(DIMENSION), width=WIDTH) as memory:
        ordered = sorted(ids)
        memory.learn(vectors_of(ordered), [label_of(id) for id in ordered], ids=ordered)
        return memory.digest()


@pytest.mark.slow
@pytest.mark.parametrize("folder", range(FOLDERS))
def test_what_the_service_acknowledged_survives_a_kill_and_every_job_ends(folder: int, tmp_path: Path) -> None:
    write_keys(tmp_path)
    dice = random.Random(folder)
    writers = [Writer(f"w{number}", random.Random(f"{folder} {number}")) for number in range(WRITERS)]
    streamed: set[str] = set()
    ends: list[str] = []
    with ServerProcess(tmp_path, items=20) as server:
        body = {"name": "m", "encoder": f"vectors:{DIMENSION}", "width": WIDTH}
        server.client.post("/v1/memories", json=body).raise_for_status()
        for number in range(ROUNDS):
            jobs, told = load(server, writers, dice, number)
            server.start()
            there = remembered(server)
            assert not told - there, "acknowledged lines are lost"
            assert not streamed - there, "lines of an earlier round are lost"
            for writer in writers:
                assert not (wrong := writer.wrong(there)), f"round {number}: {wrong}"
                writer.settle(there)
                if writer.gone:
                    again = server.client.post(f"{MEMORY}/learn", json=taught(dice.sample(sorted(writer.gone), 1)))
                    assert (again.status_code, again.json()["type"]) == (409, "/problems/forgotten")
            ends += [server.wait_for(job, "done", "failed")["state"] for job in jobs]
            end = exchanged(Stream(server, "learn", key=f"round {number}"), lines(number))[-1]
            assert end == {"totals": {"learned": LINES}}
            streamed = {id for id in there if id.startswith("line-")} | {f"line-{number}-{row}" for row in range(LINES)}
            expected = there | streamed
            assert server.client.get(MEMORY).json()["digest"] == digest_of(expected)
            verified = server.client.post(f"{MEMORY}/verify").json()
            assert server.wait_for(verified["id"], "done", "failed")["result"]["ok"]
    assert ends, "no job was asked for before a kill: nothing was tested"
    assert any(writer.there for writer in writers)
    assert any(writer.gone for writer in writers)
