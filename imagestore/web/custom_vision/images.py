"""Custom Vision's images: pictures with tags, which are learned from."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import msgspec
from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.store.projects import Project
from imagestore.store.training import ListedPicture, TrainingPictures
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.intake import (
    MOST_AT_ONCE,
    MOST_BATCH_BYTES,
    MOST_BYTES,
    Batch,
    FileEntry,
    batch_of,
    fetcher_of,
    image_of,
    keep_each,
    reader_of,
)
from imagestore.web.custom_vision.pictures import Pictures, digits_of, pictures_of
from imagestore.web.custom_vision.prediction import FIELD
from imagestore.web.custom_vision.routing import (
    ProjectDep,
    answer,
    any_case,
    body_of,
    found_or,
    ids,
    project_of,
    signed_router,
    training_router,
)
from imagestore.web.guards.access import NoteDep
from imagestore.web.intake.bodies import whole_pictures
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services

router = training_router()
content_router = signed_router()
MOST_LISTED = 256
IterationId = Annotated[str | None, Query(alias="iterationId")]
TagIds = Annotated[str | None, Query(alias="tagIds")]
ImageIds = Annotated[str | None, Query(alias="imageIds")]
OrderBy = Annotated[
    Literal["Newest", "Oldest", "Suggested"], any_case("Newest", "Oldest", "Suggested"), Query(alias="orderBy")
]
"""The suggested ones first is the newest first here."""
Take = Annotated[int, Query(ge=0, le=MOST_LISTED)]
Skip = Annotated[int, Query(ge=0)]
Status = Annotated[Literal["Tagged", "Untagged"], any_case("Tagged", "Untagged")]


class TagEntry(msgspec.Struct, rename="camel"):
    """A tag for a picture."""

    image_id: str
    tag_id: str


class TagBatch(msgspec.Struct, rename="camel"):
    """Tags for pictures."""

    tags: list[TagEntry] = []


@router.post("/projects/{project_id}/images")
async def create_images_from_data(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep, tag_ids: TagIds = None
) -> Response:
    """Keep a picture, or those in a form."""
    note.target = project.name
    sent = await whole_pictures(request, MOST_BYTES, FIELD, MOST_AT_ONCE, MOST_BATCH_BYTES)
    found = [(FileEntry(name=name, tag_ids=ids(tag_ids)), partial(bytes, data)) for name, data in sent]
    return await run_in_threadpool(keep_each, request, services, project, found, Batch())


@router.post("/projects/{project_id}/images/files")
async def create_images_from_files(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep
) -> Response:
    """Keep a batch of pictures, which are in the request in base64."""
    batch = await batch_of(request)
    note.target = project.name
    return await run_in_threadpool(
        keep_each, request, services, project, [(entry, reader_of(entry)) for entry in batch.images], batch
    )


@router.post("/projects/{project_id}/images/urls")
async def create_images_from_urls(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep
) -> Response:
    """Keep a batch of pictures, which are at addresses of the public internet."""
    batch = await batch_of(request)
    note.target = project.name
    found = [(entry, fetcher_of(entry, services)) for entry in batch.images]
    return await run_in_threadpool(keep_each, request, services, project, found, batch)


def no_filter(filter: Annotated[str | None, Query(alias="$filter")] = None) -> None:
    """Refuse an expression over metadata, in place of answering with all pictures. Raises ApiProblem 400."""
    if filter is not None:
        raise refused("BadRequestNotSupported", "Pictures are not filtered by their metadata here ($filter).")


@router.get("/projects/{project_id}/images", dependencies=[Depends(no_filter)])
def get_images(
    request: Request,
    services: ServicesDep,
    project: ProjectDep,
    tag_ids: TagIds = None,
    status: Annotated[Status | None, Query(alias="taggingStatus")] = None,
    order: OrderBy = "Newest",
    take: Take = 50,
    skip: Skip = 0,
) -> Response:
    """The pictures, page after page."""
    return _page(request, services, project, order, take, skip, tag_ids, status)


@router.get("/projects/{project_id}/images/tagged")
def get_tagged_images(
    request: Request,
    services: ServicesDep,
    project: ProjectDep,
    tag_ids: TagIds = None,
    order: OrderBy = "Newest",
    take: Take = 50,
    skip: Skip = 0,
) -> Response:
    """Those that have a tag."""
    return _page(request, services, project, order, take, skip, tag_ids, "Tagged")


@router.get("/projects/{project_id}/images/untagged")
def get_untagged_images(
    request: Request,
    services: ServicesDep,
    project: ProjectDep,
    order: OrderBy = "Newest",
    take: Take = 50,
    skip: Skip = 0,
) -> Response:
    """Those that have none."""
    return _page(request, services, project, order, take, skip, None, "Untagged")


@router.get("/projects/{project_id}/images/count", dependencies=[Depends(no_filter)])
def get_image_count(
    services: ServicesDep,
    project: ProjectDep,
    tag_ids: TagIds = None,
    status: Annotated[Status | None, Query(alias="taggingStatus")] = None,
) -> Response:
    """How many there are."""
    return answer(len(_chosen(pictures_of(services, project), ids(tag_ids), status)))


@router.get("/projects/{project_id}/images/tagged/count")
def get_tagged_image_count(services: ServicesDep, project: ProjectDep, tag_ids: TagIds = None) -> Response:
    """How many have a tag, or one of these."""
    return answer(len(_chosen(pictures_of(services, project), ids(tag_ids), "Tagged")))


@router.get("/projects/{project_id}/images/untagged/count")
def get_untagged_image_count(services: ServicesDep, project: ProjectDep) -> Response:
    """How many have none."""
    return answer(len(_chosen(pictures_of(services, project), [], "Untagged")))


@router.get("/projects/{project_id}/images/id")
def get_images_by_ids(
    request: Request, services: ServicesDep, project: ProjectDep, image_ids: ImageIds = None
) -> Response:
    """These pictures, or all, but at most 256."""
    pictures = pictures_of(services, project)
    wanted = {digits_of(id) for id in ids(image_ids)}
    found = [one for one in pictures.listed if not wanted or one.sha256[:32] in wanted]
    return answer(_shown(request, services, pictures, [one.sha256 for one in found[:MOST_LISTED]]))


@router.delete("/projects/{project_id}/images", status_code=204)
def delete_images(
    services: ServicesDep,
    project: ProjectDep,
    note: NoteDep,
    image_ids: ImageIds = None,
    everything: Annotated[bool, Query(alias="allImages")] = False,
) -> Response:
    """Delete these pictures, or all."""
    pictures = pictures_of(services, project, fresh=everything)
    wanted = list(dict.fromkeys(digits_of(id) for id in ids(image_ids)))
    if not wanted and not everything:
        raise refused("BadRequestRequiredParamIsNull", "imageIds is missing: say which pictures are to go.")
    note.target, note.before = project.name, {"images": ids(image_ids) or "all"}
    pictures.remove([one.sha256 for one in pictures.listed] if everything else pictures.beginning_with(wanted))
    return Response(status_code=204)


@router.post("/projects/{project_id}/images/tags")
async def create_image_tags(request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep) -> Response:
    """Give pictures tags beside those that they have."""
    batch = await body_of(request, TagBatch)
    note.target = project.name

    def give() -> dict[str, list[dict[str, str]]]:
        pictures = pictures_of(services, project)
        given: dict[str, list[dict[str, str]]] = {"created": [], "duplicated": [], "exceeded": []}
        wanted = [(one, pictures.sha256_of(one.image_id), pictures.tag(one.tag_id)) for one in batch.tags]
        for one, sha256, tag in wanted:
            has = any(tag.id == other.id for other in pictures.tags_of(pictures.facts([sha256])[0]))
            became = "duplicated" if has else "created"
            try:
                pictures.add_tags(sha256, [] if has else [tag])
            except ApiProblem as problem:
                if problem.code != "BadRequestImageTags":
                    raise
                became = "exceeded"  # it has the one tag that it can have
            given[became].append({"imageId": one.image_id, "tagId": tag.id})
        return given

    return answer(await run_in_threadpool(give))


@router.delete("/projects/{project_id}/images/tags", status_code=204)
def delete_image_tags(
    services: ServicesDep, project: ProjectDep, note: NoteDep, image_ids: ImageIds = None, tag_ids: TagIds = None
) -> Response:
    """Take these tags from these pictures."""
    pictures = pictures_of(services, project)
    note.target, note.before = project.name, {"images": ids(image_ids), "tags": ids(tag_ids)}
    found = [pictures.sha256_of(id) for id in ids(image_ids)]
    pictures.untag(found, [pictures.tag(id) for id in ids(tag_ids)])
    return Response(status_code=204)


@content_router.get("/projects/{project_id}/images/{image_id}/content", name="custom_vision_image")
def content(services: ServicesDep, project_id: str, image_id: str) -> Response:
    """A picture's content, for whoever has its signed address."""
    project = project_of(services.stores, project_id)
    pictures = TrainingPictures(services.stores.training, project.pictures_in)
    sha256 = pictures.beginning_with(digits_of(image_id))
    data = found_or("NotFoundImage", lambda: pictures.picture(sha256 or ""), "The picture is not there any more.")
    headers = {"Content-Disposition": "attachment", "Cache-Control": "private, max-age=3600"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _page(
    request: Request,
    services: Services,
    project: Project,
    order: str,
    take: int,
    skip: int,
    tag_ids: str | None,
    status: Status | None,
) -> Response:
    pictures = pictures_of(services, project)
    found = _chosen(pictures, ids(tag_ids), status)
    if order == "Oldest":
        found.reverse()
    return answer(_shown(request, services, pictures, [one.sha256 for one in found[skip : skip + take]]))


def _chosen(pictures: Pictures, tag_ids: Sequence[str], status: Status | None) -> list[ListedPicture]:
    """The newest first; with tags, those that have one of them."""
    tags = {pictures.tag(id).id for id in tag_ids}
    found = []
    for one in pictures.listed:
        if status is not None and bool(one.labels or one.negative) != (status == "Tagged"):
            continue
        if not tags or any(tag.id in tags for tag in pictures.tags_of(one)):
            found.append(one)
    return found


def _shown(request: Request, services: Services, pictures: Pictures, sha256s: Sequence[str]) -> list[answers.Image]:
    return [
        image_of(request, services, pictures, sha256, facts)
        for sha256, facts in zip(sha256s, pictures.facts(sha256s), strict=True)
    ]
