"""`protomem merge`: add what clients learned to a memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from protomem.cli.shared import AsJson, MemoryPath, open_existing, open_server, print_json, reported_errors
from protomem.errors import InvalidInput

__all__ = ["merge"]


@reported_errors()
def merge(
    memory: MemoryPath,
    files: Annotated[list[Path], typer.Argument(metavar="CONTRIBUTION...", help="Files of `protomem contribute`.")],
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="CLIENT=HEX", help="The public key of a client; if one is given, only those are merged."),
    ] = None,
    send_only: Annotated[
        bool,
        typer.Option("--send-only", help="Send them to a server by a key that may contribute, and look at nothing."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add contributions to a memory, in their order; one that was merged before changes nothing."""
    keys = dict(map(_pair, key)) if key else None
    documents = [_read(file) for file in files]
    if send_only:
        _send(memory, documents, keys, as_json=as_json)
        return
    with open_existing(memory) as opened:
        receipts = [opened.merge(document, keys=keys) for document in documents]
        examples, digest, clients = len(opened), opened.digest(), sum(one.merged for one in opened.clients())
    if as_json:
        found = {"receipts": [one.id for one in receipts], "clients": clients, "examples": examples, "digest": digest}
        print_json({"merged": len(receipts), **found})
    else:
        typer.echo(f"merged {len(receipts)} contributions; {examples:,} examples, of {clients} clients and its own")


def _send(url: str, documents: Sequence[bytes], keys: Mapping[str, str] | None, *, as_json: bool) -> None:
    with open_server(url) as (client, name):
        receipts = [client.merge(name, document, keys=keys) for document in documents]
    if as_json:
        print_json({"merged": len(receipts), "receipts": [one.id for one in receipts]})
    else:
        typer.echo(f"merged {len(receipts)} contributions")


def _pair(given: str) -> tuple[str, str]:
    client, found, key = given.rpartition("=")
    if not found:
        raise InvalidInput(f"--key {given!r}: write CLIENT=HEX, such as clinic-7=ab12...")
    return client, key


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file}: the contribution cannot be read ({error.strerror})") from error
