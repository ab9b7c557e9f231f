"""What a model says of a picture that nobody keeps."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from imagestore.errors import NotFound
from imagestore.record import Status
from imagestore.store import Stores
from imagestore.store.models import NAME
from imagestore.store.projects import PUBLISHED
from imagestore.web.answers import Classification
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.jobs import VERSION
from imagestore.web.guards.access import CallerDep, demand_project
from imagestore.web.intake.bodies import BODY, whole_picture
from imagestore.web.models.classifier import Version
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(tags=["Pictures"])
MOST_BYTES = 20_000_000
"""Such a picture is held in memory."""


@router.post("/classify", operation_id="classify", openapi_extra=BODY)
async def classify(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    project: Annotated[
        str | None, Query(pattern=NAME, description="Whose live model; without it, what is live by default.")
    ] = None,
    version: Annotated[str | None, Query(pattern=VERSION, description="This version of the project.")] = None,
    published: Annotated[
        str | None, Query(pattern=PUBLISHED, description="The version that is published under this name.")
    ] = None,
) -> Classification:
    """Classify a picture of at most 20 MB, and keep nothing of it."""
    demand_project(caller, project or "what is live by default")
    wanted = await run_in_threadpool(version_of, services.stores, project, version, published)
    data = await unkept_picture(request, services)
    found = await run_in_threadpool(services.classifier.classify, data, wanted)
    is_known = found.prediction.is_known
    status = Status.CLASSIFIED if is_known else Status.UNKNOWN
    return Classification(status, found.prediction.label if is_known else None, found.image, found.prediction)


async def unkept_picture(request: Request, services: Services) -> bytes:
    """The picture that a request sends, which is held in memory alone. Raises ApiProblem."""
    try:
        return await whole_picture(request, min(MOST_BYTES, services.options.max_bytes))
    except ClientDisconnect:
        raise ApiProblem(400, "broken_off", "The upload broke off; nothing was kept.") from None


def version_of(
    stores: Stores, project: str | None = None, version: str | None = None, published: str | None = None
) -> Version | None:
    """Which version is meant; None is the model that came with the app. Raises NotFound, Unavailable."""
    if project is not None:
        found = stores.projects.open(project)
        project = found.name
        if published is not None:
            version = found.published.get(published)
            if version is None:
                raise NotFound(f"Nothing of '{found.title}' is published under the name '{published}'.")
        if version is not None:
            return Version(found.name, version)
    elif version is not None or published is not None:
        raise NotFound("Of which project? A version, or what is published, is of a project: project=….")
    active = stores.routes.read().of(project)
    if active is None:
        if project is None:
            return None
        raise NotFound(f"'{project}' has no live version: imagestore promote VERSION --project {project}.")
    return Version(active.live.name, active.live.version, active.live.sha256)
