"""Pictures: take in, get, list, correct, retry, delete."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from errors import Missing
from pipeline import tasks
from pipeline.correct import LABEL, LONGEST_LABEL
from pipeline.correct import correct as set_label
from pipeline.delete import delete as delete_now
from pipeline.delete import delete_later, undo
from record import Record, record_id, tombstone, utc
from settings import LONGEST_NAME
from store import Receipt
from web.api.answers import Deletion, Listing, Pending
from web.api.common import Id, TheSite, Wanted, as_json, find, matches, name_of
from web.names import PATTERN, checked
from web.problems import Problem
from web.receive import IfExists, receive, too_large
from web.search import Duplicates, Sort, duplicates, page
from web.site import Site

router = APIRouter(prefix="/pictures", tags=["Pictures"])
LONGEST_WAIT_S = 30
_NAME: dict[str, Any] = {"min_length": 1, "max_length": LONGEST_NAME, "json_schema_extra": {"pattern": PATTERN}}
Name = Annotated[str, Query(description="The picture's name; '/' makes folders.", **_NAME)]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="Wait so many seconds for the final record.")]
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file, as it is.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_RECORD: dict[int | str, dict[str, Any]] = {200: {"model": Record, "description": "The final record."}}
_PENDING: dict[int | str, dict[str, Any]] = {202: {"model": Pending, "description": "On its way: look again."}}


@router.post("", status_code=202, responses={**_PENDING, **_RECORD}, openapi_extra=_BODY, operation_id="upload")
async def upload(
    request: Request,
    site: TheSite,
    name: Name,
    if_exists: Annotated[IfExists, Query(description="Where the name is taken by another picture.")] = IfExists.ERROR,
    wait: Wait = 0,
) -> Response:
    """Take a picture in. The same file under the same name is not taken in twice."""
    checked(name, site.settings.max_name_length)
    most = site.settings.max_bytes
    if int(request.headers.get("content-length") or 0) > most:
        raise too_large(most)
    try:
        received = await receive(
            site.stores.uploads, name, request.stream(), if_exists, most, site.settings.max_name_length
        )
    except ClientDisconnect:
        raise Problem(400, "broken_off", "The upload broke off; nothing was kept.") from None
    id = record_id(received.name)
    site.hidden.remove(id)
    site.recent.add(id, received.name)
    return await _when_final(site, Pending(id, received.name, received.etag, _url(request, id, received.name)), wait)


@router.get("", response_model=Listing, operation_id="list")
def list_pictures(
    site: TheSite,
    wanted: Wanted,
    sort: Sort = Sort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 60,
    after: Annotated[str | None, Query(max_length=4096, description="`next` of the page before.")] = None,
) -> Response:
    """List pictures, page by page."""
    found = page(site.index, wanted, sort, limit, after)
    return as_json(Listing(found.records, found.next))


@router.get("/{id}", responses={**_RECORD, **_PENDING, 304: {"description": "As you have it."}}, operation_id="get")
async def get_picture(
    request: Request,
    site: TheSite,
    id: Id,
    name: Annotated[str | None, Query(description="Its name, for one without a record yet.", **_NAME)] = None,
    wait: Wait = 0,
) -> Response:
    """The record of a picture; 202 while there is none of the version that is there now."""
    found = await run_in_threadpool(find, site, id, name)
    if found.known is None:
        pending = Pending(id, found.name, found.present.etag, _url(request, id, found.name))
        return await _when_final(site, pending, wait)
    etag = f'"{found.known.etag}"'
    if matches(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return as_json(found.known.record, headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.delete("/{id}", status_code=202, response_model=Deletion, operation_id="delete")
def delete_picture(
    site: TheSite,
    id: Id,
    undoable: Annotated[
        bool, Query(description="Delete it only after UNDO_SECONDS, so that it can be undone.")
    ] = False,
) -> Response:
    """Delete a picture and all that was made of it."""
    name = find(site, id).name
    if not undoable:
        delete_now(site.stores, name)
        site.follower.seen(tombstone(name, utc()))
        return as_json(Deletion(id), 202)
    seconds = site.settings.undo_seconds
    receipt = delete_later(site.stores, name, seconds)
    site.hidden.add(id, seconds)
    until = utc(datetime.now(UTC) + timedelta(seconds=seconds))
    return as_json(Deletion(id, _to_token(receipt), until), 202)


@router.post("/{id}/undelete", response_model=Record, operation_id="undelete")
def undelete_picture(
    site: TheSite,
    id: Id,
    token: Annotated[str, Query(min_length=1, max_length=2048, description="`undo` of the deletion.")],
) -> Response:
    """Undo a deletion, as long as it can be."""
    receipt = _from_token(token)
    record = site.index.get(id)
    try:
        undo(site.stores, receipt)
    except Missing:
        raise Problem(409, "too_late", "It is too late to undo this deletion. Drop the picture again.") from None
    site.hidden.remove(id)
    if record is None:
        raise Missing("There is no record of this picture.")
    site.follower.seen(record)
    return as_json(record)


@router.put("/{id}/correction", response_model=Record, operation_id="correct")
def correct_picture(
    site: TheSite,
    id: Id,
    label: Annotated[str, Query(min_length=1, max_length=LONGEST_LABEL, json_schema_extra={"pattern": LABEL})],
    drawn: Annotated[bool, Query(description="It was drawn at random for review, and counts for accuracy.")] = False,
) -> Response:
    """Say what the picture shows. It stands above every prediction until it is taken back."""
    return _corrected(site, id, label, drawn)


@router.delete("/{id}/correction", response_model=Record, operation_id="uncorrect")
def uncorrect_picture(site: TheSite, id: Id) -> Response:
    """Take the correction back."""
    return _corrected(site, id, None)


@router.post("/{id}/retry", status_code=202, response_model=Pending, operation_id="retry")
def retry_picture(request: Request, site: TheSite, id: Id) -> Response:
    """Go through preprocessing and classification again."""
    found = find(site, id)
    tasks.send(site.stores.work, tasks.Task(tasks.PREPROCESS, found.name))
    return as_json(Pending(id, found.name, found.present.etag, _url(request, id, found.name)), 202)


@router.get("/{id}/duplicates", response_model=Duplicates, operation_id="duplicates")
def duplicates_of(site: TheSite, id: Id) -> Response:
    """Pictures with the same bytes (SHA-256), and pictures that look alike (perceptual hash)."""
    record = site.index.get(id)
    if record is None:
        raise Missing("There is no record of this picture.")
    return as_json(duplicates(site.index, record))


async def _when_final(site: Site, pending: Pending, wait_s: float) -> Response:
    """The record of that version, if there is one within `wait_s` seconds; else where to look."""
    record = await site.follower.final(pending.id, pending.etag, wait_s)
    if record is not None:
        return as_json(record)
    return as_json(pending, 202, {"Location": pending.url, "Retry-After": "1"})


def _corrected(site: Site, id: str, label: str | None, drawn: bool = False) -> Response:
    record = set_label(site.stores, name_of(site, id), label, site.account, drawn=drawn)
    site.follower.seen(record)
    return as_json(record)


def _url(request: Request, id: str, name: str) -> str:
    return f"{request.app.url_path_for('get_picture', id=id)}?{urlencode({'name': name})}"


def _to_token(receipt: Receipt) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(receipt)).decode()


def _from_token(token: str) -> Receipt:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=Receipt)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise Problem(409, "too_late", "This is no token of a deletion that can still be undone.") from None
