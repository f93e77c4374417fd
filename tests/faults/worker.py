"""Run as a program: works on memories in processes that may be killed, and says what it did, line by line.

It reads jobs as lines of JSON. For each it forks a child, which starts with everything imported, and when the child has
ended, by itself or not, it says how. Everything said is a line of JSON on standard output.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.core.together import together
from tests.faults.interposer import Act, Interposer
from tests.faults.markers import Marked
from tests.faults.operations import DIMENSION, WIDTH, Operation, vectors_of

import protomem
import protomem.kept_examples
import protomem_store
from protomem_store.hardening import SETTINGS

protomem.kept_examples.SNAPSHOT_FROM = 1  # type: ignore[attr-defined] # a small memory keeps a snapshot too


class Words:
    """A text encoder without a model, for memories that retain items."""

    keeps_text = True
    reproducible = True

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.name = f"words:{dimension}"
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()

    def encode(self, items: Sequence[str] | npt.NDArray[Any], progress: Any = None) -> npt.NDArray[np.float64]:
        return vectors_of(list(items), self.dimension)


def say(**said: Any) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


class Session:
    """One memory, opened and opened again, on which operations are carried out."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.path = Path(job["path"])
        self.retain = job.get("retain", "codes")
        self.dimension = job.get("dimension", DIMENSION)
        if job.get("uncompressed"):
            SETTINGS["force_compression"] = "uncompressed"
        self.open()

    def open(self) -> None:
        encoder: protomem.Encoder = (
            Words(self.dimension) if self.retain == "items" else protomem.Vectors(self.dimension)
        )
        self.memory = protomem.open(self.path, encoder=encoder, retain=self.retain, width=WIDTH)

    def items(self, texts: Sequence[str]) -> Any:
        return list(texts) if self.retain == "items" else vectors_of(texts, self.dimension)

    def carry_out(self, operation: Operation) -> None:
        """One operation; it is acknowledged when this returns."""
        rest = {name: value for name, value in operation.items() if name != "do"}
        match operation["do"]:
            case "learn":
                self.memory.learn(self.items(rest.pop("texts")), rest.pop("labels"), **rest)
            case "forget":
                self.memory.forget(**rest)
            case "together":
                self._together(rest["operations"])
            case "merge" | "withdraw" | "contribute":
                self._federate(operation["do"], **rest)
            case "purge":
                self.memory.purge()
            case "reopen":
                self.memory.close()
                self.open()
            case "learn marked":
                self._learn_marked(**rest)
            case "forget marked":
                self.memory.forget(ids=[Marked(number).id for number in range(*rest["numbers"])])
            case "limit":
                resource.setrlimit(resource.RLIMIT_FSIZE, (rest["bytes"], resource.RLIM_INFINITY))
            case "move":
                self.path.with_name(rest["from"]).rename(self.path.with_name(rest["to"]))
            case "open":
                self.open()
            case "close":
                self.memory.close()

    def _federate(self, do: str, client: str, document: str = "", **known: object) -> None:
        if do == "merge":
            self.memory.merge(bytes.fromhex(document))
        elif do == "withdraw":
            self.memory.withdraw(client)
        else:
            say(sequence=self.memory.contribution(client).sequence)

    def _together(self, operations: Sequence[Operation]) -> None:
        """All of them as one group; if one is refused, all have to be, and with the same words."""
        outcomes = together(self.memory, [partial(self.carry_out, operation) for operation in operations])
        refused = {str(one) for one in outcomes if isinstance(one, protomem.ProtomemError)}
        assert len(set(map(str, outcomes))) == 1, f"a group was kept in part: {outcomes}"
        if refused:
            raise outcomes[0]

    def _learn_marked(self, start: int, stop: int) -> None:
        examples = [Marked(number) for number in range(start, stop)]
        self.memory.learn(
            [one.text for one in examples] if self.retain == "items" else Marked.vectors(examples, self.dimension),
            [one.label for one in examples],
            ids=[one.id for one in examples],
            subjects=[one.subject for one in examples],
        )

    def report(self, gone: Sequence[str], asked: Sequence[str]) -> dict[str, Any]:
        """What the memory says of itself; `gone` are ids that it must refuse, `asked` texts to predict."""
        memory = self.memory
        verified = memory.verify()
        answers = memory.predict(self.items(asked)) if len(memory) and asked else []
        told = [[answer.ranking, answer.novelty, [one.id for one in answer.evidence]] for answer in answers]
        return {
            "digest": memory.digest(),
            "verified": [check.name for check in verified.checks if not check.ok],
            "examples": {one.id: [one.subject, one.labels, one.item] for one in memory.examples()},
            "receipts": [receipt.kind for receipt in memory.receipts()],
            "classes": memory.classes(),
            **({"answers": told} if asked else {}),
            "opening": str(memory.opening),
            "taken back": [id for id in gone if not self._refuses(id)],
        }

    def _refuses(self, id: str) -> bool:
        try:
            self.memory.learn(self.items(["again"]), ["again"], ids=[id])
        except protomem.Forgotten:
            return True
        return False


