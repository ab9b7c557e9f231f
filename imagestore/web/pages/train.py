"""The page on which a model is trained: what is labelled, what is missing, and how far the training is."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from imagestore.pipeline.labelling import doubts
from imagestore.pipeline.labelling.correct import LONGEST_LABEL
from imagestore.pipeline.labelling.learnable import FEWEST, NOTHING_TO_TEST_WITH, WANTED
from imagestore.record import record_id
from imagestore.store.models import NAME
from imagestore.store.projects import ProjectState
from imagestore.store.training import MINE, ListedPicture
from imagestore.web.answering.training import listed, state_of, work_on
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.rendering import render

router = APIRouter()
MOST_DOUBTS = PAGE = 48
"""So many are shown at once."""


class Kind(StrEnum):
    """Which labelled pictures: those of a label, those of none of the labels, and those that wait for one."""

    LABELLED = "labelled"
    NEGATIVE = "negative"
    WAITING = "waiting"

    def has(self, picture: ListedPicture) -> bool:
        """Whether this picture is of this kind."""
        return self is (Kind.LABELLED if picture.labels else Kind.NEGATIVE if picture.negative else Kind.WAITING)


@router.get("/train")
def train_page(
    request: Request,
    services: ServicesDep,
    project: Annotated[str, Query(pattern=NAME, description="The project's name.")] = MINE,
) -> Response:
    """What a project could learn from, and its latest training; as a fragment, the latter alone, which the page asks
    for again."""
    if request.headers.get("x-fragment"):
        response = render(request, "train_work.html", project=project, **_work(services, project))
    else:
        chosen = services.stores.projects.open(project)
        response = render(
            request,
            "train.html",
            project=chosen.name,
            projects=[one for one in services.stores.projects.list() if one.state is ProjectState.OPEN],
            state=state_of(services, chosen),
            fewest=FEWEST,
            wanted=WANTED,
            NOTHING_TO_TEST_WITH=NOTHING_TO_TEST_WITH,
            labelling=doubts.state(services.stores, chosen, listed(services, chosen)),
            max_bytes=services.options.max_bytes,
            **_work(services, chosen.name),
        )
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/train/doubts")
def doubts_page(
    request: Request,
    services: ServicesDep,
    project: Annotated[str, Query(pattern=NAME, description="The project's name.")] = MINE,
) -> Response:
    """Pictures that were learned from and look mislabelled, to be answered for one by one."""
    chosen = services.stores.projects.open(project)
    state = doubts.state(services.stores, chosen, listed(services, chosen))
    found = [] if state is None else state.doubts
    of_pictures = [one for one in found if one.upload is None]
    response = render(
        request,
        "train_doubts.html",
        project=chosen,
        state=state,
        doubts=of_pictures[:MOST_DOUBTS],
        more=len(of_pictures) - MOST_DOUBTS,
        uploads=[(record_id(one.upload), one) for one in found if one.upload is not None][:MOST_DOUBTS],
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/train/pictures")
def pictures_page(
    request: Request,
    services: ServicesDep,
    project: Annotated[str, Query(pattern=NAME, description="The project's name.")] = MINE,
    label: Annotated[str | None, Query(max_length=LONGEST_LABEL, description="Only those with this label.")] = None,
    kind: Annotated[Kind, Query(description="Those of labels, of none of them, or without a label.")] = Kind.LABELLED,
    page: Annotated[int, Query(ge=1, le=10_000, description="Which page.")] = 1,
) -> Response:
    """The labelled pictures of a project, the newest first, to look at and to take out."""
    chosen = services.stores.projects.open(project)
    every = listed(services, chosen)
    label = (label or None) if kind is Kind.LABELLED else None  # the others have none
    found = [one for one in every if kind.has(one) and (label is None or label in one.labels)]
    response = render(
        request,
        "train_pictures.html",
        project=chosen,
        pictures=found[(page - 1) * PAGE : page * PAGE],
        count=len(found),
        label=label,
        kind=kind,
        page=page,
        pages=max(1, -(-len(found) // PAGE)),
        labels=sorted({label for one in every for label in one.labels}),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _work(services: ServicesDep, project: str) -> dict[str, Any]:
    work = work_on(services, project)
    return {"job": work.job, "has_runner": work.has_runner, "is_known": work.is_known}
