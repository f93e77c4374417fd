"""Everything that can go wrong, as RFC 9457 problem details: one table, one exception handler.

The library's errors know no HTTP: TABLE says what each is here. What only a service can run into is an `HttpProblem`.
What each kind of problem means, and its status, stands in `problem_kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from protomem import ProtomemError, errors
from protomem_api import wire
from protomem_api.logs import log
from protomem_api.problem_kinds import KINDS, Kind

__all__ = [
    "MEDIA_TYPE",
    "HeaderLines",
    "HttpProblem",
    "answer_problem",
    "as_problem",
    "busy",
    "conflict",
    "foreign_origin",
    "invalid",
    "malformed",
    "not_found",
    "problem_body",
    "told",
    "too_large",
    "too_many_requests",
    "too_slow",
    "unauthorised",
    "unsupported_media",
]

MEDIA_TYPE: Final = "application/problem+json"

HeaderLines = list[tuple[bytes, bytes]]
"""Headers as they go over the wire."""


@final
class HttpProblem(Exception):
    """A problem over HTTP, of the kind that `name` has in `KINDS`; `status` where it is not the kind's."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        status: int | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[name]
        self.status = status or self.kind.status
        self.detail = detail
        self.path = path
        self.headers = dict(headers or {})

    def at(self, path: str | None) -> HttpProblem:
        """The same problem at another place of the body."""
        return HttpProblem(self.kind.name, self.detail, status=self.status, path=path, headers=self.headers)


def unauthorised() -> HttpProblem:
    """No key, or one that is not known."""
    detail = "this needs an API key that the server knows: send the header Authorization: Bearer pm_..."
    return HttpProblem("unauthorised", detail, headers={"WWW-Authenticate": 'Bearer realm="protomem"'})


def not_found() -> HttpProblem:
    """What is not there, or not for this key: nobody can tell which."""
    detail = "there is nothing here that this key may use: check the name, and the role and memories of the key"
    return HttpProblem("not-found", detail)


def invalid(detail: str, path: str | None = None) -> HttpProblem:
    """A value that cannot be used."""
    return HttpProblem("invalid-input", detail, path=path)


def malformed(detail: str) -> HttpProblem:
    """A body that is no JSON."""
    return HttpProblem("malformed-json", detail)


def conflict(detail: str) -> HttpProblem:
    """What contradicts what is there."""
    return HttpProblem("conflict", detail)


def too_large(detail: str, path: str | None = None) -> HttpProblem:
    """More than the server takes at once."""
    return HttpProblem("too-large", detail, path=path, headers={"Connection": "close"})


def unsupported_media(detail: str) -> HttpProblem:
    """A body in a form that is not read."""
    return HttpProblem("unsupported-media-type", detail)


def foreign_origin() -> HttpProblem:
    """A browser that was sent here by a page from elsewhere."""
    return HttpProblem("foreign-origin", "requests by pages of other origins are refused")


def too_many_requests(seconds: int) -> HttpProblem:
    """A caller over the rate limit."""
    detail = f"this key has sent too many requests: wait {seconds} s"
    return HttpProblem("too-many-requests", detail, headers={"Retry-After": str(seconds)})


def too_slow(seconds: float) -> HttpProblem:
    """A body that did not come in time."""
    return HttpProblem("body-too-slow", f"the body did not come within {seconds:g} s", headers={"Connection": "close"})


def busy(detail: str) -> HttpProblem:
    """A server that cannot answer now."""
    return HttpProblem("busy", detail, headers={"Retry-After": "1"})


TABLE: Final[Mapping[type[Exception], Kind]] = {
    errors.InvalidVectors: KINDS["invalid-vectors"],
    errors.InvalidItem: KINDS["invalid-item"],
    errors.InvalidLabel: KINDS["invalid-label"],
    errors.InvalidId: KINDS["invalid-id"],
    errors.InvalidReceipt: KINDS["invalid-receipt"],
    errors.AggregationRefused: KINDS["aggregation-refused"],
    errors.ContributionOutOfOrder: KINDS["contribution-out-of-order"],
    errors.ContributionRefused: KINDS["contribution-refused"],
    errors.LengthMismatch: KINDS["length-mismatch"],
    errors.InvalidInput: KINDS["invalid-input"],
    errors.IdConflict: KINDS["id-conflict"],
    errors.Forgotten: KINDS["forgotten"],
    errors.RequestConflict: KINDS["request-conflict"],
    errors.TooFewClients: KINDS["too-few-clients"],
    errors.EncoderMismatch: KINDS["encoder-mismatch"],
    errors.Conflict: KINDS["conflict"],
    errors.NotRemembered: KINDS["not-remembered"],
    errors.EmptyMemory: KINDS["empty-memory"],
    errors.NotAMemory: KINDS["not-a-memory"],
    errors.MemoryDamaged: KINDS["memory-damaged"],
    errors.MemoryLocked: KINDS["memory-locked"],
    errors.StoreUnavailable: KINDS["store-unavailable"],
    errors.StoreError: KINDS["store-error"],
    errors.MemoryClosed: KINDS["memory-closed"],
    errors.MissingExtra: KINDS["missing-extra"],
    errors.ProtomemError: KINDS["internal-error"],
}

