"""What there is in all, what changes, and whether everything works."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from errors import ImageStoreError, StoreError
from record import Status
from web.api.answers import Cause, Health, Hour, Label, Overview
from web.api.common import TheSite, Wanted, as_json
from web.events import events
from web.problems import Problem
from web.search import Counts, Filter, counts
from web.site import Site
from web.statistics import statistics

router = APIRouter()
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `picture`, `deleted`, `reset`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/counts", response_model=Counts, tags=["Insight"], operation_id="counts")
def count_pictures(site: TheSite, wanted: Wanted) -> Response:
    """How many pictures there are, by status, label and reason; each leaves its own filter out."""
    return as_json(counts(site.index, wanted))


@router.get("/labels", response_model=list[Label], tags=["Insight"], operation_id="labels")
def labels(site: TheSite) -> Response:
    """The labels in use, most used first, then the others that the model knows."""
    return as_json(all_labels(site))


@router.get("/overview", response_model=Overview, tags=["Insight"], operation_id="overview")
def overview(site: TheSite) -> Response:
    """The last 24 hours, the spread of confidence, causes of failure, and queues."""
    found = statistics(site.index)
    return as_json(
        Overview(
            hours=[Hour(hour, statuses) for hour, statuses in found.hours],
            confidence=found.confidence,
            causes=[Cause(Status(status), reason, count) for status, reason, count in found.causes],
            queues=queue_lengths(site),
        )
    )


@router.get("/events", response_class=StreamingResponse, responses=_STREAM, tags=["Insight"], operation_id="events")
def follow_events(
    site: TheSite,
    after: Annotated[str | None, Query(max_length=64, description="Go on after the event with this id.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> StreamingResponse:
    """Watch pictures as they change: Server-Sent Events."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(site, last_event_id or after), 200, headers, "text/event-stream")


@router.get("/health/live", response_model=Health, tags=["Health"], operation_id="live")
async def live() -> Response:
    """Whether this process answers."""
    return as_json(Health("ok", {}))


@router.get("/health/ready", response_model=Health, tags=["Health"], operation_id="ready")
def ready(request: Request, site: TheSite) -> Response:
    """Whether everything that this app needs answers; 503 says what does not."""
    checks = {
        "Blob Storage": _trouble(lambda: site.stores.uploads.look("health")),
        "queues": _trouble(lambda: site.stores.work.length()),
        "Cosmos DB": _trouble(lambda: site.stores.records.generation()),
        "index": site.follower.problem,
    }
    if wrong := [f"{part}: {said}" for part, said in checks.items() if said]:
        raise Problem(503, "not_ready", "; ".join(wrong), more={"checks": checks}, headers={"Retry-After": "5"})
    return as_json(Health("ok", checks))


def all_labels(site: Site) -> list[Label]:
    """Every label that is used or that the model knows."""
    used, model = counts(site.index, Filter()).labels, site.model
    return [Label(label, count) for label, count in used.items()] + [
        Label(label, 0) for label in sorted(model.labels if model else (), key=str.casefold) if label not in used
    ]


def queue_lengths(site: Site) -> dict[str, int | None]:
    """About how many messages wait in each queue; None where it does not answer."""
    lengths: dict[str, int | None] = {}
    for queue in (site.stores.work, site.stores.work_poison, site.stores.poison):
        try:
            lengths[queue.name] = queue.length()
        except StoreError:
            lengths[queue.name] = None
    return lengths


def _trouble(look: Callable[[], object]) -> str | None:
    try:
        look()
    except ImageStoreError as error:
        return str(error)
    return None
