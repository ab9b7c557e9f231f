"""Jobs: long work that is put in here and done by a runner, which is a process of its own (imagestore jobs run)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, BeforeValidator, Field, SecretStr, Strict, StringConstraints

from imagestore.accounts.callers import Caller
from imagestore.distant_server import checked_key, checked_server
from imagestore.errors import GateOverride, NotFound, SettingsError
from imagestore.jobs.job import MOST_DROPPED, Arguments, HowToTrain, Importing, Job, JobKind
from imagestore.jobs.sealed import NO_SECRETS
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.labelling.correct import LABEL
from imagestore.store.models import NAME
from imagestore.store.training import MINE
from imagestore.web.answering.versions import demand_version
from imagestore.web.answers import JobList
from imagestore.web.api.common import ServicesDep
from imagestore.web.guards.access import AuditNote, CallerDep, NoteDep
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from preprocess import Fit

router = APIRouter(prefix="/jobs", tags=["Jobs"])
one = APIRouter(prefix="/job", tags=["Jobs"])
JobId = Annotated[str, Path(pattern="^[0-9]{16}$", description="The job's id.")]
VERSION = "^[1-9][0-9]{0,8}$"
PAGE = 50
MOST_VIEWS = 20
_OF_VERSIONS = (JobKind.PROMOTE, JobKind.INSPECT)


def _no_word(number: object) -> object:
    """Refuse `true` and "7", which pydantic takes for numbers."""
    if isinstance(number, bool | str):
        raise ValueError("a number is written as 7")
    return number


Flag = Annotated[bool, Strict()]
Views = Annotated[int, Field(ge=0, le=MOST_VIEWS), BeforeValidator(_no_word)]
Share = Annotated[float, Field(ge=0.5, le=0.999), BeforeValidator(_no_word)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_no_word)]


class Training(BaseModel, extra="forbid"):
    """What a training is held to; null where it chooses. The same as the options of `imagestore train`."""

    colour: Flag | None = None
    fit: Fit | None = None
    level: Flag | None = None
    middle: Flag | None = None
    backbone: Literal["lite0", "lite2"] | None = None
    views: Views | None = None
    right: Share = 0.95
    balance: Literal["none", "sqrt", "balanced"] | None = None
    flip: Flag = False
    seed: Seed = 1
    same_case: Flag | None = None

    def held(self) -> HowToTrain:
        """The same for the job."""
        return HowToTrain(**self.model_dump())


class ImportFrom(BaseModel, extra="forbid"):
    """What to bring over from Custom Vision: a project there, by its name or id. The key is kept sealed, and goes at
    the job's end."""

    endpoint: Annotated[str, StringConstraints(max_length=300)]
    project: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    key: SecretStr
    crop_regions: Flag = False
    train: Flag = True
    insecure_http: Flag = False

    def held(self) -> Importing:
        """The same for the job, without the key. Raises SettingsError if the endpoint is none."""
        endpoint = checked_server(self.endpoint, insecure_http=self.insecure_http)
        return Importing(endpoint, self.project, self.crop_regions, self.train, self.insecure_http)


@router.get("", operation_id="jobs")
def list_jobs(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=PAGE, description="At most so many.")] = PAGE,
    before: Annotated[str | None, Query(pattern="^[0-9]{16}$", description="`next` of the page before.")] = None,
) -> JobList:
    """The jobs of the last 90 days, the newest first, and whether there is a runner that does them."""
    found, kinds = services.jobs.list(limit, before), services.jobs.kinds()
    after = int(found[-1].id) if len(found) == limit else None
    return JobList([JobStatus.of(job, job.kind in kinds) for job in found], after, bool(kinds))


