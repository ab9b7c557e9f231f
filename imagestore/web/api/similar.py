"""Pictures that look most like one."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from imagestore.web.answering.location import HideLocation
from imagestore.web.answering.similar import similar_to_file, similar_to_picture
from imagestore.web.answers import Similar
from imagestore.web.api.classify import unkept_picture, version_of
from imagestore.web.api.common import FilterQuery, Id, ServicesDep
from imagestore.web.api.why import OfProject, OfPublished, OfVersion
from imagestore.web.guards.access import CallerDep, demand_project
from imagestore.web.intake.bodies import BODY

router = APIRouter(tags=["Pictures"])
MOST = 500
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]


@router.get("/pictures/{id}/similar", operation_id="similar")
def similar(
    services: ServicesDep, hide_location: HideLocation, filter: FilterQuery, id: Id, limit: Limit = 60
) -> Similar:
    """The pictures that look most like this one to the model's network, of those that pass the filter."""
    return similar_to_picture(services, id, filter, limit, hide_location)


@router.post("/similar", operation_id="similarTo", openapi_extra=BODY)
async def similar_to(
    request: Request,
    services: ServicesDep,
    hide_location: HideLocation,
    caller: CallerDep,
    filter: FilterQuery,
    project: OfProject = None,
    version: OfVersion = None,
    published: OfPublished = None,
    limit: Limit = 60,
) -> Similar:
    """The same of a picture of at most 20 MB of which nothing is kept: as this model's network sees it."""
    demand_project(caller, project or "what is live by default")
    wanted = await run_in_threadpool(version_of, services.stores, project, version, published)
    data = await unkept_picture(request, services)
    return await run_in_threadpool(similar_to_file, services, data, wanted, filter, limit, hide_location)
