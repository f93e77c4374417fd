"""protomem: a classifier that is taught, corrected and made to forget while it serves, exactly.

>>> import protomem
>>> memory = protomem.open(None, encoder=protomem.Vectors(2))
>>> receipt = memory.learn([[1.0, 0.1], [0.1, 1.0]], ["right", "up"], ids=["a", "b"])
>>> memory.predict([[1.0, 0.0]])[0].label
'right'
"""

from protomem.answers import Answer, Evidence, Explanation, KeyEvidence, PrototypeEvidence
from protomem.auditing import audit, audit_chain
from protomem.encoders import Encoder, OnnxEncoder, SentenceEncoder, Vectors
from protomem.errors import (
    Conflict,
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
    StoreError,
    StoreUnavailable,
)
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
    "Alarm",
    "Answer",
    "Check",
    "ClassSizes",
    "Conflict",
    "Confusion",
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
    "StoreError",
    "StoreUnavailable",
    "StreamReport",
    "Suggestion",
    "Vectors",
    "Verification",
    "Window",
    "audit",
    "audit_chain",
    "open",
]
