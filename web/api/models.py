"""Versions of models, and the jobs that change which one is live and do everything again with it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from errors import Missing
from store import Insist
from store.models import NAME
from web.api.answers import JobStatus, ModelList
from web.api.common import TheSite, as_json
from web.jobs import Job
from web.site import Site
from web.versions import versions

router = APIRouter(tags=["Models"])
Name = Annotated[str, Path(pattern=NAME, description="The model's name.")]
Number = Annotated[str, Path(pattern="^[1-9][0-9]{0,8}$", description="Its version.")]
_STARTED: dict[int | str, dict[str, Any]] = {202: {"model": JobStatus, "description": "Begun: look at /job."}}


@router.get("/models", response_model=ModelList, operation_id="models")
def list_models(site: TheSite) -> Response:
    """The newest versions with their figures, which one is live, and which were before."""
    found, active = versions(site.stores)
    return as_json(ModelList(found, active.live if active else None, list(active.previous) if active else []))


@router.post("/models/{name}/{version}/promote", status_code=202, responses=_STARTED, operation_id="promote")
def promote(
    site: TheSite,
    name: Name,
    version: Number,
    insist: Annotated[
        Insist, Query(description="`accept_equal`: also if the test cannot tell; `force`: also if it is worse.")
    ] = Insist.NOTHING,
) -> Response:
    """Make this version live, if it is better than the live one on pictures that neither has learned from."""
    if (name, version) not in site.stores.models.versions(name):
        raise Missing(f"There is no version {version} of the model '{name}'.")
    return _started(site, site.jobs.start("promote", site.account, (name, version), insist))


@router.post("/models/rollback", status_code=202, responses=_STARTED, operation_id="rollback")
def rollback(site: TheSite) -> Response:
    """Make live again what was live before."""
    return _started(site, site.jobs.start("rollback", site.account))


@router.post("/models/reprocess", status_code=202, responses=_STARTED, operation_id="reprocess")
def reprocess(site: TheSite) -> Response:
    """Classify everything again that the live model has not seen."""
    return _started(site, site.jobs.start("reprocess", site.account))


@router.get("/job", response_model=JobStatus | None, operation_id="job")
def look_at_job(site: TheSite) -> Response:
    """How far the job is that was started last from here; null if none was."""
    job = site.jobs.latest
    return as_json(job and status_of(job))


@router.delete("/job", response_model=JobStatus, operation_id="stopJob")
def stop_job(site: TheSite) -> Response:
    """Stop the job that runs. What it has done stays; what it has not can be begun again."""
    return as_json(status_of(site.jobs.stop()))


def status_of(job: Job) -> JobStatus:
    """As the API tells it."""
    return JobStatus(
        id=job.id,
        kind=job.kind,
        state=job.state,
        started_at=job.started_at,
        stage=job.stage,
        done=job.done,
        steps=job.steps,
        seconds_left=job.seconds_left,
        say=job.say,
        details=job.details,
        insist=job.insist,
    )


def _started(site: Site, job: Job) -> Response:
    return as_json(status_of(job), 202, {"Location": "/api/v1/job", "Retry-After": "1"})
