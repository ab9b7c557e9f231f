"""The pages: drop, gallery, one picture, dashboard, and the fragments their scripts ask for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import jinja2
import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.templating import Jinja2Templates
from starlette.responses import Response

from classify.share import percent
from errors import Missing
from record import Status
from settings import BLOB_POISON_QUEUE, WORK_QUEUE
from store.models import REPORT_FILE
from web import charts, review, words
from web.api.common import Id, TheSite, Wanted, find
from web.api.insight import all_labels, queue_lengths
from web.api.models import Name, Number
from web.openapi import describe
from web.problems import Problem
from web.search import BadCursor, Counts, Filter, Sort, counts, duplicates, page
from web.statistics import statistics
from web.versions import versions

HERE = Path(__file__).resolve().parent
router = APIRouter()
LATEST = 12
PAGE = 60
_MOST_LABELS = 40
_MORE_FILTERS = {"since", "until", "min_confidence", "max_confidence", "corrected"}
_QUEUES = {
    WORK_QUEUE: "To be done, or tried again later",
    WORK_QUEUE + "-poison": "Given up; nothing reads it but people",
    BLOB_POISON_QUEUE: "Given up by the host, about to be queued again",
}
_SORTS = {
    Sort.NEWEST: "Newest first",
    Sort.OLDEST: "Oldest first",
    Sort.CONFIDENT: "Most confident first",
    Sort.DOUBTFUL: "Least confident first",
    Sort.NAME: "By name",
}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (words.visible, percent, words.size, words.moment, words.headline, words.reason):
        environment.filters[function.__name__] = function
    environment.globals |= {
        "static": "/static/{}".format,
        "statuses": words.STATUSES,
        "work_ms": words.work_ms,
        "Status": Status,
        "charts": charts,
    }
    return environment


templates = Jinja2Templates(env=_environment())


def _render(request: Request, name: str, status: int = 200, **values: object) -> Response:
    values["follower_problem"] = request.app.state.site.follower.problem
    return templates.TemplateResponse(request, name, values, status)


def problem_page(request: Request, problem: Problem) -> Response:
    """An error as a page."""
    return _render(request, "problem.html", problem.status, problem=problem)


@router.get("/")
def drop(request: Request, site: TheSite) -> Response:
    """Choose or drop pictures, and see what becomes of them."""
    latest = page(site.index, Filter(hidden=site.hidden.ids), Sort.NEWEST, LATEST).records
    return _render(request, "drop.html", latest=latest, max_bytes=site.settings.max_bytes)


@router.get("/gallery")
def gallery(
    request: Request, site: TheSite, wanted: Wanted, sort: Sort = Sort.NEWEST, after: str | None = None
) -> Response:
    """All pictures, filtered; the address says how."""
    try:
        found = page(site.index, wanted, sort, PAGE, after)
    except BadCursor:
        found = page(site.index, wanted, sort, PAGE)
    query = {key: value for key, value in request.query_params.items() if key != "after" and value}
    more = found.next and "/gallery?" + urlencode({**query, "after": found.next})
    if request.headers.get("x-fragment"):
        return _render(request, "cards.html", page=found, more=more)
    how_many = counts(site.index, wanted)
    return _render(
        request,
        "gallery.html",
        page=found,
        more=more,
        wanted=wanted,
        counts=how_many,
        labels=_shown(how_many, wanted),
        link=_linker(query),
        query=query,
        sort=sort,
        sorts=_SORTS,
        narrowed=bool(_MORE_FILTERS & query.keys()),
    )


@router.get("/pictures/{id}")
def picture(request: Request, site: TheSite, id: Id) -> Response:
    """One picture and all that is known of it."""
    record = site.index.get(id)
    if record is None:
        found = find(site, id)
        if found.known is None:
            return _render(request, "pending.html", 202, upload_name=found.name, id=id)
        record = found.known.record
    return _render(
        request,
        "picture.html",
        record=record,
        duplicates=duplicates(site.index, record),
        labels=all_labels(site),
        document=msgspec.json.format(msgspec.json.encode(record), indent=2).decode(),
        undo_seconds=site.settings.undo_seconds,
        hidden=id in site.hidden.ids,
    )


@router.get("/review")
def review_page(request: Request, site: TheSite, skip: Annotated[str, Query(max_length=4000)] = "") -> Response:
    """One picture after the other to accept or correct, the most doubtful first."""
    skipped = [id for id in skip.split(",") if id]
    model = site.model
    return _render(
        request,
        "review.html",
        next=review.next_picture(site.index, [*site.hidden.ids, *skipped]),
        progress=review.progress(site.index, model.ref.sha256 if model else None),
        model=model and model.ref,
        labels=all_labels(site),
    )


@router.get("/models")
def models_page(request: Request, site: TheSite) -> Response:
    """Which models there are, how good each is, and which one is live."""
    found, active = versions(site.stores)
    live = active.live.sha256 if active else site.model and site.model.ref.sha256
    return _render(
        request,
        "models.html",
        versions=found,
        active=active,
        job=site.jobs.latest,
        others=site.index.of_other_models(live) if live else 0,
    )


@router.get("/models/job")
def job(request: Request, site: TheSite) -> Response:
    """How far the job is, for a page that shows it."""
    return _render(request, "job.html", job=site.jobs.latest)


@router.get("/models/{name}/{version}/report")
def report(site: TheSite, name: Name, version: Number) -> Response:
    """A version's report: one file with styles and pictures inside, shown where no script can run."""
    data = site.stores.models.read(name, version, REPORT_FILE)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return Response(data, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy})


@router.get("/cards/{id}")
def card(
    request: Request, site: TheSite, id: Id, kind: Annotated[str, Query(pattern="^(card|result)$")] = "card"
) -> Response:
    """The card of one picture, for a page that shows it as soon as it is there."""
    record = site.index.get(id)
    if record is None:
        raise Missing("There is no record of this picture.")
    return _render(request, f"{kind}.html", record=record)


@router.get("/dashboard")
def dashboard(request: Request, site: TheSite) -> Response:
    """How things stand."""
    found = statistics(site.index)
    return _render(
        request,
        "dashboard.html",
        counts=counts(site.index, Filter()),
        statistics=found,
        queues=[(name, _QUEUES.get(name, ""), length) for name, length in queue_lengths(site).items()],
    )


@router.get("/api")
def api_page(request: Request) -> Response:
    """The API, for people."""
    return _render(request, "api.html", document=describe(request.app))


def _shown(found: Counts, wanted: Filter) -> list[tuple[str, int]]:
    """The labels to choose from: the most frequent, and the one that is chosen."""
    shown = list(found.labels.items())[:_MOST_LABELS]
    if wanted.label is not None and wanted.label not in dict(shown):
        shown.append((wanted.label, found.labels.get(wanted.label, 0)))
    return shown


class _linker:
    """Makes the address of the same view with some parameters changed, or left out where they are None."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = dict(query)

    def __call__(self, **changes: str | None) -> str:
        query = {key: str(value) for key, value in {**self._query, **changes}.items() if value is not None}
        return "/gallery" + ("?" + urlencode(query) if query else "")
