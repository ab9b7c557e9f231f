"""The page of jobs: what was put in, by whom, how far it is and how it ended."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from imagestore.errors import StoreError
from imagestore.jobs.status import JobStatus
from imagestore.web.api.common import ServicesDep
from imagestore.web.pages.rendering import render

log = logging.getLogger("imagestore.web")
router = APIRouter()
PAGE = 20


@router.get("/jobs")
def jobs_page(
    request: Request,
    services: ServicesDep,
    before: Annotated[str | None, Query(pattern="^[0-9]{16}$", description="Only older ones than this.")] = None,
) -> Response:
    """The jobs of the last 90 days, the newest first; as a fragment, the list alone, which the page asks for again."""
    has_runner, is_known = True, True
    jobs: list[JobStatus] = []
    try:
        kinds = services.jobs.kinds()
        has_runner = bool(kinds)
        jobs = [JobStatus.of(job, job.kind in kinds) for job in services.jobs.list(PAGE + 1, before)]
    except StoreError as error:
        log.warning("%s", error)
        is_known = False
    if request.headers.get("x-fragment") and not is_known:
        return Response(status_code=503)  # the page keeps what it shows
    shown = jobs[:PAGE]
    response = render(
        request,
        "job_list.html" if request.headers.get("x-fragment") else "jobs.html",
        jobs=shown,
        has_runner=has_runner,
        is_known=is_known,
        is_first=before is None,
        older=f"/jobs?before={shown[-1].id}" if len(jobs) > PAGE else None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
