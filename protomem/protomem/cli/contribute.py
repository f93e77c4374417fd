"""`protomem contribute`: write what a memory learned as sums, to be merged into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from protomem.cli.shared import AsJson, MemoryPath, open_existing, print_json, reported_errors
from protomem.errors import InvalidInput
from protomem.federation.levels import Level

__all__ = ["contribute"]


@reported_errors()
def contribute(
    memory: MemoryPath,
    client: Annotated[str, typer.Option(help="The name it is sent under, always the same for one coordinator.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the contribution.")],
    level: Annotated[Level, typer.Option(help="How much goes; at full, merging gives the central memory.")] = "full",
    min_count: Annotated[
        int, typer.Option(min=1, help="Hold back examples with a label that fewer examples than this carry.")
    ] = 1,
    whole: Annotated[bool, typer.Option("--whole", help="Everything, not the difference against the last.")] = False,
    merged: Annotated[bool, typer.Option("--merged", help="With what is merged here of others.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write what a memory learned as a signed file of sums: no text, and no vector of an example."""
    with open_existing(memory) as opened:
        part = opened.contribution(client, level, min_count=min_count, whole=whole, merged=merged)
    document = part.to_bytes()
    try:
        output.write_bytes(document)
    except OSError as error:
        raise InvalidInput(f"{output}: the contribution cannot be written ({error.strerror}); send --whole") from error
    if as_json:
        facts = {name: getattr(part, name) for name in ("client", "sequence", "since", "level", "count", "labels")}
        print_json(facts | {"digest": part.digest, "public_key": part.public_key, "bytes": len(document)})
    else:
        what = f"the difference against number {part.since}" if part.since else "everything"
        typer.echo(
            f"contribution {part.sequence} of {client}, {what}: {part.count:,} examples of {part.labels} labels, "
            f"{len(document):,} bytes, in {output}"
        )
