"""The page of changes: what was changed of many pictures at once, by whom, and whether it can be undone."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from imagestore.accounts.roles import Role
from imagestore.errors import StoreError
from imagestore.pipeline.changes.documents import Action
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.web.api.changes import ID, read_change
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import CallerDep
from imagestore.web.pages.rendering import render

log = logging.getLogger("imagestore.web")
router = APIRouter()
PAGE = 20


@router.get("/changes")
def changes_page(
    request: Request,
    services: ServicesDep,
    caller: CallerDep,
    before: Annotated[str | None, Query(pattern=ID, description="Only older ones than this.")] = None,
) -> Response:
    """The changes of the last 30 days, the newest first."""
    found: list[ChangeStatus] = []
    is_known = True
    try:
        changes = services.bulk.list(PAGE + 1, before)
        found = [
            read_change(services, one.id) if one.left_alone + one.kept else ChangeStatus.of(one) for one in changes
        ]
    except StoreError as error:
        log.warning("%s", error)
        is_known = False
    shown = found[:PAGE]
    response = render(
        request,
        "changes.html",
        changes=shown,
        is_known=is_known,
        is_first=before is None,
        older=f"/changes?before={shown[-1].id}" if len(found) > PAGE else None,
        title=title,
        may_undo=lambda change: change.can_undo and (change.by == caller.account or caller.role.covers(Role.TRAINER)),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def title(change: ChangeStatus) -> str:
    """What was asked for, in words, without the labels."""
    number = "1 picture" if change.pictures == 1 else f"{change.pictures:,} pictures"
    if change.project is not None:
        done = "A label is another now:" if len(change.labels) > 1 else "A label is deleted:"
        return f"{number} of {change.project}. {done}"
    return {
        Action.LABEL: f"{number} labelled",
        Action.CORRECT: f"{number} labelled, each as a list says",
        Action.RELABEL: f"Corrections of {number} renamed"
        if len(change.labels) > 1
        else f"A label of {number} deleted:",
        Action.UNLABEL: f"Corrections of {number} taken back",
        Action.WRONG: f"{number}: the model's label is wrong",
        Action.TO_TRAINING: f"{number} moved to training",
        Action.REPROCESS: f"{number} classified again",
        Action.DELETE: f"{number} deleted",
    }[Action(change.action)]
