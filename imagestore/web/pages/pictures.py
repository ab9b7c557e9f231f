"""The pages: drop, gallery, picture, review, models, dashboard, and the fragments that their scripts ask for."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import FileResponse, Response

from imagestore.errors import BadCursor, StoreError
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.changes.bulk import MOST_PICTURES
from imagestore.pipeline.costs.holdings import Holdings, kept
from imagestore.pipeline.queue_roles import QUEUES
from imagestore.store.models import REPORT_FILE
from imagestore.web.answering.location import HideLocation, shown
from imagestore.web.answers import Counts
from imagestore.web.api.common import FilterQuery, Id, ServicesDep, find
from imagestore.web.api.models import MOST_VERSIONS, Name, Number
from imagestore.web.api.reference import operations
from imagestore.web.guards.security import CONTENT_SECURITY_POLICY
from imagestore.web.index import review
from imagestore.web.index.counting import counts, labels
from imagestore.web.index.queries import (
    Filter,
    Sort,
    count_outdated,
    duplicates,
    list_records,
    neighbours,
    overview,
)
from imagestore.web.index.suggestions import fits
from imagestore.web.index.words import beginnings
from imagestore.web.openapi import describe, parameters
from imagestore.web.pages.rendering import render, templates
from imagestore.web.pages.static_files import STATIC
from imagestore.web.services import Services

log = logging.getLogger("imagestore.web")


def _note_last_event(request: Request, services: ServicesDep) -> None:
    """Remember, before a page reads anything, the latest event: the page's scripts listen from there on."""
    request.state.last_event = f"{services.index.epoch}-{services.index.last_seq()}"


router = APIRouter(dependencies=[Depends(_note_last_event)])
LATEST = 12
RECENT = 30
PAGE = 60
_MOST_LABELS = 40
_PLACE = {"after", "count", "find"}
_MORE_FILTERS = {"since", "until", "min_confidence", "max_confidence", "corrected", "wrong"}
_MEANINGS = {role.name: role.meaning[0].upper() + role.meaning[1:] for role in QUEUES}
_SORTS = {
    Sort.NEWEST: "Newest first",
    Sort.OLDEST: "Oldest first",
    Sort.CONFIDENT: "Most confident first",
    Sort.DOUBTFUL: "Least confident first",
    Sort.NAME: "By name",
}


@router.get("/")
def drop(request: Request, services: ServicesDep) -> Response:
    """Choose or drop pictures, and see the results."""
    latest = list_records(services.index, Filter(hidden=services.hidden_ids), Sort.NEWEST, LATEST).items
    return render(request, "drop.html", latest=latest, max_bytes=services.options.max_bytes)


