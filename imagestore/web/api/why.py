"""Where in a picture a label comes from, and which of the pictures that its model learned from are most like it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from imagestore.store.models import NAME
from imagestore.store.projects import PUBLISHED
from imagestore.web.answering.nearest import nearest_to_file, nearest_to_record
from imagestore.web.answering.why import why_of_file, why_of_record
from imagestore.web.answers import Nearest, Why
from imagestore.web.api.classify import unkept_picture, version_of
from imagestore.web.api.common import Id, ServicesDep, record_of
from imagestore.web.api.jobs import VERSION
from imagestore.web.guards.access import CallerDep, demand_project
from imagestore.web.intake.bodies import BODY

router = APIRouter(tags=["Pictures"])
OfLabel = Annotated[
    str | None,
    Query(min_length=1, max_length=1024, description="A label or family of the model; without it, what it answers."),
]
OfProject = Annotated[
    str | None, Query(pattern=NAME, description="Whose live model; without it, what is live by default.")
]
OfVersion = Annotated[str | None, Query(pattern=VERSION, description="This version of the project.")]
OfPublished = Annotated[
    str | None, Query(pattern=PUBLISHED, description="The version that is published under this name.")
]


@router.get("/pictures/{id}/why", operation_id="why")
def why(services: ServicesDep, id: Id, label: OfLabel = None) -> Why:
    """Where in a picture its label comes from, by the model that classified it."""
    return why_of_record(services, record_of(services, id), label)


@router.post("/classify/why", operation_id="whyOf", openapi_extra=BODY)
async def why_of(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    project: OfProject = None,
    version: OfVersion = None,
    published: OfPublished = None,
    label: OfLabel = None,
) -> Why:
    """Where in a picture of at most 20 MB a label comes from. Nothing of the picture is kept."""
    demand_project(caller, project or "what is live by default")
    wanted = await run_in_threadpool(version_of, services.stores, project, version, published)
    data = await unkept_picture(request, services)
    return await run_in_threadpool(why_of_file, services, data, wanted, label)


@router.get("/pictures/{id}/nearest", operation_id="nearest")
def nearest(services: ServicesDep, id: Id) -> Nearest:
    """The five pictures most like this one, of those that the model learned from that classified it."""
    return nearest_to_record(services, record_of(services, id))


@router.post("/classify/nearest", operation_id="nearestOf", openapi_extra=BODY)
async def nearest_of(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    project: OfProject = None,
    version: OfVersion = None,
    published: OfPublished = None,
) -> Nearest:
    """The same of a picture of at most 20 MB of which nothing is kept."""
    demand_project(caller, project or "what is live by default")
    wanted = await run_in_threadpool(version_of, services.stores, project, version, published)
    data = await unkept_picture(request, services)
    return await run_in_threadpool(nearest_to_file, services, data, wanted)
