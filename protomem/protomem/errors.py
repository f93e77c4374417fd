"""Every error protomem raises on purpose.

    ProtomemError
    ├── InvalidInput (ValueError)      what the caller passed cannot be used; nothing changed
    │   ├── InvalidVectors             shape, NaN, infinity or zero length
    │   ├── InvalidItem                an item the encoder cannot take, such as an empty text
    │   ├── InvalidLabel               a label that is missing, empty or no string
    │   ├── InvalidId                  an id or subject that is empty, no string or given twice
    │   ├── InvalidReceipt             a receipt that is no receipt, or not one of this memory
    │   ├── AggregationRefused         a message of a secure sum that is not one, or asks for what must not be told
    │   ├── ContributionRefused        what a client sent is damaged, forged, of another space, or cannot be
    │   │   └── ContributionOutOfOrder it does not follow what was merged of its client
    │   └── LengthMismatch             items, labels, ids and subjects of different lengths
    ├── Conflict                       the request contradicts what is remembered; nothing changed
    │   ├── IdConflict                 the id is remembered with other content
    │   ├── Forgotten                  the id was forgotten; relearn=True teaches it anew on purpose
    │   ├── RequestConflict            the idempotency key came before with another request
    │   ├── TooFewClients              a secure sum of fewer clients than were agreed on
    │   └── EncoderMismatch            the memory was made with another encoder or configuration
    ├── NotRemembered (LookupError)    forgetting what is not there
    ├── EmptyMemory                    a prediction before anything was learned
    ├── StoreError                     the file underneath
    │   ├── NotAMemory                 the file is something else, or of an unknown format version
    │   ├── MemoryLocked               another process holds the file
    │   ├── MemoryDamaged              the file contradicts itself
    │   └── StoreUnavailable           the disk refused: full, read-only, removed, no permission
    ├── MemoryClosed                   used after close()
    ├── ServerError                    the server that a client asked failed, or is no protomem server
    │   ├── Unauthorised               it does not know the API key
    │   └── ServerUnavailable          it does not answer, or is busy, after all attempts
    └── MissingExtra (ImportError)     an optional part is not installed; says which `pip install`

A message says what is wrong, where, and what to try.
"""

from __future__ import annotations

__all__ = [
    "AggregationRefused",
    "Conflict",
    "ContributionOutOfOrder",
    "ContributionRefused",
    "EmptyMemory",
    "EncoderMismatch",
    "Forgotten",
    "IdConflict",
    "InvalidId",
    "InvalidInput",
    "InvalidItem",
    "InvalidLabel",
    "InvalidReceipt",
    "InvalidVectors",
    "LengthMismatch",
    "MemoryClosed",
    "MemoryDamaged",
    "MemoryLocked",
    "MissingExtra",
    "NotAMemory",
    "NotRemembered",
    "ProtomemError",
    "RequestConflict",
    "ServerError",
    "ServerUnavailable",
    "StoreError",
    "StoreUnavailable",
    "TooFewClients",
    "Unauthorised",
]


class ProtomemError(Exception):
    """Base of every error that protomem raises on purpose."""


class InvalidInput(ProtomemError, ValueError):
    """What the caller passed cannot be used; the memory is unchanged."""


class InvalidVectors(InvalidInput):
    """Vectors of the wrong shape or dtype, or with NaN, infinite or all-zero rows."""


class InvalidItem(InvalidInput):
    """An item that the encoder cannot take, such as an empty text."""


class InvalidLabel(InvalidInput):
    """A label that is missing, empty, too long or not a string."""


class InvalidId(InvalidInput):
    """An id or subject that is empty, too long, not a string, or given twice."""


class InvalidReceipt(InvalidInput):
    """Something that is no receipt, or a receipt that this memory did not write or has used up."""


class AggregationRefused(InvalidInput):
    """A message of a secure sum that is damaged, of another session or sender, or asks for what must not be told."""


class ContributionRefused(InvalidInput):
    """A contribution that is damaged, forged, of another space, or of sums that no examples have."""


class ContributionOutOfOrder(ContributionRefused):
    """A contribution that does not follow what was merged of its client: one is missing between, or it is older."""


class LengthMismatch(InvalidInput):
    """Items, labels, ids and subjects do not have the same length."""


class Conflict(ProtomemError):
    """The request contradicts what is remembered; the memory is unchanged."""


class IdConflict(Conflict):
    """The id is remembered with other content."""


class Forgotten(Conflict):
    """The id was forgotten before; teaching it anew has to be asked for with `relearn=True`."""


class RequestConflict(Conflict):
    """The idempotency key came before, with another request."""


class TooFewClients(Conflict):
    """A secure sum would be of fewer clients than were agreed on; nothing was revealed."""


class EncoderMismatch(Conflict):
    """The memory was made with another encoder or another configuration."""


class NotRemembered(ProtomemError, LookupError):
    """An id, subject or label to forget that is not remembered."""


class EmptyMemory(ProtomemError):
    """A prediction was asked of a memory that remembers nothing."""


class StoreError(ProtomemError):
    """The file underneath a memory."""


class NotAMemory(StoreError):
    """The file is not a protomem memory, or of a format version this release cannot read."""


class MemoryLocked(StoreError):
    """Another process holds the memory's file."""


class MemoryDamaged(StoreError):
    """The memory's file contradicts itself."""


class StoreUnavailable(StoreError):
    """The disk refused: full, read-only, removed or without permission."""


class MemoryClosed(ProtomemError):
    """The memory was used after `close()`."""


class ServerError(ProtomemError):
    """The server that a client asked failed, or what answered is no protomem server."""


class Unauthorised(ServerError):
    """The server does not know the API key, or was sent none."""


class ServerUnavailable(ServerError):
    """The server does not answer, or is busy; asked as often as the client was told to."""


class MissingExtra(ProtomemError, ImportError):
    """An optional part is not installed.

    `extra` is the name in square brackets: `pip install 'protomem[extra]'`.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional part that is not installed: pip install 'protomem[{extra}]'")
        self.extra = extra
