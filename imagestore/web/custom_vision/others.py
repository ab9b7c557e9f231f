"""What else Custom Vision's clients ask: stored predictions, exports, and what is not offered here."""

import io
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from classify import Prediction
from classify.portable.portable import portable
from imagestore.errors import NotFetched, NotFound
from imagestore.pipeline.delete import delete
from imagestore.pipeline.models.projects import PINNED
from imagestore.record import Record, record_id
from imagestore.store.models import MODEL_FILE
from imagestore.store.projects import Project
from imagestore.store.training import PictureFacts
from imagestore.web.api.common import ServicesDep, utc_of
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.answering import iteration_id, scored, with_negative
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.images import ImageIds
from imagestore.web.custom_vision.intake import (
    KEPT_WORDS,
    MOST_AT_ONCE,
    MOST_WORDS,
    Batch,
    FileEntry,
    Region,
    demand_words,
    keep_each,
)
from imagestore.web.custom_vision.iterations import found_iteration, version_of_iteration
from imagestore.web.custom_vision.labels import Tags, tags_in
from imagestore.web.custom_vision.pictures import Pictures, digits_of, pictures_of
from imagestore.web.custom_vision.routing import (
    ProjectDep,
    answer,
    body_of,
    found_or,
    id_of,
    ids,
    project_of,
    signed,
    signed_router,
    training_router,
)
from imagestore.web.guards.access import NoteDep
from imagestore.web.index.queries import Filter, Sort, list_records
from imagestore.web.models.classifier import Version
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = training_router()
content_router = signed_router()
MOST_PREDICTIONS = 64
MOST_PAGES = 20
"""How many pages of predictions are looked through for one that has a tag."""
_ONNX = "ONNX"
NOT_OFFERED = (
    ("GET", "/projects/{project_id}/artifacts"),
    ("GET", "/projects/{project_id}/export"),
    ("POST", "/projects/import"),
    ("POST", "/projects/{project_id}/images/{image_id}/regionproposals"),
    ("POST", "/projects/{project_id}/images/regions"),
    ("DELETE", "/projects/{project_id}/images/regions"),
)
"""Operations of Custom Vision that there are not here."""


class IdEntry(msgspec.Struct, rename="camel"):
    """A stored prediction, whose picture is to be learned from."""

    id: str
    tag_ids: list[str] | None = None
    regions: list[Region] | None = None


class IdBatch(msgspec.Struct, rename="camel"):
    """Stored predictions, and the tags and metadata of them all."""

    images: list[IdEntry] = []
    tag_ids: list[str] | None = None
    metadata: dict[str, str] | None = None


class PredictionTag(msgspec.Struct, rename="camel"):
    """A tag that a prediction is to have, with a probability between these."""

    id: str
    min_threshold: float | None = None
    max_threshold: float | None = None

    def is_in(self, predictions: list[answers.Prediction]) -> bool:
        """Whether one of these is of this tag and probability."""
        least, most = self.min_threshold or 0.0, 1.0 if self.max_threshold is None else self.max_threshold
        return any(one.tag_id == self.id.lower() and least <= one.probability <= most for one in predictions)


class PredictionQuery(msgspec.Struct, rename="camel"):
    """Which stored predictions are wanted, those with one of these tags; `continuation` is where the page before
    ended."""

    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None
    order_by: Literal["Newest", "Oldest", "Suggested"] | None = None
    tags: list[PredictionTag] | None = None
    iteration_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    application: str | None = None


@router.post("/projects/{project_id}/images/metadata")
async def update_image_metadata(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep, image_ids: ImageIds = None
) -> Response:
    """Keep words about pictures beside them."""
    words = await body_of(request, dict[str, str])
    demand_words(words)
    wanted = list(dict.fromkeys(ids(image_ids)))
    if not wanted:
        raise refused("BadRequestRequiredParamIsNull", "imageIds is missing: say whose metadata this is.")
    if len(wanted) > MOST_AT_ONCE:
        raise refused("BadRequestExceededBatchSize", f"There are {len(wanted)} ids; the limit is {MOST_AT_ONCE}.")
    note.target = project.name

    def change() -> Response:
        pictures = pictures_of(services, project)
        pictures.demand_own()
        became = {id: _described(pictures, id, words) for id in wanted}
        is_good = all(status == "OK" for status in became.values())
        done = [{"imageId": id, "status": status, "metadata": words} for id, status in became.items()]
        return answer({"isBatchSuccessful": is_good, "images": done}, 200 if is_good else 207)

    return await run_in_threadpool(change)