PRIVATE: Final = (errors.StoreError,)
"""Errors whose messages name paths of the server: the log has them, a caller does not."""

PLACE = re.compile(r"\b(items|labels|ids|subjects|among)\[(\d+)\]")
ROW = re.compile(r"^(?:item|vector) ([\d,]+)\b")
FIELD = re.compile(r"^(\w+)\b")
FIELDS: Final = frozenset(
    name
    for body in (
        wire.CreateMemory,
        wire.Learn,
        wire.Forget,
        wire.Trim,
        wire.Predict,
        wire.Suggest,
        wire.Contribute,
        wire.Withdraw,
    )
    for name in body.__struct_fields__
)


def path_in(message: str) -> str | None:
    """The JSON path of the value that a message of the library names, where it names one."""
    if found := PLACE.search(message):
        return f"$.{found[1]}[{found[2]}]"
    if found := ROW.match(message):
        return f"$.items[{found[1].replace(',', '')}]"
    if (found := FIELD.match(message)) and found[1] in FIELDS:
        return f"$.{found[1]}"
    return None


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[wire.Problem]:
    """The one exception handler: whatever was raised, as a problem."""
    problem = as_problem(error)
    if problem.status >= 500 and not isinstance(error, HttpProblem):
        id = request.scope["state"].get("request_id")
        log.error("failed", request_id=id, error=type(error).__name__, exc_info=error)
    return Response(problem_body(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers)


def problem_body(problem: HttpProblem) -> wire.Problem:
    """What is told of a problem."""
    return wire.Problem(
        type=problem.kind.type,
        title=problem.kind.title,
        status=problem.status,
        detail=problem.detail,
        path=problem.path,
    )


def told(problem: HttpProblem) -> tuple[int, HeaderLines, bytes]:
    """The answer that tells a problem, where no framework makes it: status, headers but for the length, body."""
    lines = {"content-type": MEDIA_TYPE, **problem.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in lines.items()]
    return problem.status, headers, msgspec.json.encode(problem_body(problem))


def as_problem(error: Exception) -> HttpProblem:
    """What an exception is over HTTP."""
    match error:
        case HttpProblem():
            return error
        case ProtomemError():
            return _of_library(error)
        case msgspec.ValidationError():
            return _of_validation(error)
        case msgspec.DecodeError() | UnicodeDecodeError() | RecursionError():
            return malformed(f"the body is no JSON that can be read: {error}")
        case HTTPException():
            return _of_litestar(error)
        case _:
            detail = "the server failed; its log says where, under the id of this request"
            return HttpProblem("internal-error", detail)


def _of_library(error: ProtomemError) -> HttpProblem:
    kind = next(TABLE[one] for one in type(error).__mro__ if one in TABLE)
    message = str(error)
    if isinstance(error, PRIVATE):
        message = "the file of this memory cannot be used now; the server's log says why"
    headers = {"Retry-After": "1"} if kind.status == 503 else None
    path = path_in(message) if kind.status == 422 else None
    return HttpProblem(kind.name, message, path=path, headers=headers)


def _of_validation(error: msgspec.ValidationError) -> HttpProblem:
    message, _, path = str(error).partition(" - at `")
    return HttpProblem("invalid-input", message, path=path.rstrip("`") or "$")


def _of_litestar(error: HTTPException) -> HttpProblem:
    if isinstance(error, ValidationException):
        return _of_parameters(error)
    if error.status_code == 404:
        return not_found()
    if error.status_code == 413:
        return too_large("the body is longer than this server takes at once")
    name = {400: "bad-request", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return HttpProblem(name, error.detail, status=error.status_code, headers=error.headers)


def _of_parameters(error: ValidationException) -> HttpProblem:
    found = error.extra if isinstance(error.extra, list) else []
    if any(isinstance(one, dict) and one.get("key") == "data" for one in found):
        return malformed("the body is empty: send JSON")
    told = [f"{one.get('key', 'a value')}: {one.get('message', '')}" for one in found if isinstance(one, dict)]
    return invalid("; ".join(told) or error.detail)
