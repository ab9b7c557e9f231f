"""The pages of a project's labels: how many pictures have each; rename, merge, split or delete one."""

import logging
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from imagestore.errors import NotFound
from imagestore.pipeline.labelling.correct import LABEL, LONGEST_LABEL
from imagestore.store.models import NAME
from imagestore.store.projects import Project, ProjectState
from imagestore.store.training import MINE
from imagestore.web.answering.project_labels import labels_of, with_label
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.rendering import render
from imagestore.web.services import Services

log = logging.getLogger("imagestore.web")
router = APIRouter()
PAGE = 120
ProjectQuery = Annotated[str, Query(pattern=NAME, description="The project, by its name.")]


@router.get("/labels")
def labels_page(request: Request, services: ServicesDep, project: ProjectQuery = MINE) -> Response:
    """The labels of a project, the most given first."""
    found = services.stores.projects.open(project)
    return _uncached(
        render(
            request,
            "labels.html",
            labels=labels_of(services, found),
            project=found,
            projects=_projects(services),
        )
    )


@router.get("/labels/pictures")
def pictures_page(
    request: Request,
    services: ServicesDep,
    label: Annotated[str, Query(min_length=1, max_length=LONGEST_LABEL, pattern=LABEL, description="The label.")],
    project: ProjectQuery = MINE,
    start: Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out.")] = 0,
) -> Response:
    """The pictures with a label, of which some can be given another."""
    found = services.stores.projects.open(project)
    shown, count = with_label(services, found, label, start, PAGE)
    if not count:
        raise NotFound(f"No picture of '{found.title}' has the label '{label}'.")
    further = urlencode({"project": found.name, "label": label, "start": start + PAGE})
    more = f"/labels/pictures?{further}" if start + PAGE < count else None
    return _uncached(
        render(request, "label_pictures.html", pictures=shown, count=count, label=label, project=found, more=more)
    )


def _projects(services: Services) -> list[Project]:
    """Those that have labels of their own."""
    every = services.stores.projects.list()
    return [one for one in every if one.shares is None and one.state is ProjectState.OPEN]


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