@router.post("/projects/{project_id}/images/predictions")
async def create_images_from_predictions(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep
) -> Response:
    """Learn from pictures that were predicted and stored."""
    batch = await body_of(request, IdBatch)
    if len(batch.images) > MOST_PREDICTIONS:
        said = f"The batch holds {len(batch.images)} pictures; the limit is {MOST_PREDICTIONS}."
        raise refused("BadRequestExceededBatchSize", said)
    note.target = project.name

    def keep() -> Response:
        sent = [
            (FileEntry(name=one.id, tag_ids=one.tag_ids, regions=one.regions), _reader(services, project, one.id))
            for one in batch.images
        ]
        words = Batch(tag_ids=batch.tag_ids, metadata=batch.metadata)
        return keep_each(request, services, project, sent, words)

    return await run_in_threadpool(keep)


@router.post("/projects/{project_id}/predictions/query")
async def query_predictions(request: Request, services: ServicesDep, project: ProjectDep) -> Response:
    """The predictions that were stored, the newest first, page after page."""
    asked = await body_of(request, PredictionQuery)
    return answer(await run_in_threadpool(_stored_predictions, request, services, project, asked))


@router.delete("/projects/{project_id}/predictions", status_code=204)
def delete_prediction(
    services: ServicesDep, project: ProjectDep, note: NoteDep, wanted: Annotated[str, Query(alias="ids")]
) -> Response:
    """Delete stored predictions with their pictures."""
    note.target, note.before = project.name, {"predictions": ids(wanted)}
    for id in ids(wanted):
        name = _name_of(services, project, id)
        delete(services.stores, name)
        services.change_feed.deleted_here(record_id(name))
    return Response(status_code=204)


@router.get("/projects/{project_id}/iterations/{iteration_id}/export")
def get_exports(request: Request, services: ServicesDep, project: ProjectDep, iteration_id: str) -> Response:
    """The exports of an iteration: one, which is always there."""
    return answer([_export(request, services, project, iteration_id)])


@router.post("/projects/{project_id}/iterations/{iteration_id}/export")
def export_iteration(
    request: Request,
    services: ServicesDep,
    project: ProjectDep,
    iteration_id: str,
    platform: Annotated[str, Query()],
) -> Response:
    """Export an iteration as ONNX."""
    if platform.upper() != _ONNX:
        raise refused("BadRequestProjectUnsupportedExportPlatform", f"{platform[:40]} is not offered here; ONNX is.")
    return answer(_export(request, services, project, iteration_id))


@content_router.get("/projects/{project_id}/iterations/{iteration_id}/content", name="custom_vision_export")
def content(services: ServicesDep, project_id: str, iteration_id: str) -> Response:
    """An exported iteration, as a ZIP, for whoever has its signed address."""
    project = project_of(services.stores, project_id)
    version = version_of_iteration(found_iteration(services, project, iteration_id))
    files = portable(services.classifier.describe(Version(project.name, version)), MODEL_FILE)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MODEL_FILE, services.stores.models.read(project.name, version))
        for name, data in files.items():
            archive.writestr(name, data)
    headers = {"Content-Disposition": f'attachment; filename="{project.name}-{version}.zip"'}
    return Response(made.getvalue(), media_type="application/zip", headers=headers)


@content_router.get("/projects/{project_id}/predictions/{prediction_id}/content", name="custom_vision_prediction")
def prediction_content(services: ServicesDep, project_id: str, prediction_id: str) -> Response:
    """The picture of a stored prediction, for whoever has its signed address."""
    name = _name_of(services, project_of(services.stores, project_id), prediction_id)
    data = found_or("NotFoundImage", lambda: services.stores.uploads.get(name), "The picture is gone.").data
    headers = {"Content-Disposition": "attachment", "Cache-Control": "private, max-age=3600"}
    return Response(data or b"", media_type="application/octet-stream", headers=headers)


def not_offered() -> Response:
    """Say that there is no such operation here."""
    raise refused("BadRequestOperationNotSupported", "This operation of Custom Vision is not offered here.")


for _method, _path in NOT_OFFERED:
    router.add_api_route(_path, not_offered, methods=[_method], name=f"not_offered_{_method}{_path}")


def _export(request: Request, services: Services, project: Project, iteration_id: str) -> dict[str, Any]:
    version_of_iteration(found_iteration(services, project, iteration_id))
    uri = signed(request, services, "custom_vision_export", iteration_id=iteration_id)
    return {
        "platform": _ONNX, "status": "Done", "downloadUri": uri, "flavor": None, "newerVersionAvailable": False
    }  # fmt: skip


