"""`protomem demo`: the main job on the sample messages, and the proof that forgetting is exact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

import protomem
from protomem.cli import demo_steps as steps
from protomem.cli.demo_encoder import EncodeOnce
from protomem.cli.sample import Message, load_sample
from protomem.cli.shared import OUT, AsJson, print_json, progress_bar, reported_errors
from protomem.cli.verify import print_verification
from protomem.encoders import resolve_encoder
from protomem.errors import InvalidInput

__all__ = ["demo"]

ENCODER = "layers:all-MiniLM-L6-v2"
WIDTH = 96


@reported_errors()
def demo(
    keep: Annotated[Path | None, typer.Option(help="Keep the memory in this new file.", metavar="PATH")] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a memory learn 20 classes, answer, forget a customer, and prove that it did."""
    if keep is not None and keep.exists():
        raise InvalidInput(f"{keep} is there already: name a new file for --keep")
    console = Console(highlight=False, width=min(OUT.width, WIDTH), quiet=as_json)
    with TemporaryDirectory(prefix="protomem-") as folder:
        report = _tell(console, keep or Path(folder) / "demo.duckdb", load_sample())
    if keep is not None:
        console.print(f"\nThe memory is kept: protomem classes --memory {keep}", soft_wrap=True)
    if as_json:
        print_json(report)
    if not report["proved"]:
        raise typer.Exit(1)


def _tell(console: Console, path: Path, sample: list[Message]) -> dict[str, object]:
    """The whole story on the file at `path`; the facts of it."""
    started = perf_counter()
    encoder = _encoder(console, sample)
    with protomem.open(path, encoder=encoder, retain="items") as memory:
        _heading(console, 1, "Learn: four new classes at a time, on disk, without going back")
        learned = steps.learn_by_class(console, memory, sample)
        _heading(console, 2, "Answer")
        steps.answer_questions(console, memory)
        _heading(console, 3, "Forget a customer")
        forgotten = steps.forget_customer(console, memory, sample)
        _heading(console, 4, "Prove it: against a memory that never saw that customer")
        proof = steps.prove(console, memory, sample, encoder)

    _heading(console, 5, "Close, open again, recompute everything from the remembered examples")
    with protomem.open(path, encoder=encoder, create=False) as memory:
        verification = memory.verify()
        print_verification(console, verification)
    reopened = verification.ok and verification.digest == proof.digest
    seconds = perf_counter() - started
    _verdict(console, proof.holds and reopened, seconds)
    return {
        "steps": [asdict(step) for step in learned],
        "forgotten": asdict(forgotten),
        "proof": asdict(proof),
        "reopened_equal": reopened,
        "proved": proof.holds and reopened,
        "seconds": round(seconds, 1),
    }


def _encoder(console: Console, sample: list[Message]) -> EncodeOnce:
    """The encoder, with every message of the demo encoded."""
    console.print(f"{len(sample)} support messages, written for this demo, and the encoder {ENCODER}.")
    with console.status("loading the encoder"):
        encoder = EncodeOnce(resolve_encoder(ENCODER))
    with progress_bar("encoding each message once") as report:
        encoder.encode([*(message.text for message in sample), *steps.QUESTIONS], report)
    return encoder


def _heading(console: Console, number: int, title: str) -> None:
    console.print()
    console.rule(Text(f"{number}  {title}", style="bold"), align="left", style="dim")


def _verdict(console: Console, proved: bool, seconds: float) -> None:
    if proved:
        console.print(
            Text(f"\nForgotten exactly: nothing tells the two memories apart. {seconds:.0f} s.", "bold green")
        )
    else:
        console.print(Text("\nThe memories differ: this is a defect of protomem, please report it.", "bold red"))
