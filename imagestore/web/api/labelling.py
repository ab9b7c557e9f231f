"""What a training found out about labels, and what people answer to its doubts."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from imagestore.errors import NotFound
from imagestore.pipeline.labelling import doubts
from imagestore.pipeline.labelling.correct import MOST_LABELS
from imagestore.pipeline.labelling.doubts import Answered, LabellingState
from imagestore.web.answering.training import listed
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.jobs import VERSION
from imagestore.web.api.projects import ProjectName
from imagestore.web.api.training import OneLabel
from imagestore.web.api.training_pictures import Sha256
from imagestore.web.guards.access import NoteDep, OfProject

router = APIRouter(prefix="/projects/{project}", tags=["Training"])
Labels = Annotated[list[OneLabel], Body(embed=True, max_length=MOST_LABELS)]


@router.get("/labelling", operation_id="labelling", dependencies=[OfProject])
def read_labelling(
    services: ServicesDep,
    project: ProjectName,
    version: Annotated[str | None, Query(pattern=VERSION, description="This version instead of the newest.")] = None,
) -> LabellingState:
    """Whether more pictures would help, and which pictures that were learned from look mislabelled and nobody has
    answered for."""
    found = services.stores.projects.open(project)
    state = doubts.state(services.stores, found, listed(services, found), version)
    if state is None:
        which = f"version {version} of '{found.title}'" if version else f"the versions of '{found.title}'"
        raise NotFound(f"Nothing is kept of what a training found out for {which}: train again.")
    return state


@router.put("/training/{sha256}", operation_id="answerDoubt")
def answer(
    services: ServicesDep, note: NoteDep, project: ProjectName, sha256: Sha256, labels: Labels, instead_of: Labels
) -> Answered:
    """Say which labels a labelled picture has, none of which it has if it shows none, where it has `instead_of` now. If
    they are the same, they are right: a training that doubts them asks no more."""
    found = services.stores.projects.open(project)
    note.target, note.after = sha256, {"is_same": set(labels) == set(instead_of)}
    with services.picture_lists.changing(found.pictures_in, sha256):
        return doubts.answer(services.stores, found, sha256, labels, instead_of)


@router.delete("/training/{sha256}", operation_id="takeOut")
def take_out(
    services: ServicesDep,
    note: NoteDep,
    project: ProjectName,
    sha256: Sha256,
    for_good: Annotated[bool, Query(description="Delete it, which cannot be undone.")] = False,
) -> Answered:
    """Take a labelled picture's labels away, so that no model learns from it or is tested with it. It can be undone,
    unless it is `for_good`."""
    found = services.stores.projects.open(project)
    note.target, note.after = sha256, {"for_good": for_good}
    with services.picture_lists.changing(found.pictures_in, sha256):
        return doubts.take_out(services.stores, found, sha256, for_good=for_good)


@router.post("/training/{sha256}/undo", operation_id="undoAnswer")
def undo(services: ServicesDep, note: NoteDep, project: ProjectName, sha256: Sha256) -> Answered:
    """Put back what was said of a labelled picture before the last answer, if nobody has changed it since."""
    found = services.stores.projects.open(project)
    note.target = sha256
    with services.picture_lists.changing(found.pictures_in, sha256):
        return doubts.undo(services.stores, found, sha256)
