"""The page with the pictures that look most like one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from imagestore.errors import NotFound
from imagestore.web.answering.location import HideLocation, shown
from imagestore.web.answering.similar import not_compared, similar_to_file, similar_to_picture
from imagestore.web.answers import Similar
from imagestore.web.api.classify import unkept_picture, version_of
from imagestore.web.api.common import FilterQuery, ServicesDep
from imagestore.web.pages.rendering import render
from imagestore.web.problems import ApiProblem

router = APIRouter()
SHOWN = 120
OfPicture = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="The id of the picture to compare with.")]


@router.get("/similar")
def similar_page(
    request: Request, services: ServicesDep, hide_location: HideLocation, filter: FilterQuery, of: OfPicture = None
) -> Response:
    """The pictures most like the one in the address, and a field for a picture of one's own."""
    record, found, problem = None, None, None
    if of is not None:
        record = services.index.get(of)
        if record is None:
            raise NotFound("There is no such picture. It may have been deleted.")
        try:
            found = similar_to_picture(services, of, filter, SHOWN, hide_location)
        except ApiProblem as error:
            problem = error.detail
        record = shown(record, hide_location)
    return render(request, "similar.html", record=record, problem=problem, **_told(found))


@router.post("/similar")
async def similar_to_own(
    request: Request, services: ServicesDep, hide_location: HideLocation, filter: FilterQuery
) -> Response:
    """The pictures most like the one that is sent, as a fragment of the page. Nothing is kept of it."""
    data = await unkept_picture(request, services)
    live = await run_in_threadpool(version_of, services.stores)
    found = await run_in_threadpool(similar_to_file, services, data, live, filter, SHOWN, hide_location)
    return render(request, "similar_cards.html", **_told(found))


def _told(found: Similar | None) -> dict[str, Any]:
    return {"found": found, "not_compared": not_compared(found) if found else ""}