def _name_of(services: Services, project: Project, id: str) -> str:
    """The name of the upload of a stored prediction of this project, also before it has a record.

    Raises ApiProblem 404.
    """
    digits, prefix = digits_of(id), f"{PINNED}/{project.name}/"
    stored = services.stores.records.read(digits)
    name = stored.record.name if stored else services.recent.get(digits)
    if name is None:  # another instance has taken it in, a moment ago
        uploads = (blob.name for page, _ in services.stores.uploads.list(prefix=prefix) for blob in page)
        name = next((one for one in uploads if record_id(one) == digits), "")
    if not name.startswith(prefix):
        raise refused("NotFoundImage", f"There is no stored prediction {id[:40]} of '{project.title}'.", 404)
    return name


def _described(pictures: Pictures, id: str, words: dict[str, str]) -> str:
    """Give a picture this metadata beside what it has. Returns the status in Custom Vision's words."""

    def described(facts: PictureFacts) -> PictureFacts:
        both = {**facts.metadata, **words}
        if sum(not one.startswith(KEPT_WORDS) for one in both) > MOST_WORDS:
            raise refused("BadRequestImageMetadataKey", f"A picture can have {MOST_WORDS} words of metadata.")
        return replace(facts, metadata=both)

    try:
        sha256 = pictures.sha256_of(id)
    except ApiProblem as problem:
        if problem.code != "NotFoundImage":
            raise
        return "ErrorImageNotFound"
    try:
        pictures.training.change(sha256, described)
    except ApiProblem:
        return "ErrorLimitExceed"
    return "OK"


def _reader(services: Services, project: Project, id: str) -> Callable[[], bytes]:
    digits_of(id)

    def read() -> bytes:
        try:
            return services.stores.uploads.get(_name_of(services, project, id)).data or b""
        except (ApiProblem, NotFound):
            raise NotFetched("There is no such stored prediction, or its picture is gone.") from None

    return read


def _said(tags: Tags, project: Project, prediction: Prediction) -> list[answers.Prediction]:
    """What a record says of a picture: its likeliest labels (TOP_CLASSES), and the negative tag where its probability
    follows from those, and not from all."""
    return with_negative(tags, project, prediction.top) if project.has_several else scored(tags, prediction.top)


def _stored_predictions(
    request: Request, services: Services, project: Project, asked: PredictionQuery
) -> dict[str, Any]:
    prefix = f"{PINNED}/{project.name}/"
    if asked.iteration_id:
        prefix += f"{version_of_iteration(found_iteration(services, project, asked.iteration_id))}/"
    since, until = (None if one is None else utc_of(one) for one in (asked.start_time, asked.end_time))
    filter = Filter(text=prefix, since=since, until=until, hidden=services.hidden_ids)
    sort = Sort.OLDEST if asked.order_by == "Oldest" else Sort.NEWEST
    count = max(1, min(asked.max_count or MOST_PREDICTIONS, 256))
    file = services.stores.custom_vision.read(project.name)
    tags = tags_in(file, project)
    found: list[tuple[Record, Prediction, list[answers.Prediction]]] = []
    begin = asked.continuation or None
    for _ in range(MOST_PAGES):
        page = list_records(services.index, filter, sort, count, begin)
        for record in page.items:
            if record.prediction is None or not record.name.startswith(prefix):
                continue
            said = _said(tags, project, record.prediction)
            if not asked.tags or any(one.is_in(said) for one in asked.tags):
                found.append((record, record.prediction, said))
        begin = page.next
        if found or begin is None:
            break
    results = []
    for record, prediction, said in found:
        image = record.image
        uri = signed(request, services, "custom_vision_prediction", prediction_id=record.id)
        results.append(
            {
                "id": str(uuid.UUID(record.id)),
                "project": id_of(project),
                "iteration": iteration_id(file, project, prediction.model.version),
                "created": record.uploaded_at or record.finished_at,
                "predictions": msgspec.to_builtins(said),
                "originalImageUri": uri,
                "resizedImageUri": uri,
                "thumbnailUri": uri,
                "domain": None,
                "width": image.width if image else 0,
                "height": image.height if image else 0,
            }
        )
    token = {
        "session": asked.session or "", "continuation": begin or "", "maxCount": count,
        "orderBy": asked.order_by or "Newest", "tags": msgspec.to_builtins(asked.tags or []),
        "iterationId": asked.iteration_id,
        "startTime": since, "endTime": until, "application": asked.application,
    }  # fmt: skip
    return {"token": token, "results": results}
