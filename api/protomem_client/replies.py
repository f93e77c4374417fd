"""From what a server answers to the library's records and errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar, final

import msgspec

from protomem import errors
from protomem.answers import Answer, Evidence, Explanation, KeyEvidence, PrototypeEvidence
from protomem.errors import (
    Conflict,
    InvalidInput,
    MissingExtra,
    NotAMemory,
    ProtomemError,
    ServerError,
    ServerUnavailable,
    Unauthorised,
)
from protomem.listing import Example
from protomem.receipts import Receipt
from protomem.settings import MemorySettings, Retain
from protomem.space import SpaceSettings
from protomem.suggestions import Suggestion
from protomem_client.steps import JSON, Reply

__all__ = [
    "Answers",
    "Classes",
    "Examples",
    "IdHash",
    "Memories",
    "MemoryInfo",
    "Problem",
    "Receipts",
    "Suggestions",
    "converted",
    "error_of",
    "read",
    "require_ok",
]

T = TypeVar("T")

PROBLEM: Final = "application/problem+json"


@final
@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """A memory as its server describes it. `classes` is the number of labels, `digest` names everything learned."""

    name: str
    encoder: str
    encoder_fingerprint: str
    retain: Retain
    dimension: int
    width: int
    books: int
    keys: int
    modes: int
    seed: int
    kernel_rows: int
    examples: int
    classes: int
    digest: str
    public_key: str

    def settings(self) -> MemorySettings:
        """The settings, as the embedded library has them."""
        space = SpaceSettings(
            dimension=self.dimension,
            encoder=self.encoder_fingerprint,
            width=self.width,
            books=self.books,
            keys=self.keys,
            modes=self.modes,
            seed=self.seed,
        )
        return MemorySettings(self.encoder, self.retain, space)


class Memories(msgspec.Struct, frozen=True):
    """A page of memories."""

    memories: list[MemoryInfo]
    next: str | None = None


class Classes(msgspec.Struct, frozen=True):
    """Examples by label."""

    classes: dict[str, int]


class Examples(msgspec.Struct, frozen=True):
    """A page of examples."""

    examples: list[Example]
    next: str | None = None


class Receipts(msgspec.Struct, frozen=True):
    """A page of receipts."""

    receipts: list[Receipt]
    next: int | None = None


class IdHash(msgspec.Struct, frozen=True):
    """The keyed hash of an id."""

    id_hash: str


class Suggestions(msgspec.Struct, frozen=True):
    """Items to label next."""

    suggestions: list[Suggestion]


class Probability(msgspec.Struct, frozen=True):
    """A pair of a ranking."""

    label: str
    probability: float


class Part(msgspec.Struct, frozen=True):
    """A pair of an explanation."""

    head: str
    log_odds: float


class ExplanationReply(msgspec.Struct, frozen=True):
    """An explanation, whose pairs are objects."""

    label: str
    against: str | None
    log_odds: float | None
    parts: list[Part]
    prototypes: tuple[PrototypeEvidence, ...]
    keys: tuple[KeyEvidence, ...]

    def record(self) -> Explanation:
        """As the library has it."""
        parts = tuple((part.head, part.log_odds) for part in self.parts)
        return Explanation(self.label, self.against, self.log_odds, parts, self.prototypes, self.keys)


class AnswerReply(msgspec.Struct, frozen=True):
    """An answer, whose pairs are objects."""

    label: str | None
    probability: float
    ranking: list[Probability]
    label_set: frozenset[str] | None
    novelty: float | None
    abstained: bool
    evidence: tuple[Evidence, ...]
    heads: tuple[str, ...]
    explanation: ExplanationReply | None = None

    def record(self) -> Answer:
        """As the library has it."""
        return Answer(
            label=self.label,
            probability=self.probability,
            ranking=tuple((pair.label, pair.probability) for pair in self.ranking),
            label_set=self.label_set,
            novelty=self.novelty,
            abstained=self.abstained,
            evidence=self.evidence,
            heads=self.heads,
            explanation=None if self.explanation is None else self.explanation.record(),
        )


class Answers(msgspec.Struct, frozen=True):
    """Answers, one for each item."""

    answers: list[AnswerReply]

    def records(self) -> list[Answer]:
        """As the library has them."""
        return [answer.record() for answer in self.answers]


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, after RFC 9457."""

    type: str
    detail: str
    status: int = 0


def read(reply: Reply, kind: type[T]) -> T:
    """The body of a reply as this type. Raises the library's error that the server tells, or `ServerError`."""
    require_ok(reply)
    if reply.media_type != JSON:
        raise ServerError(NOT_OURS.format(f"{reply.status} {reply.media_type}"))
    try:
        return msgspec.json.decode(reply.content, type=kind)
    except msgspec.MsgspecError as error:
        raise _unreadable(error) from error


def converted(found: Any, kind: type[T]) -> T:
    """What was read already, as this type. Raises `ServerError` for anything else."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from error


def require_ok(reply: Reply) -> None:
    """Raise the library's error that the server tells, if it tells one."""
    if 200 <= reply.status < 300:
        return
    try:
        problem = msgspec.json.decode(reply.content, type=Problem) if reply.media_type == PROBLEM else None
    except msgspec.MsgspecError:
        problem = None
    if problem is not None:
        raise error_of(problem)
    kind = ServerUnavailable if reply.status in GATEWAY else ServerError
    raise kind(NOT_OURS.format(f"{reply.status} {reply.media_type}"))


GATEWAY: Final = (502, 503, 504)
"""Of a proxy before a server that does not answer it."""

NOT_OURS: Final = "the answer ({}) is not that of a protomem server: check the url"


def error_of(problem: Problem) -> ProtomemError:
    """The error that this problem was on the server, or what its status means where only a service can have it."""
    name = problem.type.rpartition("/")[2]
    if name == "missing-extra":
        return _missing_extra(problem.detail)
    return (BY_NAME.get(name) or BY_STATUS.get(problem.status) or ServerError)(problem.detail)


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


BY_NAME: Final[dict[str, type[ProtomemError]]] = {_kebab(name): getattr(errors, name) for name in errors.__all__}

BY_STATUS: Final[dict[int, type[ProtomemError]]] = {
    400: InvalidInput,
    401: Unauthorised,
    404: NotAMemory,  # it is not there, or not for this key
    408: ServerUnavailable,
    409: Conflict,
    413: InvalidInput,
    415: InvalidInput,
    422: InvalidInput,
    429: ServerUnavailable,
    503: ServerUnavailable,
}


def _missing_extra(detail: str) -> MissingExtra:
    """Of an extra that the server lacks."""
    found = re.search(r"^(.*?) needs .*protomem\[([\w-]+)\]", detail)
    return MissingExtra(f"on the server, {found[1]}", found[2]) if found else MissingExtra("this server", "server")


def _unreadable(error: msgspec.MsgspecError) -> ServerError:
    return ServerError(f"the server's answer cannot be read ({error}): client and server may be of different releases")
