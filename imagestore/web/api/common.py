"""Parts that routes share."""

import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Request, Response
from pydantic import BeforeValidator
from starlette.concurrency import run_in_threadpool

from imagestore.errors import NotFound
from imagestore.record import Record, Status, record_id, utc
from imagestore.store import BlobState, StoredRecord
from imagestore.web.clients import address_of
from imagestore.web.index.queries import Filter
from imagestore.web.intake.names import checked
from imagestore.web.intake.receive import IfExists, Received, receive
from imagestore.web.openapi import parameters
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The picture's id: 32 hex digits.")]


def services_of(request: Request) -> Services:
    """The services of this app."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(services_of)]
Text = Annotated[str, Query(min_length=1, max_length=1024)]
Confidence = Annotated[float, Query(ge=0, le=1)]


def _no_number(text: object) -> object:
    """Refuse numbers: times are written as ISO 8601, not as seconds since 1970."""
    if isinstance(text, str) and "-" not in text[1:]:
        raise ValueError("a time is written as 2026-11-21 or 2026-11-21T09:00:00Z")
    return text


Moment = Annotated[datetime, BeforeValidator(_no_number)]


def filter_of(
    services: ServicesDep,
    label: Annotated[Text | None, Query(description="Exactly this label.")] = None,
    status: Annotated[Status | None, Query(description="Only this status.")] = None,
    reason: Annotated[Text | None, Query(description="Only with this reason or error.")] = None,
    q: Annotated[
        Text | None,
        Query(
            description="Words, each the beginning of one in the name, the labels (of a picture that is not sure: the "
            'likeliest), the dates or the camera. "In quotation marks": whole words in this order.'
        ),
    ] = None,
    since: Annotated[Moment | None, Query(description="Uploaded at this time or later (UTC, if not said).")] = None,
    until: Annotated[Moment | None, Query(description="Uploaded before this time.")] = None,
    min_confidence: Annotated[Confidence | None, Query(description="At least so confident.")] = None,
    max_confidence: Annotated[Confidence | None, Query(description="At most so confident.")] = None,
    corrected: Annotated[bool | None, Query(description="Only corrected ones, or only others.")] = None,
    wrong: Annotated[
        bool | None,
        Query(description="Only those whose label somebody has said to be wrong, not what is right; or only others."),
    ] = None,
) -> Filter:
    """The filter that the query parameters describe."""
    return Filter(
        label=label,
        status=None if status is None else str(status),
        reason=reason,
        text=q,
        since=None if since is None else utc_of(since),
        until=None if until is None else utc_of(until),
        min_confidence=min_confidence,
        max_confidence=max_confidence,
        corrected=corrected,
        wrong=wrong,
        hidden=services.hidden_ids,
    )


FilterQuery = Annotated[Filter, Depends(filter_of)]


@dataclass(frozen=True)
class FoundUpload:
    """An upload that exists, and the record of this version of it, if it has one yet."""

    name: str
    blob: BlobState
    record: StoredRecord | None


def find(services: Services, id: str, name: str | None = None) -> FoundUpload:
    """Find an upload by its id. Its name is taken from its record, or given.

    Raises ApiProblem 404 if the name has another id; NotFound if there is no such upload; Unavailable.
    """
    if name is not None and record_id(checked(name)) != id:
        raise ApiProblem(404, "not_found", "The name and the id speak of different pictures.")
    name = name or services.recent.get(id)
    stored = services.stores.records.read(id)
    if stored is not None and stored.record.status is not Status.DELETED:
        name = stored.record.name
    blob = None if name is None else services.stores.uploads.stat(name)
    if name is None or blob is None:
        raise NotFound("There is no such picture. It may have been deleted.")
    is_current = stored is not None and stored.record.upload is not None and stored.record.upload.etag == blob.etag
    return FoundUpload(name, blob, stored if is_current else None)


def address_of_client(request: Request, services: ServicesDep) -> str:
    """The network address of who asks."""
    return address_of(request.scope, services.options.trusted_proxies)


AddressDep = Annotated[str, Depends(address_of_client)]


def record_of(services: Services, id: str, version: str | None = None) -> Record:
    """The record of a picture, from the store if this instance's index does not know it, or this version of it, yet.

    Raises NotFound or Unavailable.
    """
    record = services.index.get(id)
    if record is not None and (version is None or (record.upload and record.upload.etag == version)):
        return record
    stored = services.stores.records.read(id)
    if stored is None or stored.record.status is Status.DELETED:
        raise NotFound("There is no record of this picture.")
    return stored.record


def name_of(services: Services, id: str) -> str:
    """The name of the picture with this id. Raises NotFound or Unavailable."""
    record = services.index.get(id)
    return record.name if record is not None else find(services, id).name


def as_json(answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A dataclass as JSON, for routes that answer with more than one type, each with its own status."""
    return Response(msgspec.json.encode(answer), status, headers, "application/json")


def check_parameters(request: Request) -> None:
    """Refuse query parameters that the operation does not have. Raises ApiProblem 422, which names the nearest one."""
    operation_id = request.scope["route"].operation_id
    known = parameters(request.app, operation_id)
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known) or 'none'}."
            raise ApiProblem(422, "unknown_parameter", f"There is no parameter {name[:80]!r} here. {hint}")


def matches(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this ETag."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}


def utc_of(moment: datetime) -> str:
    """A time as records have it; UTC, if it does not say. Raises ApiProblem 422."""
    try:
        return utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        raise ApiProblem(422, "bad_request", f"{moment} is out of range.") from None


async def received(services: Services, name: str, content: AsyncIterator[bytes], if_exists: IfExists) -> Received:
    """Write an upload under a checked name, within the limits of this app, and remember it until its record comes.

    Raises as `receive` does, and ClientDisconnect where the content breaks off.
    """
    options = services.options
    hidden = await run_in_threadpool(lambda: services.hidden_ids)
    found = await receive(
        services.stores.uploads, name, content, if_exists, options.max_bytes, options.max_name_length,
        about_to_go=hidden,
    )  # fmt: skip
    services.recent.add(record_id(found.name), found.name)
    return found
