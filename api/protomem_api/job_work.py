"""What a job does, in a thread: one call of the library, which tells how far it is and may be stopped then."""

from __future__ import annotations

from typing import Any

import msgspec

import protomem
from protomem.progress import Progress
from protomem_api.conversions import receipt_out, record_out
from protomem_api.encoding import Encoded
from protomem_api.wire.jobs import AskReport, JobKind, Verification

__all__ = ["work"]


def work(
    memory: protomem.Memory, kind: JobKind, options: AskReport, recent: Encoded | None, progress: Progress
) -> dict[str, Any]:
    """The result of a job, as what JSON is made of. What `progress` raises ends it, and the memory is as it was."""
    match kind:
        case "verify":
            found: object = record_out(memory.verify(progress), Verification)
        case "purge":
            found = receipt_out(memory.purge(progress))
        case "report":
            found = memory.report(
                recent,
                windows=options.windows,
                false_alarm=options.false_alarm,
                costs=options.costs,
                progress=progress,
            )
    result: dict[str, Any] = msgspec.to_builtins(found)
    return result
