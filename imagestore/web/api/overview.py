"""Counts, labels, the overview, the events, and the app's health."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from classify import ModelError
from imagestore.errors import ImageStoreError
from imagestore.web.answering.location import HideLocation
from imagestore.web.answers import Counts, Health, Label, Overview
from imagestore.web.api.common import FilterQuery, ServicesDep, Text
from imagestore.web.api.events import events
from imagestore.web.index import counting, queries
from imagestore.web.index.suggestions import suggestions
from imagestore.web.problems import ApiProblem

router = APIRouter()
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `hello`, `picture`, `deleted` and `reset`, until the client leaves.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/counts", tags=["Overview"], operation_id="counts")
def count_pictures(services: ServicesDep, filter: FilterQuery) -> Counts:
    """How many pictures there are by status, label and reason. Each count ignores the filter on its own field."""
    return counting.counts(services.index, filter)


@router.get("/labels", tags=["Overview"], operation_id="labels")
def labels(
    services: ServicesDep,
    q: Annotated[
        Text | None, Query(description="Only those that have a word for each of these that begins so.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many, with `q`.")] = 10,
) -> list[Label]:
    """The labels in use, most used first, then the others that the live model knows."""
    if q is not None:
        return suggestions(services.index, services.live_model.all(), q, limit)
    return counting.labels(services.index, services.live_model.all())


@router.get("/overview", tags=["Overview"], operation_id="overview")
def overview(services: ServicesDep) -> Overview:
    """The last 24 hours, the distribution of confidence, the causes of failure, and the queues."""
    return queries.overview(services.index, services.stores)


@router.get("/events", response_class=EventSourceResponse, responses=_STREAM, tags=["Overview"], operation_id="events")
async def follow_events(
    services: ServicesDep,
    hide_location: HideLocation,
    after: Annotated[str | None, Query(max_length=64, description="Go on after the event with this id.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Watch pictures as they change: Server-Sent Events."""
    async for event in events(services, last_event_id or after, hide_location):
        yield event


@router.get("/health/live", tags=["Health"], operation_id="live")
async def live() -> Health:
    """Whether this process answers."""
    return Health("ok", {})


@router.get("/health/ready", tags=["Health"], operation_id="ready")
def ready(services: ServicesDep) -> Health:
    """Whether every service that this app needs answers; 503 says which does not."""
    checks = {
        "Blob Storage": _problem(lambda: services.stores.uploads.stat("health")),
        "queues": _problem(lambda: services.stores.work.length()),
        "Cosmos DB": _problem(lambda: services.stores.records.generation()),
        "index": services.change_feed.problem,
    }
    if wrong := [f"{part}: {said}" for part, said in checks.items() if said]:
        raise ApiProblem(
            503, "not_ready", "; ".join(wrong).rstrip(".") + ".", more={"checks": checks}, headers={"Retry-After": "5"}
        )
    return Health("ok", checks)


def _problem(look: Callable[[], object]) -> str | None:
    try:
        look()
    except (ImageStoreError, ModelError) as error:
        return str(error)
    return None
