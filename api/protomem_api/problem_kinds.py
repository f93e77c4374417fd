"""Every kind of problem that the service tells of: its status, what it means, and what to try.

The last part of a problem's `type` names its kind; `/problems/NAME` is a page that says what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, final

__all__ = ["KINDS", "PREFIX", "Kind"]

PREFIX: Final = "/problems/"
"""What comes before the name in a problem's `type`."""


@final
class Kind(NamedTuple):
    """A kind of problem: `status` as it has over HTTP, `name` in kebab case."""

    status: int
    name: str
    meaning: str
    remedy: str

    @property
    def title(self) -> str:
        """The name as words."""
        return self.name.replace("-", " ").capitalize()

    @property
    def type(self) -> str:
        """As problems tell it: a reference to its page."""
        return PREFIX + self.name


ALL: Final = (
    # ---------------------------------------------------------------------------------- the request cannot be read
    Kind(
        400,
        "malformed-json",
        "The body is no JSON, or none came.",
        "Send one JSON object in UTF-8. JSON has no NaN, no Infinity and no comments.",
    ),
    Kind(
        400, "bad-request", "The request is not as HTTP or this route has it.", "Compare it with the document at /docs."
    ),
    Kind(
        405,
        "method-not-allowed",
        "The route has no such method.",
        "The header Allow of the answer names those it has.",
    ),
    Kind(
        408,
        "body-too-slow",
        "The body did not come within the time that the server gives it.",
        "Send it again over a better connection, or in smaller parts. The setting body_seconds is the operator's.",
    ),
    Kind(
        413,
        "too-large",
        "The body, a text or the number of items is more than the server takes at once.",
        "Send it in several requests, or as lines (application/x-ndjson), which may be any number.",
    ),
    Kind(
        415,
        "unsupported-media-type",
        "The body is not of the type that the route takes, or it is compressed.",
        "Send it as application/json, where lines are taken as application/x-ndjson, and a contribution as "
        "application/octet-stream; without Content-Encoding.",
    ),
    # ----------------------------------------------------------------------------------------------- who may do it
    Kind(
        401,
        "unauthorised",
        "There is no API key in the request, or one that the server does not know.",
        "Send the header Authorization: Bearer pm_... An operator makes keys by `protomem keys create`; one that was "
        "made just now is known within a second.",
    ),
    Kind(
        403,
        "foreign-origin",
        "A browser sent this for a page of another origin, or by another name of this machine.",
        "Ask from a page of the server itself, from a program, or by the address that the server listens at.",
    ),
    Kind(
        404,
        "not-found",
        "It is not there, or not for this key: the server does not say which, so that nobody learns what there is.",
        "Check the name, and the role and the memories of the key (`protomem keys list`).",
    ),
    Kind(
        429,
        "too-many-requests",
        "The key has sent more requests in a second than the server allows.",
        "Wait as long as Retry-After says, and send several items in one request.",
    ),
    # ------------------------------------------------------------------------------------------ a value is unusable
    Kind(
        422,
        "invalid-input",
        "A value cannot be used; nothing has changed.",
        "`path` says which value it is, and `detail` what it must be.",
    ),
    Kind(
        422,
        "invalid-vectors",
        "A vector has another length than the memory's, or holds a number that is not finite, or zeros alone.",
        "`dimension` of GET /v1/memories/{name} says how long vectors are. Leave out those that cannot be mended.",
    ),
    Kind(
        422,
        "invalid-item",
        "The memory's encoder cannot take an item, such as an empty text.",
        "`path` says which item it is; leave it out, or send it as lines, where a bad one stops no other.",
    ),
    Kind(
        422,
        "invalid-label",
        "A label is missing, empty, too long or no string.",
        "Give every item one label or a list of labels.",
    ),
    Kind(
        422,
        "invalid-id",
        "An id, a subject or an Idempotency-Key is empty, too long, no string, or an id comes twice.",
        "Use strings that are unique in the request, or leave ids out: the receipt then names fresh ones.",
    ),
    Kind(
        422,
        "invalid-receipt",
        "What was sent is no receipt of this memory, or was changed.",
        "Send the receipt as learning gave it back, codes and all.",
    ),
    Kind(
        422,
        "contribution-refused",
        "What a client sent is damaged or forged, of another encoder or width, or of sums that no examples have; "
        "nothing was merged.",
        "`detail` names the check, which protomem/CONTRIBUTIONS.md explains. Have the client send everything (whole).",
    ),
    Kind(
        422,
        "aggregation-refused",
        "A message of a secure sum is damaged or of another session, or asks for what must not be told.",
        "Send the messages of one session, each once, as they were made.",
    ),
    Kind(
        422,
        "length-mismatch",
        "Items, labels, ids and subjects are not equally many.",
        "Send one label (or list), id and subject for each item.",
    ),
    # ------------------------------------------------------------------------------ it contradicts what is remembered
    Kind(
        404,
        "not-remembered",
        "An id, a subject, a label or an example of the receipt is not remembered; nothing was forgotten.",
        "GET /v1/memories/{name}/classes and /examples list what is. It may have been forgotten already.",
    ),
    Kind(
        409,
        "id-conflict",
        "The id is remembered with other content.",
        "Forget it first, or use another id.",
    ),
    Kind(
        409,
        "forgotten",
        "The id was forgotten before, and is refused so that no stale copy brings it back.",
        'Leave it out, or send "relearn": true if it is to be learned anew on purpose.',
    ),
    Kind(
        409,
        "request-conflict",
        "The Idempotency-Key came before, with another request.",
        "Use a fresh key for each new request, and the same one only for the same request.",
    ),
    Kind(
        409,
        "contribution-out-of-order",
        "The contribution does not follow what is merged of its client: one is missing between, or it is an older one.",
        "Merge what lies between, or have the client send everything (whole). GET /v1/memories/{name}/clients tells "
        "the number of the last one.",
    ),
    Kind(
        409,
        "too-few-clients",
        "A secure sum would be of fewer clients than were agreed on, so nothing was revealed.",
        "Begin again with as many clients as were agreed on.",
    ),
    Kind(
        409,
        "encoder-mismatch",
        "The memory was made with another encoder, or other settings.",
        "Ask it with items of its own encoder; GET /v1/memories/{name} names it.",
    ),
    Kind(
        409,
        "empty-memory",
        "The memory remembers nothing yet, so it cannot answer.",
        "Teach it first: POST /v1/memories/{name}/learn.",
    ),
    Kind(
        409,
        "conflict",
        "The request contradicts what is there.",
        "`detail` says what; for a memory that is there with other settings, choose another name.",
    ),
    # --------------------------------------------------------------------------------------------------------- jobs
    Kind(
        429,
        "too-many-jobs",
        "Many jobs of this memory wait already; they will do the same.",
        "Wait for one of them: GET /v1/jobs lists them.",
    ),
    Kind(
        409,
        "forgotten-meanwhile",
        "Examples were forgotten while the report was made, so it is not told.",
        "Ask for another report.",
    ),
    Kind(
        410,
        "result-gone",
        "What a report found is kept until the server stops or the memory forgets something.",
        "Ask for another report.",
    ),
    Kind(
        503,
        "interrupted",
        "The server ended while the job was waiting or running, and it is not begun again.",
        "Ask for another; if that ends the same way, the server's log says why.",
    ),
    # --------------------------------------------------------------------------------------------- the server itself
    Kind(
        503,
        "busy",
        "The server has as much to do as it takes, or the answer took longer than its limit.",
        "Wait as long as Retry-After says. Send a change again with the same Idempotency-Key: it is made once.",
    ),
    Kind(
        503,
        "not-ready",
        "The server runs and cannot work, since its data folder cannot be written.",
        "Its operator should look at the folder's disk and permissions.",
    ),
    Kind(
        503,
        "memory-locked",
        "Another process holds the memory's file.",
        "Close it there: a command line or a program on the same file shuts the server out.",
    ),
    Kind(
        503,
        "memory-closed",
        "The memory was closed while the request was under way.",
        "Send the request again.",
    ),
    Kind(
        503,
        "store-unavailable",
        "The disk refused: it is full, read-only, gone, or without permission. Nothing has changed.",
        "Its operator should look at the disk; the server's log says what it refused. Then send the request again.",
    ),
    Kind(
        500,
        "memory-damaged",
        "The memory's file contradicts itself.",
        "Its operator should restore it from a copy; the server's log says what was found.",
    ),
    Kind(
        500,
        "not-a-memory",
        "The file of this name in the data folder is no memory, or of a release that this one cannot read.",
        "Its operator should move it away, or serve it with the release that wrote it.",
    ),
    Kind(
        500,
        "store-error",
        "The memory's file cannot be used now.",
        "The server's log says why, under the request's X-Request-Id.",
    ),
    Kind(
        501,
        "missing-extra",
        "The server lacks an optional part that this needs.",
        "`detail` has the `pip install` line for its operator.",
    ),
    Kind(
        500,
        "internal-error",
        "The server failed in a way that was not meant to happen.",
        "Its log says where, under the request's X-Request-Id: please report it.",
    ),
    Kind(
        500,
        "http-error",
        "The request was refused for a reason that has no page of its own.",
        "The status and `detail` say what it is.",
    ),
)

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in ALL}
"""Every kind by its name. A problem of another name cannot be made."""
