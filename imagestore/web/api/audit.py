"""The audit log: searched page by page, and exported whole."""

import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from starlette.responses import StreamingResponse

from imagestore.accounts.audit import Entry
from imagestore.text import visible
from imagestore.web.answers import AuditPage
from imagestore.web.api.common import Moment, ServicesDep, utc_of

router = APIRouter(prefix="/audit", tags=["Audit"])
Wanted = Annotated[str | None, Query(min_length=1, max_length=200)]
_COLUMNS = ("at", "who", "by", "what", "target", "address", "result", "before", "after")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for something to run."""


class Format(StrEnum):
    """How entries are exported: for a spreadsheet, or an object of JSON a line."""

    CSV = "csv"
    JSONL = "jsonl"


def _search(
    who: Annotated[Wanted, Query(description="Exactly this account or key.")] = None,
    what: Annotated[Wanted, Query(description="Exactly this operation, such as `promote`.")] = None,
    target: Annotated[Wanted, Query(description="Done to exactly this.")] = None,
    result: Annotated[Wanted, Query(description="`done`, or why not: a status or code.")] = None,
    since: Annotated[Moment | None, Query(description="At this time or later (UTC, if not said).")] = None,
    until: Annotated[Moment | None, Query(description="Before this time.")] = None,
) -> dict[str, Any]:
    return {
        "who": who,
        "what": what,
        "target": target,
        "result": result,
        "since": None if since is None else utc_of(since),
        "until": None if until is None else utc_of(until),
    }


Search = Annotated[dict[str, Any], Depends(_search)]


@router.get("", operation_id="audit")
def search(
    services: ServicesDep,
    wanted: Search,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 100,
    after: Annotated[str | None, Query(max_length=64, description="`next` of the page before.")] = None,
) -> AuditPage:
    """Who did what, when, from where and with what result, the newest first."""
    found = list(services.accounts.audit.search(**wanted, before=after, limit=limit))
    return AuditPage(found, found[-1].id if len(found) == limit else None)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {}}}},
    operation_id="exportAudit",
)
def export(
    services: ServicesDep,
    wanted: Search,
    format: Annotated[Format, Query(description="`csv` for a spreadsheet, `jsonl` for programs.")] = Format.CSV,
) -> Response:
    """All entries that are searched for, as a file."""
    entries = services.accounts.audit.search(**wanted, limit=None)
    first = next(entries, None)  # so that a store that does not answer is an error, and not half a file
    body = (_csv if format is Format.CSV else _jsonl)(entries if first is None else _with(first, entries))
    headers = {"Content-Disposition": f'attachment; filename="audit.{format}"'}
    return StreamingResponse(
        body, 200, headers, "text/csv; charset=utf-8" if format is Format.CSV else "application/jsonl"
    )


def _with(first: Entry, rest: Iterator[Entry]) -> Iterator[Entry]:
    yield first
    yield from rest


def _jsonl(entries: Iterator[Entry]) -> Iterator[bytes]:
    for entry in entries:
        yield msgspec.json.encode(entry) + b"\n"


def _csv(entries: Iterator[Entry]) -> Iterator[str]:
    yield _line(_COLUMNS)
    for entry in entries:
        yield _line([_cell(getattr(entry, column)) for column in _COLUMNS])


def _line(cells: Any) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode() if value else ""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
