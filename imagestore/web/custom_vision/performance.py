"""How good Custom Vision's iterations are, on pictures that they have not learned from."""

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from imagestore.store.held_out import AnsweredPicture, HeldOut, held_out
from imagestore.store.projects import Project
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.images import OrderBy, Skip, TagIds, Take
from imagestore.web.custom_vision.intake import image_of
from imagestore.web.custom_vision.iterations import found_iteration, version_of_iteration
from imagestore.web.custom_vision.labels import Tags
from imagestore.web.custom_vision.pictures import Pictures, pictures_of
from imagestore.web.custom_vision.routing import ProjectDep, answer, ids, training_router
from imagestore.web.services import Services

router = training_router()
THRESHOLD = 0.5
"""The probability from which on a tag counts as said, where no other is asked for."""
_PATH = "/projects/{project_id}/iterations/{iteration_id}/performance"


@router.get(_PATH)
def get_iteration_performance(
    services: ServicesDep,
    project: ProjectDep,
    iteration_id: str,
    threshold: Annotated[float | None, Query(ge=0, le=1)] = None,
    overlap: Annotated[float | None, Query(alias="overlapThreshold")] = None,  # of detected objects alone
) -> Response:
    """How good an iteration is where a tag counts as said from this probability on."""
    version = version_of_iteration(found_iteration(services, project, iteration_id))
    tags, kept = pictures_of(services, project).tags, held_out(services.stores.models, project.name, version)
    if kept is not None:
        return answer(_at(tags, kept, THRESHOLD if threshold is None else threshold))
    figures = services.stores.models.figures(project.name, version)
    if figures is None:
        raise refused("NotFoundIterationPerformance", f"There are no figures of version {version}.", 404)
    if threshold is not None:
        said = (
            f"Version {version} was trained before figures at any threshold were kept. Train again, or leave the "
            "threshold out: that answers its figures as its report has them."
        )
        raise refused("NotFoundIterationPerformance", said, 404)
    return answer(_as_reported(tags, figures["metrics"]))


@router.get(f"{_PATH}/images")
def get_image_performances(
    request: Request,
    services: ServicesDep,
    project: ProjectDep,
    iteration_id: str,
    tag_ids: TagIds = None,
    order: OrderBy = "Newest",
    take: Take = 50,
    skip: Skip = 0,
) -> Response:
    """What an iteration said of the pictures that were held out from its training, page after page."""
    pictures = pictures_of(services, project)
    found = _chosen(services, project, pictures, iteration_id, tag_ids)
    if order == "Oldest":
        found.reverse()
    page = found[skip : skip + take]
    known = zip(page, pictures.facts([one.sha256 for one in page]), strict=True)
    told = []
    for one, facts in known:
        image = image_of(request, services, pictures, one.sha256, facts)
        said = [
            answers.Prediction(probability=probability, tag_id=tag.id, tag_name=tag.name, tag_type=tag.type)
            for label, probability in one.probabilities.items()
            for tag in (pictures.tags.named(label),)
        ]
        told.append(
            answers.ImagePerformance(
                predictions=said,
                id=image.id,
                created=image.created,
                width=image.width,
                height=image.height,
                image_uri=image.original_image_uri,
                thumbnail_uri=image.thumbnail_uri,
                tags=image.tags,
                regions=image.regions,
            )
        )
    return answer(told)


@router.get(f"{_PATH}/images/count")
def get_image_performance_count(
    services: ServicesDep, project: ProjectDep, iteration_id: str, tag_ids: TagIds = None
) -> Response:
    """How many pictures were held out, or how many of those have one of these tags."""
    return answer(len(_chosen(services, project, pictures_of(services, project), iteration_id, tag_ids)))


def _chosen(
    services: Services, project: Project, pictures: Pictures, iteration_id: str, tag_ids: str | None
) -> list[AnsweredPicture]:
    """The held-out pictures that are there, the newest first; with tags, those that have one of them now."""
    version = version_of_iteration(found_iteration(services, project, iteration_id))
    kept = held_out(services.stores.models, project.name, version)
    if kept is None:
        said = f"What version {version} said of held-out pictures was not kept."
        raise refused("NotFoundIterationPerformance", said, 404)
    wanted = {pictures.tag(id).id for id in ids(tag_ids)}
    told = {one.sha256: one for one in kept.pictures}
    return [
        told[one.sha256]
        for one in pictures.listed
        if one.sha256 in told and (not wanted or wanted & {tag.id for tag in pictures.tags_of(one)})
    ]


def _at(tags: Tags, kept: HeldOut, threshold: float) -> answers.Performance:
    """Precision and recall over all pictures and tags, and the mean of the tags' average precision."""
    each, counts = [], []
    for one in kept.labels:
        if one.count:
            hits, said = one.at(threshold)
            counts.append((hits, said, one.count))
            each.append(
                answers.TagPerformance(
                    id=tags.named(one.label).id,
                    name=tags.named(one.label).name,
                    precision=hits / max(1, said),
                    recall=hits / one.count,
                    average_precision=one.average_precision,
                )
            )
    hits, said, there = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    return answers.Performance(
        per_tag_performance=each,
        precision=hits / max(1, said),
        recall=hits / max(1, there),
        average_precision=sum(one.average_precision for one in each) / max(1, len(each)),
    )


def _as_reported(tags: Tags, metrics: dict[str, Any]) -> answers.Performance:
    """The figures of a report: each tag counts alike."""
    each = [
        answers.TagPerformance(
            id=tags.named(one["label"]).id,
            name=one["label"],
            precision=_share(one["precision"]),
            recall=_share(one["recall"]),
            average_precision=_share(one.get("average_precision") or 0.0),
        )
        for one in metrics["classes"]
        if one["count"]
    ]
    count = max(1, len(each))
    return answers.Performance(
        per_tag_performance=each,
        precision=sum(one.precision for one in each) / count,
        recall=sum(one.recall for one in each) / count,
        average_precision=sum(one.average_precision for one in each) / count,
    )


def _share(found: Any) -> float:
    """A figure, which is kept as a number, as a share of a count, or with its interval."""
    if not isinstance(found, dict):
        return float(found)
    return float(found["value"]) if "value" in found else float(found["right"]) / max(1, found["of"])