@router.post("", status_code=202, operation_id="startJob")
def start_job(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    kind: Annotated[JobKind, Body(embed=True, description="What to do.")],
    name: Annotated[
        str | None,
        Body(
            embed=True, pattern=NAME, description="The project: `mine` if none is named; to go back, the default one."
        ),
    ] = None,
    version: Annotated[
        str | None, Body(embed=True, pattern=VERSION, description="The version to promote or to inspect.")
    ] = None,
    insist: Annotated[
        GateOverride, Body(embed=True, description="As of a promotion: see `promote`.")
    ] = GateOverride.NOTHING,
    drop: Annotated[
        list[Annotated[str, StringConstraints(pattern=LABEL)]] | None,
        Body(embed=True, max_length=MOST_DROPPED, description="Labels of the live model that may go."),
    ] = None,
    training: Annotated[Training | None, Body(embed=True, description="What a training is held to.")] = None,
    importing: Annotated[ImportFrom | None, Body(embed=True, description="What to import, and from where.")] = None,
) -> JobStatus:
    """Put a job in: train on what is labelled and corrected, promote or inspect a version, go back, reprocess, import
    a project of Custom Vision."""
    if kind is JobKind.IMPORT:
        return _start_import(response, services, caller, note, importing)
    if kind is JobKind.THRESHOLD:
        said = "A threshold is saved with POST /api/v1/models/{name}/{version}/threshold, which says which one."
        raise ApiProblem(422, "bad_request", said)
    if kind in _OF_VERSIONS and version is None:
        raise NotFound(f"version is missing: say which one of '{name or MINE}' it is.")
    arguments, project = Arguments(), name or MINE
    if kind is JobKind.TRAIN:
        services.stores.projects.open(project)
        arguments = Arguments(project, training=(training or Training()).held())
    elif kind in _OF_VERSIONS:
        assert version is not None
        demand_version(services, project, version)
        is_promotion = kind is JobKind.PROMOTE
        if is_promotion:
            services.stores.models.demand_usable(project, version)
        arguments = (
            Arguments(project, version, insist, tuple(drop or ())) if is_promotion else Arguments(project, version)
        )
    elif kind is JobKind.ROLLBACK:
        arguments = Arguments(name, live=live_now(services, name))
    job = services.jobs.put(kind, caller.account, arguments)
    note.target, note.after = job.id, {"kind": str(kind), "name": arguments.name, "version": arguments.version}
    response.headers.update({"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"})
    return status(services, job)


def _start_import(
    response: Response, services: Services, caller: Caller, note: AuditNote, wanted: ImportFrom | None
) -> JobStatus:
    if wanted is None:
        raise ApiProblem(422, "bad_request", "importing is missing: say what to import, and from where.")
    if services.sealer is None:
        raise ApiProblem(409, "no_secrets", f"The key could not be kept safe: {NO_SECRETS}")
    try:
        held, key = wanted.held(), checked_key(wanted.key.get_secret_value())
    except SettingsError as error:
        raise ApiProblem(422, "bad_request", f"importing: {error}") from None
    try:
        sealed = services.sealer.seal(key, held.bound)
    except SettingsError as error:
        raise ApiProblem(409, "no_secrets", f"The key could not be kept safe: {error}") from None
    job = services.jobs.put(JobKind.IMPORT, caller.account, Arguments(importing=held), sealed=sealed)
    note.target = job.id
    note.after = {"kind": str(JobKind.IMPORT), "endpoint": held.endpoint, "project": held.project}
    response.headers.update({"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"})
    return status(services, job)


@router.get("/{id}", operation_id="readJob")
def read_job(services: ServicesDep, id: JobId) -> JobStatus:
    """How far a job is, and how it ended."""
    return status(services, services.jobs.read(id))


@router.post("/{id}/cancel", operation_id="cancelJob")
def cancel_job(services: ServicesDep, note: NoteDep, id: JobId) -> JobStatus:
    """Cancel a job. One that runs ends within seconds; what it has done stays."""
    note.target = id
    return status(services, services.jobs.cancel(id))


@router.post("/{id}/retry", status_code=202, operation_id="retryJob")
def retry_job(response: Response, services: ServicesDep, caller: CallerDep, note: NoteDep, id: JobId) -> JobStatus:
    """Put the same job in again."""
    note.target = id
    job = services.jobs.retry(id, caller.account)
    response.headers.update({"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"})
    return status(services, job)


@one.get("", operation_id="job")
def look_at_job(services: ServicesDep) -> JobStatus | None:
    """The job that was put in last; null if there was none. One that waits counts as running."""
    job = services.jobs.latest()
    return status(services, job).as_one() if job else None


@one.delete("", operation_id="stopJob")
def stop_job(services: ServicesDep) -> JobStatus:
    """Cancel the job that was put in last of those that have not ended."""
    found = services.jobs.open()
    if not found:
        raise NotFound("No job is running.")
    return status(services, services.jobs.cancel(found[-1].id)).as_one()


def status(services: Services, job: Job) -> JobStatus:
    """The job as it is answered."""
    return JobStatus.of(job, job.runner is not None or not job.state.is_open or services.jobs.has_runner(job.kind))


def live_now(services: Services, project: str | None = None) -> str | None:
    """The SHA-256 of the live model of a project, or with None of the default one, from which alone a job that goes
    back may go; None before a first promotion."""
    active = services.stores.routes.read().of(project)
    return active.live.sha256 if active else None
