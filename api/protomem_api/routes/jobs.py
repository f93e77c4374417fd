"""Long work: verify, purge and report in the background, and the jobs that come of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from protomem.errors import InvalidInput
from protomem_api.conversions import items_in
from protomem_api.encoding import Encoded
from protomem_api.guards import is_known_still
from protomem_api.job_entry import Entry
from protomem_api.keys import Key, Role
from protomem_api.limits import check_items
from protomem_api.problems import HttpProblem, as_problem, not_found
from protomem_api.routes.documented import problems
from protomem_api.service import Service, UsesService
from protomem_api.wire import Item
from protomem_api.wire.jobs import AskReport, Job, JobEvent, JobKind, Jobs

__all__ = ["ROUTES"]

TAGS = ["jobs"]

JobKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=1_024,
        description="A request that comes again with the same key gets the same job, as long as that is remembered.",
    ),
]

Caller = Request[Key, Any, Any]

ROLES: dict[JobKind, Role] = {"verify": "write", "purge": "write", "report": "read"}
"""Who may ask for a job, and cancel it. Whoever may read the memory may look at it."""

WATCHED = {
    200: ResponseSpec(
        JobEvent,
        generate_examples=False,
        description="Events `state` and `progress`, each with the whole job as JSON, until the job has ended.",
        media_type="text/event-stream",
    ),
    204: ResponseSpec(None, generate_examples=False, description="There is nothing after the event `Last-Event-ID`."),
}


@post(
    "/v1/memories/{name:str}/verify",
    operation_id="verify",
    summary="Recompute the memory and compare, as a job",
    tags=TAGS,
    status_code=202,
    opt={"role": ROLES["verify"]},
    responses=problems(also=(409, 422)),
)
async def verify(name: FromPath[str], service: UsesService, idempotency_key: JobKey = None) -> Response[Job]:
    """Everything in use is recomputed from the kept examples and compared bit for bit. The memory waits meanwhile."""
    return _accepted(await service.jobs.ask("verify", name, AskReport(), None, idempotency_key))


@post(
    "/v1/memories/{name:str}/purge",
    operation_id="purge",
    summary="Take the bytes of what was forgotten out of the files, as a job",
    tags=TAGS,
    status_code=202,
    opt={"role": ROLES["purge"]},
    responses=problems(also=(409, 422)),
)
async def purge(name: FromPath[str], service: UsesService, idempotency_key: JobKey = None) -> Response[Job]:
    """Its result is the signed receipt. The memory waits meanwhile."""
    return _accepted(await service.jobs.ask("purge", name, AskReport(), None, idempotency_key))


@post(
    "/v1/memories/{name:str}/report",
    operation_id="report",
    summary="The memory in numbers, as a job",
    tags=TAGS,
    status_code=202,
    opt={"role": ROLES["report"]},
    responses=problems(body=True),
)
async def report(
    name: FromPath[str], service: UsesService, data: JSONBody[AskReport], idempotency_key: JobKey = None
) -> Response[Job]:
    """Accuracy, novelty and drift over the stream of examples. Its result names labels, to whoever may read the memory.

    It is kept in memory only, until something is forgotten.
    """
    recent = None if data.recent is None else await _encoded(service, name, data.recent)
    return _accepted(await service.jobs.ask("report", name, data, recent, idempotency_key))


@get(
    "/v1/jobs",
    operation_id="listJobs",
    summary="The jobs of the memories that the key may read",
    tags=TAGS,
    opt={"role": "read", "filtered": True},
    responses=problems(also=(422,)),
)
async def list_jobs(
    request: Caller,
    service: UsesService,
    memory: Annotated[str | None, QueryParameter(description="Of this memory.")] = None,
    after: Annotated[str | None, QueryParameter(description="Go on after this id.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=1_000, description="Most jobs to list.")] = 100,
) -> Jobs:
    """Newest first, without their results: a job by itself tells its own."""
    found = [
        msgspec.structs.replace(job, result=None)
        for job in service.jobs.all()
        if request.user.may("read", job.memory)
        and (memory is None or job.memory == memory)
        and (after is None or job.id < after)
    ]
    page = found[:limit]
    return Jobs(jobs=page, next=page[-1].id if len(found) > limit else None)


@get(
    "/v1/jobs/{id:str}",
    operation_id="getJob",
    summary="A job as it is now",
    tags=TAGS,
    opt={"role": "read", "filtered": True},
    responses=problems(),
)
async def get_job(request: Caller, id: FromPath[str], service: UsesService) -> Job:
    """With its result once it is done."""
    return _visible(service, request.user, id).job


@post(
    "/v1/jobs/{id:str}/cancel",
    operation_id="cancelJob",
    summary="Cancel a job",
    tags=TAGS,
    status_code=200,
    opt={"role": "read", "filtered": True},
    responses=problems(),
)
async def cancel_job(request: Caller, id: FromPath[str], service: UsesService) -> Job:
    """At once if it waits; at its next report of progress if it runs, and the memory is as it was. An ended one stays.

    Whoever may ask for a job may cancel it.
    """
    entry = _visible(service, request.user, id)
    if not request.user.may(ROLES[entry.job.kind], entry.job.memory):
        raise not_found()
    return await service.jobs.cancel(entry)


@get(
    "/v1/jobs/{id:str}/events",
    operation_id="watchJob",
    summary="A job's progress as server-sent events",
    tags=TAGS,
    opt={"role": "read", "filtered": True},
    media_type="text/event-stream",
    responses=problems() | WATCHED,
)
async def watch_job(
    request: Caller,
    id: FromPath[str],
    service: UsesService,
    last: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", description="Go on after this event."),
    ] = None,
) -> Response[Any]:
    """Each event is the whole job, so that none is missed by coming late. Ends with the job; then answers 204."""
    entry = _visible(service, request.user, id)
    if entry.job.has_ended and last == entry.event_id:
        return Response(None, status_code=204)
    return ServerSentEvent(_events(service, request.user, entry, last))


async def _events(service: Service, key: Key, entry: Entry, last: str | None) -> AsyncIterator[ServerSentEventMessage]:
    state = None
    async for seen in entry.watched(last):
        if service.jobs.closing or not is_known_still(service, key):
            return
        if seen is None:
            yield ServerSentEventMessage(data=None, comment="the job goes on")
            continue
        id, job = seen
        event = "progress" if job.state == state else "state"
        state = job.state
        yield ServerSentEventMessage(id=id, event=event, data=msgspec.json.encode(job))


async def _encoded(service: Service, name: str, recent: Sequence[Item]) -> Encoded:
    try:
        check_items(recent, service.settings)
        async with service.memories.use(name) as held:
            return await held.encoder.encoded(items_in(recent, held.encoder))
    except (HttpProblem, InvalidInput) as error:
        problem = as_problem(error)
        raise problem.at((problem.path or "$.items").replace("items", "recent")) from None


def _visible(service: Service, key: Key, id: str) -> Entry:
    """The job, for a key that may read its memory. To others it is not there."""
    entry = service.jobs.get(id)
    if not key.may("read", entry.job.memory):
        raise not_found()
    return entry


def _accepted(job: Job) -> Response[Job]:
    return Response(job, status_code=202, headers={"Location": f"/v1/jobs/{job.id}"})


ROUTES = [verify, purge, report, list_jobs, get_job, cancel_job, watch_job]
