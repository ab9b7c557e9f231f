"""The audit log: searched page by page, and exported whole."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from imagestore.accounts.audit import Entry
from imagestore.web.answers import AuditPage
from imagestore.web.api.common import Moment, ServicesDep, utc_of
from imagestore.web.api.tables import ANSWERS, Format, table

router = APIRouter(prefix="/audit", tags=["Audit"])
Wanted = Annotated[str | None, Query(min_length=1, max_length=200)]
_COLUMNS = ("at", "who", "by", "what", "target", "address", "result", "before", "after")


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
    responses=ANSWERS,
    operation_id="exportAudit",
)
def export(
    services: ServicesDep,
    wanted: Search,
    format: Annotated[Format, Query(description="`csv` for a spreadsheet, `jsonl` for programs.")] = Format.CSV,
) -> Response:
    """All entries that are searched for, as a file."""
    entries = services.accounts.audit.search(**wanted, limit=None)
    return table(entries, format, "audit", _COLUMNS, _row)


def _row(entry: Entry) -> list[object]:
    return [getattr(entry, column) for column in _COLUMNS]
