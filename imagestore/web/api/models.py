"""Versions of models, and the jobs that promote one, roll back, or classify everything again."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import StringConstraints

from imagestore.errors import GateOverride, Unavailable
from imagestore.jobs.job import MOST_DROPPED, Arguments, Job, JobKind, NewThreshold
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.labelling.correct import LABEL
from imagestore.pipeline.models import live as routes
from imagestore.record import LONGEST_NAME
from imagestore.store.models import METRICS_FILE, MODEL_FILE, NAME, REPORT_FILE
from imagestore.store.routes import PATTERN, ModelList
from imagestore.web.answering.versions import demand_version
from imagestore.web.answers import Outdated
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.jobs import VERSION, live_now, status
from imagestore.web.guards.access import CallerDep, NoteDep
from imagestore.web.index import queries
from imagestore.web.models.shipped_model import ShippedModel, shipped_model
from imagestore.web.services import Services

router = APIRouter(tags=["Models"])
MOST_VERSIONS = 20


class ModelFile(StrEnum):
    """The files that are kept of a version."""

    MODEL = MODEL_FILE
    METRICS = METRICS_FILE
    REPORT = REPORT_FILE


File = Annotated[ModelFile, Path(description="Which of its files.")]


Name = Annotated[str, Path(pattern=NAME, description="The model's name.")]
Pattern = Annotated[
    str,
    Query(
        max_length=LONGEST_NAME + 1,
        description="The beginning of names and a star: `factory/*`; `*` is the rest.",
        json_schema_extra={"pattern": PATTERN},
    ),
]
Number = Annotated[str, Path(pattern=VERSION, description="Its version.")]


@router.get("/models", operation_id="models")
def list_models(services: ServicesDep) -> ModelList:
    """The newest versions with their figures, which one is live, and which were live before."""
    return services.stores.routes.listing(MOST_VERSIONS)


@router.put("/routes", operation_id="addRoute")
def add_route(
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    pattern: Pattern,
    project: Annotated[str, Query(pattern=NAME, description="The project that classifies them.")],
) -> ModelList:
    """Have a project classify the uploads whose names begin so. `reprocess` brings over what is there already."""
    note.after = {"pattern": pattern, "project": project}
    routes.add_route(services.stores, pattern, project, caller.account)
    return list_models(services)


@router.delete("/routes", operation_id="removeRoute")
def remove_route(services: ServicesDep, note: NoteDep, pattern: Pattern) -> ModelList:
    """Take a route away: the next longest one that fits a name, or the default one, classifies instead."""
    note.before = {"pattern": pattern}
    routes.remove_route(services.stores, pattern)
    return list_models(services)


@router.get("/models/shipped", operation_id="shippedModel")
def read_shipped_model(services: ServicesDep) -> ShippedModel:
    """The model that came with the app: its licence, labels, families and thresholds, and what was measured of it."""
    return shipped_model(services.classifier.shipped)


@router.get("/models/outdated", operation_id="outdated")
def count_outdated(services: ServicesDep) -> Outdated:
    """How many pictures `reprocess` would classify again: those that another model than the live one has classified."""
    live = services.live_model.by_prefix()
    if live is None:
        raise Unavailable("the live model cannot be read")
    return Outdated(queries.count_outdated(services.index, live))


@router.get("/models/{name}/{version}/files/{file}", operation_id="modelFile", response_class=Response)
def model_file(services: ServicesDep, name: Name, version: Number, file: File) -> Response:
    """A file of a version, to be saved: the model itself, its figures or its report."""
    data = services.stores.models.read(name, version, file)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{version}-{file}"', "Cache-Control": "no-store"}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.post("/models/{name}/{version}/promote", status_code=202, operation_id="promote")
def promote(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    name: Name,
    version: Number,
    override: Annotated[
        GateOverride,
        Query(
            alias="insist",
            description="`accept_equal`: also if it is only as good as the live one; `force`: also if it is worse.",
        ),
    ] = GateOverride.NOTHING,
    drop: Annotated[
        list[Annotated[str, StringConstraints(pattern=LABEL)]] | None,
        Query(
            max_length=MOST_DROPPED,
            description="A label of the live model that this one does not know and that may go.",
        ),
    ] = None,
) -> JobStatus:
    """Make this version live, if it is better than the live one on pictures that neither has learned from, and knows
    each label of the live one that is not in `drop`."""
    note.after = {"override": str(override), "drop": drop or []}
    demand_version(services, name, version)
    services.stores.models.demand_usable(name, version)
    arguments = Arguments(name, version, override, tuple(drop or ()))
    return _started(response, services, services.jobs.put(JobKind.PROMOTE, caller.account, arguments))


@router.post("/models/{name}/{version}/threshold", status_code=202, operation_id="saveThreshold")
def save_threshold(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    name: Name,
    version: Number,
    threshold: Annotated[
        float, Body(embed=True, ge=0, le=1, strict=True, description="The confidence from which on it answers.")
    ],
    label: Annotated[
        str | None,
        Body(
            embed=True,
            min_length=1,
            max_length=200,
            description="With this label alone; without one, with every label, none of which then has its own.",
        ),
    ] = None,
) -> JobStatus:
    """Make a new version that has this one's weights, and another threshold. It is promoted like any other."""
    note.after = {"threshold": threshold, "label": label}
    demand_version(services, name, version)
    services.stores.models.demand_usable(name, version)
    arguments = Arguments(name, version, threshold=NewThreshold(threshold, label))
    job = services.jobs.put(JobKind.THRESHOLD, caller.account, arguments)
    response.headers.update({"Location": f"/api/v1/jobs/{job.id}", "Retry-After": "1"})
    return status(services, job)


@router.post("/models/rollback", status_code=202, operation_id="rollback")
def rollback(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    project: Annotated[
        str | None, Query(pattern=NAME, description="Which project goes back; without it, what is live by default.")
    ] = None,
) -> JobStatus:
    """Make the previous model live again."""
    arguments = Arguments(project, live=live_now(services, project))
    return _started(response, services, services.jobs.put(JobKind.ROLLBACK, caller.account, arguments))


@router.post("/models/reprocess", status_code=202, operation_id="reprocess")
def reprocess(response: Response, services: ServicesDep, caller: CallerDep) -> JobStatus:
    """Classify again every picture that the live model has not classified."""
    return _started(response, services, services.jobs.put(JobKind.REPROCESS, caller.account))


def _started(response: Response, services: Services, job: Job) -> JobStatus:
    response.headers.update({"Location": "/api/v1/job", "Retry-After": "1"})
    return status(services, job).as_one()
