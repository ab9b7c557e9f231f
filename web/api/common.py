"""Parts that routes share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Query, Request, Response
from pydantic import BeforeValidator

from errors import Missing
from record import Status, record_id, utc
from store import Known, Present
from web.names import checked
from web.problems import Problem
from web.search import Filter
from web.site import Site

Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The picture's id: 32 hex digits.")]


def site_of(request: Request) -> Site:
    """The site that this app serves."""
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(site_of)]
Text = Annotated[str, Query(min_length=1, max_length=1024)]
Confidence = Annotated[float, Query(ge=0, le=1)]


def _no_number(text: object) -> object:
    """Times are written as ISO 8601, not as seconds since whenever."""
    if isinstance(text, str) and "-" not in text[1:]:
        raise ValueError("a time is written as 2026-11-21 or 2026-11-21T09:00:00Z")
    return text


Moment = Annotated[datetime, BeforeValidator(_no_number)]


def wanted(
    site: TheSite,
    label: Annotated[Text | None, Query(description="Exactly this label.")] = None,
    status: Annotated[Status | None, Query(description="Only this status.")] = None,
    reason: Annotated[Text | None, Query(description="Only with this reason or error.")] = None,
    q: Annotated[Text | None, Query(description="Text in the name, upper and lower case alike.")] = None,
    since: Annotated[Moment | None, Query(description="Uploaded at this time or later (UTC, if not said).")] = None,
    until: Annotated[Moment | None, Query(description="Uploaded before this time.")] = None,
    min_confidence: Annotated[Confidence | None, Query(description="At least so confident.")] = None,
    max_confidence: Annotated[Confidence | None, Query(description="At most so confident.")] = None,
    corrected: Annotated[bool | None, Query(description="Only corrected ones, or only others.")] = None,
) -> Filter:
    """Which pictures a request speaks of."""
    return Filter(
        label=label,
        status=None if status is None else str(status),
        reason=reason,
        text=q,
        since=None if since is None else _utc(since),
        until=None if until is None else _utc(until),
        min_confidence=min_confidence,
        max_confidence=max_confidence,
        corrected=corrected,
        hidden=site.hidden.ids,
    )


Wanted = Annotated[Filter, Depends(wanted)]


@dataclass(frozen=True)
class Found:
    """An upload that is there, and its record, if there is one of this version."""

    name: str
    present: Present
    known: Known | None


def find(site: Site, id: str, name: str | None = None) -> Found:
    """The upload with this id, by its record or by the name that is given. Problem 404; Away."""
    if name is not None and record_id(checked(name)) != id:
        raise Problem(404, "not_found", "The name and the id speak of different pictures.")
    name = name or site.recent.get(id)
    known = site.stores.records.read(id)
    if known is not None and known.record.status is not Status.DELETED:
        name = known.record.name
    present = None if name is None else site.stores.uploads.look(name)
    if name is None or present is None:
        raise Missing("There is no such picture. It may have been deleted.")
    is_current = known is not None and known.record.upload is not None and known.record.upload.etag == present.etag
    return Found(name, present, known if is_current else None)


def name_of(site: Site, id: str) -> str:
    """The name of the picture with this id. Problem 404; Away."""
    record = site.index.get(id)
    return record.name if record is not None else find(site, id).name


def as_json(answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer of ours (dataclasses) as JSON."""
    head = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(answer), status, head, "application/json")


def matches(request: Request, etag: str) -> bool:
    """Whether the client has this version already."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}


def _utc(moment: datetime) -> str:
    try:
        return utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        raise Problem(422, "bad_request", f"{moment} is out of range.") from None
