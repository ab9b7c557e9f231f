"""The labels of a project: how many pictures have each, and changing one in all of them or in some."""

import logging
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from imagestore.errors import StoreError
from imagestore.pipeline.changes.bulk import MOST_PICTURES
from imagestore.pipeline.changes.relabel import Relabelling
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.labelling.labelled import UsedLabel
from imagestore.web.answering.project_labels import labels_of
from imagestore.web.answering.training import listed
from imagestore.web.answers import LabelledList, LabelledPicture
from imagestore.web.api.changes import OneLabel, PictureId, Sha256OfPicture, look_anew
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.projects import ProjectName
from imagestore.web.guards.access import CallerDep, NoteDep, OfProject

router = APIRouter(prefix="/projects/{project}", tags=["Projects"])
log = logging.getLogger("imagestore.web")
PAGE = 1000


@router.get("/labels", operation_id="projectLabels", dependencies=[OfProject])
def project_labels(services: ServicesDep, project: ProjectName) -> list[UsedLabel]:
    """The labels that people have given in a project, the most given first: to uploads that it classifies, and to the
    pictures that it learns from, by what those are for."""
    return labels_of(services, services.stores.projects.open(project))


@router.get("/training", operation_id="labelledPictures", dependencies=[OfProject])
def labelled_pictures(
    services: ServicesDep,
    project: ProjectName,
    label: Annotated[OneLabel | None, Query(description="Only those with this label.")] = None,
    after: Annotated[
        str | None, Query(pattern="^[0-9a-f]{64}$", description="Only those after this one: `next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="At most so many.")] = 100,
) -> LabelledList:
    """The pictures that a project learns from and is tested with, by their SHA-256."""
    found = sorted(
        (
            one
            for one in listed(services, services.stores.projects.open(project))
            if (label is None or label in one.labels) and (after is None or one.sha256 > after)
        ),
        key=lambda one: one.sha256,
    )
    shown = [
        LabelledPicture(one.sha256, one.source, list(one.labels), one.negative, one.part and str(one.part))
        for one in found[:limit]
    ]
    return LabelledList(shown, shown[-1].sha256 if len(found) > limit else None)


@router.post("/labels", status_code=202, operation_id="changeLabel")
def change_label(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    project: ProjectName,
    label: Annotated[OneLabel, Body(embed=True, description="The label that is to change.")],
    to: Annotated[
        OneLabel | None,
        Body(embed=True, description="What it is to be; a label that is there already takes it in. None: it goes."),
    ] = None,
    pictures: Annotated[
        list[PictureId] | None,
        Body(embed=True, max_length=MOST_PICTURES, description="Only these uploads, by their ids."),
    ] = None,
    training: Annotated[
        list[Sha256OfPicture] | None,
        Body(embed=True, max_length=MOST_PICTURES, description="Only these labelled pictures, by their SHA-256."),
    ] = None,
) -> ChangeStatus:
    """Rename, merge, split or delete a label, in what the project learns from and in what people have said of uploads
    that it classifies; its models keep theirs until they are trained again. A change of many pictures like others:
    `continueChange` does the next steps until it is `applied`, and `undoChange` puts back exactly what was. With
    `pictures` or `training` the others keep the label."""
    found = services.stores.projects.open(project)
    asked = Relabelling(found, label, to, pictures, training)
    change = services.bulk.begin_relabel(asked, caller.account, listed(services, found, fresh=True))
    note.target = change.id
    note.after = {"project": found.name, "label": label, "to": to, "pictures": change.pictures}
    response.headers["Location"] = f"/api/v1/changes/{change.id}"
    try:
        change = services.bulk.step(change.id)
    except StoreError as error:  # it is written down, and goes on when asked to
        log.warning("change=%s its first step was not done: %s", change.id, error)
    look_anew(services, change)
    return ChangeStatus.of(change)
