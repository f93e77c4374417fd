"""protomem: a classifier that is taught, corrected and made to forget while it serves, exactly.

>>> import protomem
>>> memory = protomem.open(None, encoder=protomem.Vectors(2))
>>> receipt = memory.learn([[1.0, 0.1], [0.1, 1.0]], ["right", "up"], ids=["a", "b"])
>>> memory.predict([[1.0, 0.0]])[0].label
'right'
"""

from protomem.answers import Answer, Evidence
from protomem.encoders import Encoder, OnnxEncoder, SentenceEncoder, Vectors
from protomem.errors import (
    Conflict,
    EmptyMemory,
    EncoderMismatch,
    IdConflict,
    InvalidId,
    InvalidInput,
    InvalidItem,
    InvalidLabel,
    InvalidVectors,
    LengthMismatch,
    MemoryClosed,
    MemoryDamaged,
    MemoryLocked,
    MissingExtra,
    NotAMemory,
    NotRemembered,
    ProtomemError,
    StoreError,
    StoreUnavailable,
)
from protomem.memory import Example, Memory
from protomem.opening import open
from protomem.receipts import Receipt
from protomem.verification import Check, Verification

__all__ = [
    "Answer",
    "Check",
    "Conflict",
    "EmptyMemory",
    "Encoder",
    "EncoderMismatch",
    "Evidence",
    "Example",
    "IdConflict",
    "InvalidId",
    "InvalidInput",
    "InvalidItem",
    "InvalidLabel",
    "InvalidVectors",
    "LengthMismatch",
    "Memory",
    "MemoryClosed",
    "MemoryDamaged",
    "MemoryLocked",
    "MissingExtra",
    "NotAMemory",
    "NotRemembered",
    "OnnxEncoder",
    "ProtomemError",
    "Receipt",
    "SentenceEncoder",
    "StoreError",
    "StoreUnavailable",
    "Vectors",
    "Verification",
    "open",
]
