"""Custom Vision's prediction: a published iteration classifies a picture."""

from typing import Annotated

import msgspec
from fastapi import Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.errors import NotFetched
from imagestore.fetch import fetch
from imagestore.store.projects import Project
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision.answering import MOST_BYTES, predict
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.routing import ProjectDep, answer, body_of, prediction_router
from imagestore.web.intake.bodies import whole_picture
from imagestore.web.services import Services

router = prediction_router()
FIELD = "imageData"
_CLASSIFY = "/{project_id}/classify/iterations/{published}"
Published = Annotated[str, Path()]


class ImageUrl(msgspec.Struct):
    """Where a picture is."""

    url: str


@router.post(f"{_CLASSIFY}/image")
async def classify_image(
    request: Request, services: ServicesDep, project: ProjectDep, published: Published
) -> Response:
    """Classify a picture, and keep it."""
    return await _classified(services, project, published, await whole_picture(request, MOST_BYTES, FIELD), store=True)


@router.post(f"{_CLASSIFY}/image/nostore")
async def classify_image_with_no_store(
    request: Request, services: ServicesDep, project: ProjectDep, published: Published
) -> Response:
    """Classify a picture."""
    return await _classified(services, project, published, await whole_picture(request, MOST_BYTES, FIELD))


@router.post(f"{_CLASSIFY}/url")
async def classify_image_url(
    request: Request, services: ServicesDep, project: ProjectDep, published: Published
) -> Response:
    """Classify the picture at an address, and keep it."""
    return await _classified(services, project, published, await fetched(request, services), store=True)


@router.post(f"{_CLASSIFY}/url/nostore")
async def classify_image_url_with_no_store(
    request: Request, services: ServicesDep, project: ProjectDep, published: Published
) -> Response:
    """Classify the picture at an address."""
    return await _classified(services, project, published, await fetched(request, services))


@router.post("/{project_id}/detect/iterations/{published}/image")
@router.post("/{project_id}/detect/iterations/{published}/image/nostore")
@router.post("/{project_id}/detect/iterations/{published}/url")
@router.post("/{project_id}/detect/iterations/{published}/url/nostore")
async def detect(published: Published) -> Response:
    """Say that objects are not detected here."""
    raise refused("BadRequestNotSupported", "Objects are not detected here: pictures are classified.")


async def fetched(request: Request, services: Services, max_bytes: int = MOST_BYTES) -> bytes:
    """The picture at the address in a request's body. Raises ApiProblem 400."""
    wanted = await body_of(request, ImageUrl)
    try:
        return await run_in_threadpool(fetch, wanted.url, max_bytes, services.may_fetch)
    except NotFetched as error:
        raise refused("BadRequestImageUrl", str(error)) from None


async def _classified(
    services: Services, project: Project, published: str, data: bytes, *, store: bool = False
) -> Response:
    version = project.published.get(published)
    if version is None:
        said = f"Nothing of '{project.title}' is published under the name '{published[:64]}'."
        raise refused("NotFoundIteration", said, 404)
    return answer(await run_in_threadpool(predict, services, project, version, data, store=store))
