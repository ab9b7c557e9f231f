"""Suggests tags: what an iteration says of pictures that have none.

What was said is kept, so that the pictures can be asked for by suggested tag. Who asks for them has some more looked at
each time, the newest pictures first.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.errors import NotFound
from imagestore.record import utc
from imagestore.store.projects import Project
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.answering import iteration_id, predict
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.images import ImageIds
from imagestore.web.custom_vision.intake import image_of
from imagestore.web.custom_vision.iterations import IterationId, newest_version
from imagestore.web.custom_vision.pictures import Pictures, image_id, pictures_of
from imagestore.web.custom_vision.routing import ProjectDep, answer, body_of, id_of, ids, training_router
from imagestore.web.services import Services
from preprocess import PictureError

router = training_router()
MOST_AT_ONCE = 64
"""How many pictures without a tag are looked at for one request."""
LOOK_S = 20.0
"""And how long."""
MOST_LISTED = 256
DESCENDING = "UncertaintyDescending"


class Wanted(msgspec.Struct, rename="camel"):
    """Which suggestions are wanted: of one of these tags, from this probability on. `continuation` is where the page
    before ended."""

    tag_ids: list[str] | None = None
    threshold: float | None = None
    session: str | None = None
    continuation: str | None = None
    max_count: int | None = None
    sort_by: Literal["UncertaintyAscending", "UncertaintyDescending"] | None = None


@dataclass(frozen=True)
class _Suggested:
    """A picture, and what is suggested for it, the surest first."""

    sha256: str
    predictions: list[answers.Prediction]

    @property
    def uncertainty(self) -> float:
        return round(1 - max((one.probability for one in self.predictions), default=0.0), 6)


@router.post("/projects/{project_id}/tagsandregions/suggestions")
def suggest_tags_and_regions(
    services: ServicesDep, project: ProjectDep, iteration: IterationId = None, image_ids: ImageIds = None
) -> Response:
    """What an iteration says of these pictures."""
    wanted = list(dict.fromkeys(ids(image_ids)))
    if len(wanted) > MOST_AT_ONCE:
        said = f"There are {len(wanted)} pictures; the limit is {MOST_AT_ONCE}."
        raise refused("BadRequestExceededBatchSize", said)
    pictures, version = pictures_of(services, project), newest_version(services, project, iteration)
    found = {pictures.sha256_of(id): id for id in wanted}
    told = _looked_at(services, project, version, pictures, list(found), float("inf"))
    services.stores.custom_vision.suggest(project.name, version, told)
    return answer(
        [
            _head(pictures, version, one) | {"id": found[one.sha256]}
            for one in _suggested(pictures, {sha256: told.get(sha256, {}) for sha256 in found})
        ]
    )


@router.post("/projects/{project_id}/images/suggested")
async def query_suggested_images(
    request: Request, services: ServicesDep, project: ProjectDep, iteration: IterationId = None
) -> Response:
    """Pictures without a tag for which one of these tags is suggested, page after page."""
    wanted = await body_of(request, Wanted)
    return answer(await run_in_threadpool(_page, request, services, project, iteration, wanted))


@router.post("/projects/{project_id}/images/suggested/count")
async def query_suggested_image_count(
    request: Request, services: ServicesDep, project: ProjectDep, iteration: IterationId = None
) -> Response:
    """For how many pictures without a tag each of these tags is suggested, or each of all."""
    wanted = await body_of(request, Wanted)

    def count() -> dict[str, int]:
        pictures, version = pictures_of(services, project), newest_version(services, project, iteration)
        found = _untagged(services, project, version, pictures, may_look=True)
        tags = [pictures.tag(id) for id in wanted.tag_ids or ()] or list(pictures.tags.by_name.values())
        return {tag.id: sum(_is_wanted(one, {tag.id}, wanted.threshold) for one in found) for tag in tags}

    return answer(await run_in_threadpool(count))


def _page(
    request: Request, services: Services, project: Project, iteration: str | None, wanted: Wanted
) -> dict[str, Any]:
    pictures, version = pictures_of(services, project), newest_version(services, project, iteration)
    tags = {pictures.tag(id).id for id in wanted.tag_ids or ()}
    begin = wanted.continuation or ""
    if not (begin.isdecimal() or not begin) or len(begin) > 9:
        raise refused("BadRequestInvalid", "The continuation is none that an answer had.")
    found = _untagged(services, project, version, pictures, may_look=not begin)
    chosen = [one for one in found if _is_wanted(one, tags, wanted.threshold)]
    chosen.sort(key=lambda one: one.uncertainty, reverse=wanted.sort_by == DESCENDING)
    count, start = max(1, min(wanted.max_count or MOST_AT_ONCE, MOST_LISTED)), int(begin or 0)
    page, results = chosen[start : start + count], []
    for one, facts in zip(page, pictures.facts([one.sha256 for one in page]), strict=True):
        image = image_of(request, services, pictures, one.sha256, facts)
        results.append(
            _head(pictures, version, one)
            | {
                "created": image.created,
                "width": image.width,
                "height": image.height,
                "originalImageUri": image.original_image_uri,
                "resizedImageUri": image.resized_image_uri,
                "thumbnailUri": image.thumbnail_uri,
                "domain": None,
            }
        )
    ends = start + count
    token = {
        "tagIds": wanted.tag_ids or [], "threshold": wanted.threshold or 0.0,
        "session": wanted.session or str(uuid.uuid4()), "continuation": str(ends) if ends < len(chosen) else "",
        "maxCount": count, "sortBy": wanted.sort_by or "UncertaintyAscending",
    }  # fmt: skip
    return {"token": token, "results": results}


def _untagged(
    services: Services, project: Project, version: str, pictures: Pictures, *, may_look: bool
) -> list[_Suggested]:
    """What is suggested for the pictures without a tag that were looked at; with `may_look`, some more are."""
    known = services.stores.custom_vision.suggested(project.name, version)
    untagged = [one.sha256 for one in pictures.listed if not pictures.tags_of(one)]
    left = [sha256 for sha256 in untagged if sha256 not in known][:MOST_AT_ONCE]
    if may_look and left:
        found = _looked_at(services, project, version, pictures, left, LOOK_S)
        services.stores.custom_vision.suggest(project.name, version, found)
        known = {**known, **found}
    return _suggested(pictures, {sha256: known[sha256] for sha256 in untagged if sha256 in known})


def _looked_at(
    services: Services, project: Project, version: str, pictures: Pictures, sha256s: Sequence[str], seconds: float
) -> dict[str, dict[str, float]]:
    """What the version says of these pictures, as far as the time suffices. One that is gone or cannot be read has no
    suggestions."""
    found: dict[str, dict[str, float]] = {}
    ends = time.monotonic() + seconds
    for sha256 in sha256s:
        try:
            said = predict(services, project, version, pictures.training.picture(sha256))
        except (NotFound, PictureError):
            found[sha256] = {}
            continue
        found[sha256] = {one.tag_name: one.probability for one in said.predictions}
        if time.monotonic() > ends:
            break
    return found


def _suggested(pictures: Pictures, told: dict[str, dict[str, float]]) -> list[_Suggested]:
    tags = pictures.tags
    return [
        _Suggested(
            sha256,
            [
                answers.Prediction(probability=probability, tag_id=tag.id, tag_name=tag.name, tag_type=tag.type)
                for name, probability in said.items()
                for tag in (tags.named(name),)
            ],
        )
        for sha256, said in told.items()
    ]


def _is_wanted(one: _Suggested, tags: set[str], threshold: float | None) -> bool:
    """Whether one of these tags, or of all where there are none, is suggested with this probability."""
    least = threshold or 0.0
    return any(said.probability >= least and (not tags or said.tag_id in tags) for said in one.predictions)


def _head(pictures: Pictures, version: str, one: _Suggested) -> dict[str, Any]:
    return {
        "id": image_id(one.sha256),
        "project": id_of(pictures.project),
        "iteration": iteration_id(pictures.file, pictures.project, version),
        "created": utc(),
        "predictions": msgspec.to_builtins(one.predictions),
        "predictionUncertainty": one.uncertainty,
    }
