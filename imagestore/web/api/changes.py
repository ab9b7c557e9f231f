"""Changes of many pictures at once, and undoing them."""

import logging
from collections import defaultdict
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import StringConstraints

from imagestore.accounts.roles import Role
from imagestore.errors import Conflict, StoreError
from imagestore.pipeline.changes.bulk import MOST_PICTURES
from imagestore.pipeline.changes.documents import Action, BulkChange, ChangeState, Kind
from imagestore.pipeline.changes.status import ChangeList, ChangeStatus, LeftAlone
from imagestore.pipeline.labelling.correct import LABEL, LONGEST_LABEL, MOST_LABELS
from imagestore.web.api.common import FilterQuery, ServicesDep
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.index.queries import Filter, matching_ids
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/changes", tags=["Changes"])
log = logging.getLogger("imagestore.web")
PAGE = 50
MOST_LEFT = 100
ID = r"^change-[0-9]{16}-[0-9a-f]{8}$"
ChangeId = Annotated[str, Path(pattern=ID, description="The change's id.")]
PictureId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
Sha256OfPicture = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
OneLabel = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LABEL, pattern=LABEL)]


@router.post("", status_code=202, operation_id="startChange")
def start_change(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    filter: FilterQuery,
    action: Annotated[
        Action,
        Body(
            embed=True,
            description="`label`: they show this; `relabel`: corrections have the second label, or none, for the "
            "first; `unlabel`: take corrections back; `wrong`: what the model says is wrong; `to_training`: "
            "they become labelled pictures of their project, with the labels that they have (for trainers); "
            "`reprocess`: classify them again; `delete`: in an hour, until when it can be undone.",
        ),
    ],
    labels: Annotated[
        list[OneLabel] | None,
        Body(embed=True, max_length=MOST_LABELS, description="For `label`: what they show; for `relabel` one or two."),
    ] = None,
    pictures: Annotated[
        list[PictureId] | None,
        Body(embed=True, min_length=1, max_length=MOST_PICTURES, description="Their ids."),
    ] = None,
    matching: Annotated[
        int | None,
        Body(
            embed=True,
            ge=1,
            le=MOST_PICTURES,
            strict=True,
            description="Instead of ids: all that pass the filter of the address, of which there must be so many.",
        ),
    ] = None,
) -> ChangeStatus:
    """Change many pictures, and do the first step of it. `continueChange` does the others, until it is `applied`."""
    if (pictures is None) is (matching is None):
        raise Conflict("Name the pictures by their ids, or say how many match the filter.")
    if action is Action.TO_TRAINING and not caller.role.covers(Role.TRAINER):
        raise _needs_trainer("What a project learns from is for trainers", caller.role)
    ids = pictures if pictures is not None else _matching(services, filter, matching or 0)
    change = services.bulk.begin(action, ids, caller.account, labels or ())
    note.target = change.id
    note.after = {"action": str(action), "labels": labels or [], "pictures": len(ids)}
    response.headers["Location"] = f"/api/v1/changes/{change.id}"
    try:
        change = services.bulk.step(change.id)
    except StoreError as error:  # it is written down, and goes on when asked to
        log.warning("change=%s its first step was not done: %s", change.id, error)
    look_anew(services, change)
    return ChangeStatus.of(change)


@router.get("", operation_id="changes")
def list_changes(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="At most so many.")] = PAGE,
    before: Annotated[str | None, Query(pattern=ID, description="`next` of the page before.")] = None,
) -> ChangeList:
    """The changes of the last 30 days, the newest first."""
    found = services.bulk.list(limit, before)
    return ChangeList([ChangeStatus.of(one) for one in found], found[-1].id if len(found) == limit else None)


@router.get("/{id}", operation_id="readChange")
def read_change(services: ServicesDep, id: ChangeId) -> ChangeStatus:
    """How far a change is, and which pictures it has left alone (the first hundred)."""
    change = services.bulk.read(id)
    left = islice(services.bulk.left_alone(change), MOST_LEFT)
    return ChangeStatus.of(change, [LeftAlone(one.id, one.name, one.why, str(one.kind)) for one in left])


@router.post("/{id}/continue", operation_id="continueChange")
def continue_change(services: ServicesDep, note: NoteDep, id: ChangeId) -> ChangeStatus:
    """Do the next step of a change, or of undoing it: up to 50 pictures. Nothing happens where there is none left."""
    note.target = id
    return _stepped(services, id)


@router.post("/{id}/undo", operation_id="undoChange")
def undo_change(services: ServicesDep, caller: CallerDep, note: NoteDep, id: ChangeId) -> ChangeStatus:
    """Begin to put back what the change has changed, and do the first step. Pictures that others have changed since are
    left alone. One's own changes; another's need a trainer."""
    note.target = id
    change = services.bulk.read(id)
    if change.by != caller.account and not caller.role.covers(Role.TRAINER):
        raise _needs_trainer("Somebody else made this change", caller.role)
    services.bulk.undo(id, caller.account)
    return _stepped(services, id)


def _needs_trainer(why: str, role: Role) -> ApiProblem:
    detail = f"{why}. It needs the role {Role.TRAINER}; yours is {role}."
    return ApiProblem(403, "role_needed", detail, more={"needed": str(Role.TRAINER)})


def _stepped(services: Services, id: str) -> ChangeStatus:
    change = services.bulk.step(id)
    look_anew(services, change)
    return ChangeStatus.of(change)


def look_anew(services: Services, change: BulkChange) -> None:
    """Have the labelled pictures looked at anew that the last step has changed. Where it cannot be read which they are,
    their folders are read anew: the step is done, and its change is to be answered."""
    if change.folder is None and change.action is not Action.TO_TRAINING:
        return
    number = change.step if change.state in (ChangeState.UNDOING, ChangeState.UNDONE) else change.step - 1
    changed = defaultdict[str, list[str]](list)
    try:
        found = services.bulk.pictures(change, number) if number >= 0 else ()
    except StoreError as error:
        log.warning("change=%s what it changed is not known now: %s", change.id, error)
        services.picture_lists.forget(change.folder)
        return
    for one in found:
        if one.move is not None:
            changed[one.move.folder].append(one.move.sha256)
        elif one.kind is Kind.LABELLED and change.folder is not None:
            changed[change.folder].append(one.id)
    for folder, sha256s in changed.items():
        services.picture_lists.changed(folder, sha256s)


def _matching(services: Services, filter: Filter, expected: int) -> list[str]:
    """The ids of the pictures that pass the filter. Raises Conflict if there are not just so many."""
    ids = matching_ids(services.index, filter, MOST_PICTURES + 1)
    if len(ids) != expected:
        found = f"{len(ids):,}" if len(ids) <= MOST_PICTURES else f"more than {MOST_PICTURES:,}"
        raise Conflict(f"{found} pictures match now, not {expected:,}. Look at them again; nothing was changed.")
    return ids
