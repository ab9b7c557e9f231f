"""Pictures: upload, get, list, correct, retry, delete."""

import base64
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from imagestore.accounts.callers import Caller
from imagestore.decoding import decode
from imagestore.errors import Contended, NotFound, StoreError
from imagestore.pipeline.commit import hide
from imagestore.pipeline.delete import delete as delete_now
from imagestore.pipeline.delete import delete_later, undo
from imagestore.pipeline.labelling.correct import LABEL, LONGEST_LABEL, MOST_LABELS
from imagestore.pipeline.labelling.correct import correct as set_label
from imagestore.pipeline.upkeep.retry import retry_one
from imagestore.record import LONGEST_NAME, Record, record_id, utc
from imagestore.store import SentMessage
from imagestore.web.answering.location import HideLocation, shown
from imagestore.web.answers import Deletion, Duplicates, Listing, Pending
from imagestore.web.api.common import (
    FilterQuery,
    Id,
    ServicesDep,
    as_json,
    find,
    matches,
    name_of,
    received,
    record_of,
)
from imagestore.web.guards.access import AuditNote, CallerDep, NoteDep
from imagestore.web.index.queries import Sort, duplicates, list_records
from imagestore.web.intake.bodies import BODY, sent_picture
from imagestore.web.intake.names import PATTERN, checked
from imagestore.web.intake.receive import IfExists
from imagestore.web.load.visit import Visit
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = APIRouter(prefix="/pictures", tags=["Pictures"])
LONGEST_WAIT_S = 30
log = logging.getLogger("imagestore.web")
_GRACE = timedelta(seconds=60)
"""How much later than planned a deletion may happen before its picture is shown again."""
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern="^[ -~]+$")]
_NAME: dict[str, Any] = {"min_length": 1, "max_length": LONGEST_NAME, "json_schema_extra": {"pattern": PATTERN}}
WaitSeconds = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Wait so many seconds for the final record.")]
NameOfPending = Annotated[str | None, Query(description="Its name, for one without a record yet.", **_NAME)]
_RECORD: dict[int | str, dict[str, Any]] = {200: {"model": Record, "description": "The final record."}}
_PENDING: dict[int | str, dict[str, Any]] = {202: {"model": Pending, "description": "On its way: look again."}}


@router.post(
    "",
    status_code=202,
    response_model=None,
    responses={**_PENDING, **_RECORD},
    openapi_extra=BODY,
    operation_id="upload",
)
async def upload(
    request: Request,
    services: ServicesDep,
    hide_location: HideLocation,
    note: NoteDep,
    name: Annotated[
        str | None,
        Query(description="The picture's name; '/' makes folders. In a form its file may say it.", **_NAME),
    ] = None,
    if_exists: Annotated[IfExists, Query(description="Where the name is taken by another picture.")] = IfExists.ERROR,
    wait: WaitSeconds = 0,
) -> Response:
    """Upload a picture; sending the same file under the same name again changes nothing."""
    options = services.options
    if name is not None:
        checked(name, options.max_name_length)
    try:
        name, body = await sent_picture(request, name, options.max_bytes)
        checked(name, options.max_name_length)
        taken_in = await received(services, name, body, if_exists)
    except ClientDisconnect:
        raise ApiProblem(400, "broken_off", "The upload broke off; nothing was kept.") from None
    id = note.target = record_id(taken_in.name)
    pending = _pending(request, id, taken_in.name, taken_in.etag)
    return await _when_final(request, services, pending, wait, hide_location)


@router.get("", operation_id="list")
def list_pictures(
    services: ServicesDep,
    hide_location: HideLocation,
    filter: FilterQuery,
    sort: Annotated[Sort, Query(description="The order of the list.")] = Sort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 60,
    after: Annotated[str | None, Query(max_length=4096, description="`next` of the page before.")] = None,
) -> Listing:
    """List pictures, page by page."""
    return shown(list_records(services.index, filter, sort, limit, after), hide_location)


