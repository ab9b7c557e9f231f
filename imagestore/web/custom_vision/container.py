"""What the container answers that Custom Vision exported: `POST /image` and `POST /url`, without a key.

Only on this machine, where nobody signs in (AUTH=off). The model that is live by default answers, and nothing is kept.
"""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.errors import NotFound
from imagestore.settings import Auth
from imagestore.web.api.classify import version_of
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision.answering import MOST_BYTES, predict
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.prediction import FIELD, fetched
from imagestore.web.custom_vision.routing import answer
from imagestore.web.intake.bodies import whole_picture
from imagestore.web.services import Services

router = APIRouter(include_in_schema=False)


@router.post("/image")
async def image(request: Request, services: ServicesDep) -> Response:
    """Classify a picture, sent as it is or in a form."""
    _demand_local(services)
    return await _classified(services, await whole_picture(request, MOST_BYTES, FIELD))


@router.post("/url")
async def url(request: Request, services: ServicesDep) -> Response:
    """Classify the picture at an address of the public internet."""
    _demand_local(services)
    return await _classified(services, await fetched(request, services))


def _demand_local(services: Services) -> None:
    if services.options.auth is not Auth.OFF:
        raise NotFound("There is nothing at this address where people sign in: use /customvision/ with a key.")


async def _classified(services: Services, data: bytes) -> Response:
    version = await run_in_threadpool(version_of, services.stores)
    if version is None:
        raise refused("NotFoundProjectDefaultIteration", "No version of a project is live: imagestore promote.", 404)
    project = await run_in_threadpool(services.stores.projects.find, version.project)
    found = await run_in_threadpool(predict, services, project, version.version, data, sha256=version.sha256)
    return answer(found)