@router.get("/gallery")
def gallery(
    request: Request,
    services: ServicesDep,
    filter: FilterQuery,
    sort: Sort = Sort.NEWEST,
    after: str | None = None,
    count: Annotated[int, Query(ge=1, le=10 * PAGE)] = PAGE,
    find: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """All pictures that pass the filter in the address; of the labels to choose from, those that `find` begins."""
    try:
        listing = list_records(services.index, filter, sort, count, after)
    except BadCursor:
        listing = list_records(services.index, filter, sort, count)
    query = {key: value for key, value in request.query_params.items() if key not in _PLACE and value}
    more = listing.next and "/gallery?" + urlencode({**query, "after": listing.next})
    of_list = "?" + urlencode(query) if query else ""
    if request.headers.get("x-fragment"):
        return render(request, "cards.html", page=listing, more=more, of_list=of_list)
    counted = counts(services.index, filter)
    return render(
        request,
        "gallery.html",
        page=listing,
        more=more,
        of_list=of_list,
        wanted=filter,
        counts=counted,
        most_at_once=MOST_PICTURES,
        labels=_shown(counted, filter, find),
        find=find,
        link=_linker(query),
        exports=_exports(request, query),
        query=query,
        sort=sort,
        sorts=_SORTS,
        narrowed=bool(_MORE_FILTERS & query.keys()),
    )


def _exports(request: Request, query: Mapping[str, str]) -> list[tuple[str, str]]:
    """The addresses of the same pictures as files, and what they are called."""
    known = parameters(request.app, "exportPictures")
    wanted = {key: value for key, value in query.items() if key in known and key != "format"}
    formats = (("csv", "As a table (CSV)"), ("jsonl", "As JSON Lines"))
    return [(f"/api/v1/pictures/export?{urlencode({**wanted, 'format': one})}", said) for one, said in formats]


@router.get("/pictures/{id}")
def picture(
    request: Request,
    services: ServicesDep,
    hide_location: HideLocation,
    filter: FilterQuery,
    id: Id,
    sort: Sort = Sort.NEWEST,
) -> Response:
    """One picture and everything known about it; before and after it are those of the gallery with this address."""
    record = services.index.get(id)
    if record is None:
        found = find(services, id)
        if found.record is None:
            return render(request, "pending.html", 202, upload_name=found.name, id=id)
        record = found.record.record
    record = shown(record, hide_location)
    before, after = neighbours(services.index, filter, sort, id)
    query = {key: value for key, value in request.query_params.items() if key not in _PLACE and value}
    return render(
        request,
        "picture.html",
        record=record,
        before=before,
        after=after,
        list_query="?" + urlencode(query) if query else "",
        duplicates=duplicates(services.index, record),
        labels=labels(services.index, services.live_model.all()),
        document=msgspec.json.format(msgspec.json.encode(record), indent=2).decode(),
        undo_seconds=services.options.undo_seconds,
        hidden=id in services.hidden_ids,
    )


@router.get("/review")
def review_page(
    request: Request,
    services: ServicesDep,
    skip: Annotated[str, Query(max_length=4000)] = "",
    again: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """One picture after the other to accept or correct, the least certain first; `again` is the id of one that comes
    before all, since what was said of it is taken back."""
    left_out = [*services.hidden_ids, *(id for id in skip.split(",") if id)]
    model = services.model
    return render(
        request,
        "review.html",
        next=review.taken_back(services.index, again) or review.next_picture(services.index, left_out),
        progress=review.progress(services.index, model.ref.sha256 if model else None),
        model=model and model.ref,
        labels=labels(services.index, services.live_model.all()),
    )


@router.get("/models")
def models_page(request: Request, services: ServicesDep) -> Response:
    """The versions of models, how good each is, and which one is live."""
    found = services.stores.routes.listing(MOST_VERSIONS)
    return render(
        request,
        "models.html",
        models=found,
        **_job(services),
        others=count_outdated(services.index, live) if (live := services.live_model.by_prefix()) else 0,
    )


@router.get("/models/job")
def job(request: Request, services: ServicesDep) -> Response:
    """The latest job's progress, for the page that shows it."""
    return render(request, "job.html", **_job(services))


def _job(services: Services) -> dict[str, Any]:
    """The job that was put in last, as its fragment shows it; none while the database is away."""
    try:
        job, kinds = services.jobs.latest(), services.jobs.kinds()
    except StoreError as error:
        log.warning("%s", error)
        return {"job": None, "has_runner": True}
    return {"job": job and JobStatus.of(job, job.kind in kinds), "has_runner": bool(kinds)}


@router.get("/models/{name}/{version}/report")
def report(services: ServicesDep, name: Name, version: Number) -> Response:
    """A version's report: one file that holds its styles and pictures, shown where no script can run."""
    data = services.stores.models.read(name, version, REPORT_FILE)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return Response(data, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy})


@router.get("/cards/{id}")
def card(
    request: Request, services: ServicesDep, id: Id, kind: Annotated[str, Query(pattern="^(card|result)$")] = "card"
) -> Response:
    """The card of one picture, for a page that shows it as soon as its record is final.

    204 where the picture was deleted meanwhile: that is no error, which a browser would log.
    """
    record = services.index.get(id)
    if record is None:
        return Response(status_code=204)
    return render(request, f"{kind}.html", record=record)


@router.get("/dashboard")
def dashboard(request: Request, services: ServicesDep) -> Response:
    """The dashboard: counts, charts, queues, latest pictures."""
    found = overview(services.index, services.stores)
    return render(
        request,
        "dashboard.html",
        counts=counts(services.index, Filter()),
        overview=found,
        recent=list_records(services.index, Filter(), Sort.NEWEST, RECENT).items,
        queues=[(name, _MEANINGS[name], length) for name, length in found.queues.items()],
        holdings=_holdings(services),
    )


def _holdings(services: Services) -> Holdings | None:
    try:
        return kept(services.stores.jobs)
    except StoreError as error:
        log.warning("%s", error)
        return None


@router.get("/favicon.ico")
def favicon() -> Response:
    """The icon, for browsers and programs that ask for it by this name."""
    return FileResponse(STATIC / "favicon.ico")


@router.get("/api")
def api_page(request: Request) -> Response:
    """The API's reference for people."""
    return render(request, "api.html", operations=operations(describe(request.app)))


@router.get("/api/docs")
def api_docs(request: Request) -> Response:
    """Swagger UI, where each operation can be tried. Its style sheet has pictures inside."""
    response = templates.TemplateResponse(request, "api_docs.html")
    policy = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
    response.headers["Content-Security-Policy"] = policy
    return response


def _shown(counted: Counts, filter: Filter, find: str) -> list[tuple[str, int]]:
    """The labels to choose from: the most frequent ones, or of those that were asked for, and the chosen one."""
    asked = beginnings(find)
    shown = [(label, count) for label, count in counted.labels.items() if fits(label, asked)][:_MOST_LABELS]
    if filter.label is not None and filter.label not in dict(shown):
        shown.append((filter.label, counted.labels.get(filter.label, 0)))
    return shown


class _linker:
    """A function that makes the address of the same view with some parameters changed, or left out if they are None."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = dict(query)

    def __call__(self, **changes: str | None) -> str:
        query = {key: str(value) for key, value in {**self._query, **changes}.items() if value is not None}
        return "/gallery" + ("?" + urlencode(query) if query else "")
