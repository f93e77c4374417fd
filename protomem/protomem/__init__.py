"""protomem: a classifier that is taught, corrected and made to forget while it serves, exactly.

>>> import protomem
>>> memory = protomem.open(None, encoder=protomem.Vectors(2))
>>> receipt = memory.learn([[1.0, 0.1], [0.1, 1.0]], ["right", "up"], ids=["a", "b"])
>>> memory.predict([[1.0, 0.0]])[0].label
'right'

`protomem.Client` and `protomem.AsyncClient` do the same on the memories of a server (`protomem[client]`). They are
loaded when first asked for; nothing else here touches a network.
"""

import typing

from protomem.answers import Answer, Evidence, Explanation, KeyEvidence, PrototypeEvidence
from protomem.auditing import audit, audit_chain
from protomem.encoders import Encoder, OnnxEncoder, SentenceEncoder, Vectors
from protomem.errors import (
    AggregationRefused,
    Conflict,
    ContributionOutOfOrder,
    ContributionRefused,
    EmptyMemory,
    EncoderMismatch,
    Forgotten,
    IdConflict,
    InvalidId,
    InvalidInput,
    InvalidItem,
    InvalidLabel,
    InvalidReceipt,
    InvalidVectors,
    LengthMismatch,
    MemoryClosed,
    MemoryDamaged,
    MemoryLocked,
    MissingExtra,
    NotAMemory,
    NotRemembered,
    ProtomemError,
    RequestConflict,
    ServerError,
    ServerUnavailable,
    StoreError,
    StoreUnavailable,
    TooFewClients,
    Unauthorised,
)
from protomem.federation.acceptance import MergedClient
from protomem.federation.contribution import Contribution
from protomem.head_costs import HeadCost, HeadCosts
from protomem.listing import Example
from protomem.loading import Opening
from protomem.memory import Memory
from protomem.memory_report import Alarm, ClassSizes, Confusion, LabelCount, Report, StreamReport, Window
from protomem.opening import open
from protomem.projection import Map, MappedClass, MappedExample, Neighbour
from protomem.receipts import Receipt
from protomem.reports import Check
from protomem.suggestions import Suggestion
from protomem.verification import Verification

__all__ = [
    "AggregationRefused",
    "Alarm",
    "Answer",
    "Check",
    "ClassSizes",
    "Conflict",
    "Confusion",
    "Contribution",
    "ContributionOutOfOrder",
    "ContributionRefused",
    "EmptyMemory",
    "Encoder",
    "EncoderMismatch",
    "Evidence",
    "Example",
    "Explanation",
    "Forgotten",
    "HeadCost",
    "HeadCosts",
    "IdConflict",
    "InvalidId",
    "InvalidInput",
    "InvalidItem",
    "InvalidLabel",
    "InvalidReceipt",
    "InvalidVectors",
    "KeyEvidence",
    "LabelCount",
    "LengthMismatch",
    "Map",
    "MappedClass",
    "MappedExample",
    "Memory",
    "MemoryClosed",
    "MemoryDamaged",
    "MemoryLocked",
    "MergedClient",
    "MissingExtra",
    "Neighbour",
    "NotAMemory",
    "NotRemembered",
    "OnnxEncoder",
    "Opening",
    "ProtomemError",
    "PrototypeEvidence",
    "Receipt",
    "Report",
    "RequestConflict",
    "SentenceEncoder",
    "ServerError",
    "ServerUnavailable",
    "StoreError",
    "StoreUnavailable",
    "StreamReport",
    "Suggestion",
    "TooFewClients",
    "Unauthorised",
    "Vectors",
    "Verification",
    "Window",
    "audit",
    "audit_chain",
    "open",
]


if typing.TYPE_CHECKING:
    from protomem_client import AsyncClient as AsyncClient
    from protomem_client import AsyncRemoteMemory as AsyncRemoteMemory
    from protomem_client import Client as Client
    from protomem_client import RemoteMemory as RemoteMemory

_OF_THE_CLIENT = frozenset({"AsyncClient", "AsyncRemoteMemory", "Client", "RemoteMemory"})
"""Not in `__all__`: `from protomem import *` must not ask for an extra."""


def __getattr__(name: str) -> object:
    """The client's names, loaded when first asked for. Raises `MissingExtra` without `protomem[client]`."""
    if name not in _OF_THE_CLIENT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import protomem_client
    except ImportError as error:
        raise MissingExtra(f"protomem.{name}", "client") from error
    return getattr(protomem_client, name)
