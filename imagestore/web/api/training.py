"""Training on what is labelled: what is there, taking labelled pictures in, and the job that learns from them."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from imagestore.jobs.job import Arguments, JobKind
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.labelling.correct import LABEL, LONGEST_LABEL, MOST_LABELS
from imagestore.pipeline.labelling.labelled_intake import Outcome, TakenIn, take_in
from imagestore.pipeline.labelling.learnable import TrainingState
from imagestore.record import LONGEST_NAME, stored_name
from imagestore.store.projects import Project
from imagestore.store.training import TrainingPictures
from imagestore.web.answering.training import state_of
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.jobs import Training, status
from imagestore.web.api.projects import ProjectName
from imagestore.web.guards.access import CallerDep, NoteDep, OfProject
from imagestore.web.intake.bodies import BODY, whole_picture
from imagestore.web.intake.names import PATTERN, checked
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from preprocess import Fit, ImageSpec, PictureError

router = APIRouter(prefix="/projects/{project}", tags=["Training"])
OneLabel = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LABEL, pattern=LABEL)]
_NEW: dict[int | str, dict[str, Any]] = {201: {"model": TakenIn, "description": "It is new."}}
_LOOK = ImageSpec(64, 64, 3, 1.0, Fit.STRETCH)
"""Whether a picture can be read is seen by reading it."""


@router.get("/train", operation_id="trainingState", dependencies=[OfProject])
def read_state(services: ServicesDep, project: ProjectName) -> TrainingState:
    """What the project could learn from now, label by label, and what is missing."""
    return state_of(services, services.stores.projects.open(project))


@router.post("/training", operation_id="addTraining", responses=_NEW, openapi_extra=BODY)
async def add(
    request: Request,
    response: Response,
    services: ServicesDep,
    note: NoteDep,
    project: ProjectName,
    name: Annotated[
        str,
        Query(
            description="What the file is called; folders in it say which pictures belong together.",
            min_length=1,
            max_length=LONGEST_NAME,
            json_schema_extra={"pattern": PATTERN},
        ),
    ],
    label: Annotated[
        list[OneLabel] | None,
        Query(max_length=MOST_LABELS, description="Its label; several times where several may hold."),
    ] = None,
    negative: Annotated[bool, Query(description="It shows none of the project's labels.")] = False,
    relabel: Annotated[bool, Query(description="Of what is there already: other labels in place of its own.")] = False,
) -> TakenIn:
    """Take a labelled picture in, to learn from or to test with. The same content again is the same picture."""
    checked(name)
    if negative == bool(label):
        raise ApiProblem(422, "bad_request", "Say a label, or negative=true of what shows none: one of both.")
    found = await run_in_threadpool(services.stores.projects.open, project)
    try:
        data = await whole_picture(request, services.options.max_bytes)
    except ClientDisconnect:
        raise ApiProblem(400, "broken_off", "The upload broke off; nothing was kept.") from None
    taken = await run_in_threadpool(_take_in, services, found, data, label or [], stored_name(name), relabel=relabel)
    note.target, note.after = taken.sha256, {"outcome": str(taken.outcome)}
    response.status_code = 201 if taken.outcome is Outcome.NEW else 200
    return taken


@router.post("/train", status_code=202, operation_id="train")
def train(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    project: ProjectName,
    training: Training | None = None,
) -> JobStatus:
    """Train the next version on all that is labelled and corrected. The body says what the training is held to."""
    found = services.stores.projects.open(project)
    arguments = Arguments(found.name, training=(training or Training()).held())
    job = services.jobs.put(JobKind.TRAIN, caller.account, arguments)
    note.target, note.after = job.id, {"kind": str(JobKind.TRAIN), "name": found.name}
    response.headers.update({"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"})
    return status(services, job)


def _take_in(
    services: Services, project: Project, data: bytes, labels: list[str], name: str, *, relabel: bool
) -> TakenIn:
    try:
        info, _ = services.renderer.pixels(data, _LOOK)
    except PictureError as error:
        raise ApiProblem(422, str(error.reason), f"It cannot be learned from. {error.detail}") from None
    pictures = TrainingPictures(services.stores.training, project.pictures_in)
    services.picture_lists.demand_migrated(pictures, services.stores.projects.gone)
    with services.picture_lists.changing(project.pictures_in, hashlib.sha256(data).hexdigest()):
        return take_in(services.stores, project, data, labels, name, (info.width, info.height), relabel=relabel)
