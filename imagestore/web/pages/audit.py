"""The page of the audit log, for administrators: who did what, when, from where, and what came of it."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from imagestore.accounts.email_address import normalised
from imagestore.accounts.people import account_id
from imagestore.errors import NotAccepted
from imagestore.web.api.audit import Search, search
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import Routes
from imagestore.web.pages.rendering import render
from imagestore.web.services import Services

router = APIRouter()
PAGE = 100
_PLACE = {"after"}


@router.get("/audit")
def audit_page(
    request: Request,
    services: ServicesDep,
    wanted: Search,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Entries that are searched for, the newest first, a hundred at a time."""
    query = {key: value for key, value in request.query_params.items() if key not in _PLACE and value}
    if wanted["who"]:
        wanted["who"] = _id_of(services, wanted["who"])
    found = search(services, wanted, PAGE, after)
    exported = {**query, "who": wanted["who"]} if wanted["who"] else query
    response = render(
        request,
        "audit.html",
        entries=found.items,
        query=query,
        is_first=after is None,
        more=found.next and "/audit?" + urlencode({**query, "after": found.next}),
        exports=[
            (f"/api/v1/audit/export?{urlencode({**exported, 'format': format})}", said)
            for format, said in (("csv", "As a table (CSV)"), ("jsonl", "As JSON Lines"))
        ],
        operations=sorted(set(Routes(request.app).changing())),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _id_of(services: Services, text: str) -> str:
    """What the log calls whom an administrator names: by email address, by name where one alone has it, or as it is."""
    text = text.strip()
    try:
        known = normalised(text)
    except NotAccepted:
        known = ""
    accounts = list(services.accounts.people.all()) if not text.startswith(("account-", "key-", "nobody")) else []
    matching = [one.id for one in accounts if one.name == text or (known and one.email == known)]
    if len(matching) == 1:
        return matching[0]
    return account_id(known) if known else text