def work(job: dict[str, Any]) -> None:
    """Carry out operations and say after each that it was acknowledged."""
    session = Session(job)
    say(ready=True)
    for number, operation in enumerate(job["operations"], 1):
        session.carry_out(operation)
        say(done=number)
    if job.get("then") == "wait":
        signal.pause()


def crowd(job: dict[str, Any]) -> None:
    """Carry out several lists of operations, each in a thread, and say after each that it was acknowledged."""
    session = Session(job)

    def write(thread: int) -> None:
        for number, operation in enumerate(job["threads"][thread], 1):
            session.carry_out(operation)
            say(thread=thread, number=number)

    say(ready=True)
    with ThreadPoolExecutor(len(job["threads"])) as pool:
        list(pool.map(write, range(len(job["threads"]))))
    signal.pause()


def attempt(job: dict[str, Any]) -> None:
    """Carry out operations and say of each how it ended; a refusal does not keep the next from being tried."""
    session = None
    for operation in [{"do": "open"}, *job["operations"]]:
        try:
            if session is None:
                session = Session(job)
            else:
                session.carry_out(operation)
        except protomem.ProtomemError as error:
            say(error=type(error).__name__, message=str(error))
        else:
            say(acknowledged=operation["do"])


def inspect(job: dict[str, Any]) -> None:
    """Open a memory, say what it holds, and close it."""
    try:
        session = Session(job)
        found = session.report(job.get("gone", ()), job.get("asked", ()))
        session.memory.close()
    except protomem.ProtomemError as error:
        say(error=type(error).__name__, message=str(error))
        return
    say(**found)


def fault(job: dict[str, Any]) -> None:
    """One operation with a system call that fails or kills; where it did not kill, the memory goes on after it."""
    before = job["before"]
    session = Session(job) if job["operation"]["do"] != "open" else None
    interposer = Interposer()
    for operation in before:
        session.carry_out(operation)  # type: ignore[union-attr]
    interposer.arm(Path(job["path"]).parent, Act[job["act"]], job["at"], job["errno"])
    outcome: dict[str, Any] = {"acknowledged": True}
    try:
        if session is None:
            session = Session(job)
        else:
            session.carry_out(job["operation"])
    except protomem.ProtomemError as error:
        outcome = {"acknowledged": False, "error": type(error).__name__, "message": str(error)}
    say(**outcome, calls=interposer.disarm())
    if session is None or job["operation"]["do"] == "close":
        return
    for _ in range(2):  # a memory that stumbles once more after the failure is told from one that is at its end
        try:
            found = session.report((), ())
        except protomem.ProtomemError as error:
            say(error=type(error).__name__, message=str(error))
        else:
            say(**found)
            break
    go_on(session, job["after"])


def go_on(session: Session, operations: Sequence[Operation]) -> None:
    """More operations and an orderly end."""
    for operation in [*operations, {"do": "close"}]:
        try:
            session.carry_out(operation)
        except protomem.ProtomemError as error:
            say(error=type(error).__name__, message=str(error), at=operation["do"])
        else:
            say(acknowledged=operation["do"])


JOBS: dict[str, Callable[[dict[str, Any]], None]] = {
    "work": work,
    "crowd": crowd,
    "inspect": inspect,
    "fault": fault,
    "attempt": attempt,
}


def main() -> None:
    """Serve jobs until the input ends."""
    say(imported=[protomem.__name__, protomem_store.__name__])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        say(ended=os.waitstatus_to_exitcode(status))


def run(job: dict[str, Any]) -> None:
    """The whole life of a child."""
    say(process=os.getpid())
    status = 70
    try:
        JOBS[job["job"]](job)
        status = 0
    except BaseException:
        say(crash=traceback.format_exc())
        raise
    finally:
        os._exit(status)  # what libraries do at exit would wait for threads that a fork does not have


if __name__ == "__main__":
    main()