@router.get(
    "/{id}",
    response_model=None,
    responses={**_RECORD, **_PENDING, 304: {"description": "As you have it."}},
    operation_id="get",
)
async def get_picture(
    request: Request,
    services: ServicesDep,
    hide_location: HideLocation,
    id: Id,
    name: NameOfPending = None,
    wait: WaitSeconds = 0,
) -> Response:
    """The record; 202 while the current version has none yet."""
    found = await run_in_threadpool(find, services, id, name)
    if found.record is None:
        pending = _pending(request, id, found.name, found.blob.etag)
        return await _when_final(request, services, pending, wait, hide_location)
    etag = f'"{found.record.etag}"'
    if matches(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return as_json(shown(found.record.record, hide_location), headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.delete("/{id}", status_code=202, operation_id="delete")
def delete_picture(
    services: ServicesDep,
    id: Id,
    undoable: Annotated[
        bool, Query(description="Delete it only after UNDO_SECONDS, so that it can be undone.")
    ] = False,
    name: NameOfPending = None,
) -> Deletion:
    """Delete a picture and everything that was made of it."""
    name = find(services, id, name).name
    if not undoable:
        delete_now(services.stores, name)
        services.change_feed.deleted_here(id)
        return Deletion(id)
    seconds = services.options.undo_seconds
    receipt = delete_later(services.stores, name, seconds)
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    _hide(services, id, utc(until + _GRACE))
    return Deletion(id, _to_token(id, receipt), utc(until))


@router.post("/{id}/undelete", operation_id="undelete")
def undelete_picture(
    services: ServicesDep,
    hide_location: HideLocation,
    id: Id,
    token: Annotated[str, Query(min_length=1, max_length=2048, description="`undo` of the deletion.")],
) -> Record:
    """Undo a deletion, as long as that is possible."""
    receipt = _from_token(token, id)
    try:
        undo(services.stores, receipt)
    except NotFound:
        raise ApiProblem(409, "too_late", "It is too late to undo this deletion. Drop the picture again.") from None
    _hide(services, id, None)
    record = record_of(services, id)
    services.change_feed.shown_again(id)
    return shown(record, hide_location)


@router.put("/{id}/correction", operation_id="correct")
def correct_picture(
    services: ServicesDep,
    hide_location: HideLocation,
    caller: CallerDep,
    note: NoteDep,
    id: Id,
    label: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL, json_schema_extra={"pattern": LABEL})]],
        Query(
            description="What the picture shows: one label, or where its model knows several a picture, all that hold.",
            min_length=1,
            max_length=MOST_LABELS,
        ),
    ],
    random_sample: Annotated[
        bool, Query(description="It was drawn at random for review, and counts for accuracy.")
    ] = False,
    drawn: Annotated[
        bool, Query(deprecated=True, description="What version 0.1 called `random_sample`. Understood until 0.3.")
    ] = False,
) -> Record:
    """Say what the picture shows. A correction replaces every prediction until it is taken back."""
    return shown(_corrected(services, caller, note, id, label, random_sample or drawn), hide_location)


@router.delete("/{id}/correction", operation_id="uncorrect")
def uncorrect_picture(
    services: ServicesDep, hide_location: HideLocation, caller: CallerDep, note: NoteDep, id: Id
) -> Record:
    """Take the correction back."""
    return shown(_corrected(services, caller, note, id, []), hide_location)


@router.post("/{id}/retry", status_code=202, operation_id="retry")
def retry_picture(request: Request, services: ServicesDep, id: Id, name: NameOfPending = None) -> Pending:
    """Preprocess and classify the picture again."""
    found = find(services, id, name)
    retry_one(services.stores, found.name)
    return _pending(request, id, found.name, found.blob.etag)


@router.get("/{id}/duplicates", operation_id="duplicates")
def duplicates_of(services: ServicesDep, hide_location: HideLocation, id: Id) -> Duplicates:
    """Pictures with the same bytes (SHA-256), and pictures that look alike (perceptual hash)."""
    return shown(duplicates(services.index, record_of(services, id)), hide_location)


def _hide(services: Services, id: str, until: str | None) -> None:
    """Have the lists of every instance leave a picture out until this time, or with None show it again.

    The message on the queue deletes it; so where this cannot be written, the picture is shown a little longer.
    """
    try:
        stored = hide(services.stores, id, until)
    except (StoreError, Contended) as error:
        log.warning("id=%s cannot be hidden or shown: %s", id, error)
        return
    if stored is not None:
        services.change_feed.changed_here(stored)


async def _when_final(
    request: Request, services: Services, pending: Pending, wait_s: float, hide_location: bool
) -> Response:
    """The record of that version, if it is final within `wait_s` seconds; else where to look for it."""
    visit: Visit = request.state.visit
    async with visit.done_but_for_the_answer():
        record = await services.change_feed.final(pending.id, pending.etag, wait_s)
    if record is not None:
        return as_json(shown(record, hide_location))
    return as_json(pending, 202, {"Location": pending.url, "Retry-After": "1"})


def _corrected(
    services: Services, caller: Caller, note: AuditNote, id: str, labels: Sequence[str], random_sample: bool = False
) -> Record:
    before = services.index.get(id)
    label, others = (labels[0], labels[1:]) if labels else (None, ())
    corrected = set_label(
        services.stores, name_of(services, id), label, caller.account, others=others, random_sample=random_sample
    )
    note.before, note.after = {"label": before and before.label}, {"label": corrected.record.label}
    if corrected.record.labels is not None:
        note.before["labels"], note.after["labels"] = before and before.labels, corrected.record.labels
    services.change_feed.changed_here(corrected)
    return corrected.record


def _pending(request: Request, id: str, name: str, etag: str) -> Pending:
    url = f"{request.app.url_path_for('get_picture', id=id)}?{urlencode({'name': name})}"
    return Pending(id, name, etag, url)


class _Undo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What undoes the deletion of a picture: its id, and the message that would delete it."""

    picture: str
    id: _Short
    pop_receipt: _Short


def _to_token(id: str, receipt: SentMessage) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Undo(id, receipt.id, receipt.pop_receipt))).decode()


def _from_token(token: str, id: str) -> SentMessage:
    """The message that would delete the picture with this id. Raises ApiProblem 409 where the token is another's."""
    try:
        undo = decode(base64.urlsafe_b64decode(token), _Undo)
    except ValueError:  # of base64 or of msgspec
        undo = None
    if undo is None or undo.picture != id:
        raise ApiProblem(409, "too_late", "This is no token of a deletion of this picture that can still be undone.")
    return SentMessage(undo.id, undo.pop_receipt)
