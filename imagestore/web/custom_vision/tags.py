"""Custom Vision's tags: the labels of a project."""

from collections import Counter
from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.errors import Conflict, NotALabel
from imagestore.pipeline.labelling.correct import checked_label
from imagestore.store.custom_vision import NEGATIVE, REGULAR, CustomVisionFile, Tag, derived
from imagestore.store.projects import Project
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.pictures import Pictures, pictures_of
from imagestore.web.custom_vision.routing import ProjectDep, answer, any_case, body_of, training_router
from imagestore.web.guards.access import NoteDep
from imagestore.web.services import Services

router = training_router()
MOST_TAGS = 500


class ChangedTag(msgspec.Struct):
    """What is to change of a tag."""

    name: str | None = None
    description: str | None = None
    type: str | None = None


@router.get("/projects/{project_id}/tags")
def get_tags(services: ServicesDep, project: ProjectDep) -> Response:
    """The tags of a project, with how many pictures have each."""
    pictures = pictures_of(services, project)
    counts = Counter(label for one in pictures.listed for label in one.labels)
    negatives = sum(one.negative for one in pictures.listed)
    found = sorted(pictures.tags.by_name.values(), key=lambda tag: tag.name)
    return answer(
        [
            _told(tag, negatives if tag.type == NEGATIVE else sum(counts[one] for one in pictures.tags.names_of(tag)))
            for tag in found
        ]
    )


@router.post("/projects/{project_id}/tags")
def create_tag(
    services: ServicesDep,
    project: ProjectDep,
    note: NoteDep,
    name: Annotated[str, Query()],
    description: Annotated[str | None, Query()] = None,
    kind: Annotated[str, any_case(REGULAR, NEGATIVE), Query(alias="type")] = REGULAR,
) -> Response:
    """Begin a tag."""
    pictures = pictures_of(services, project)
    name = _checked(name)
    if kind not in (REGULAR, NEGATIVE):
        raise refused("BadRequestTagType", f"{kind[:40]} is neither {REGULAR} nor {NEGATIVE}.")
    if kind == NEGATIVE and pictures.tags.negative is not None:
        raise refused("BadRequestMultipleNegativeTag", f"'{pictures.tags.negative.name}' is the negative tag already.")
    made = Tag(derived("tag", project.name, name, kind), name, description, kind)

    def added(file: CustomVisionFile) -> CustomVisionFile:
        taken = {tag.name.casefold() for tag in file.tags} | {label.casefold() for label in pictures.tags.by_name}
        if name.casefold() in taken:
            raise refused("BadRequestTagNameNotUnique", f"There is a tag '{name}' already.")
        if len(taken) >= MOST_TAGS:
            raise refused("BadRequestExceedTagPerProjectLimit", f"There are {MOST_TAGS} tags, which is the limit.")
        return replace(file, tags=(*file.tags, replace(made, id=_free_id(file, made))))

    file = services.stores.custom_vision.change(project.name, added)
    note.target, note.after = project.name, {"tag": name}
    return answer(_shown(pictures, next(tag for tag in file.tags if tag.name == name)))


@router.get("/projects/{project_id}/tags/{tag_id}")
def get_tag(services: ServicesDep, project: ProjectDep, tag_id: str) -> Response:
    """One tag."""
    pictures = pictures_of(services, project)
    return answer(_shown(pictures, pictures.tag(tag_id)))


@router.patch("/projects/{project_id}/tags/{tag_id}")
async def update_tag(
    request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep, tag_id: str
) -> Response:
    """Rename a tag, here and in every picture that has it, or give it another description."""
    wanted = await body_of(request, ChangedTag)
    note.target, note.after = project.name, {"tag": tag_id, "name": wanted.name}
    return answer(await run_in_threadpool(_changed, services, project, tag_id, wanted))


@router.delete("/projects/{project_id}/tags/{tag_id}", status_code=204)
def delete_tag(services: ServicesDep, project: ProjectDep, note: NoteDep, tag_id: str) -> Response:
    """Delete a tag, and take it from every picture. The pictures stay."""
    note.target, note.before = project.name, {"tag": tag_id}
    pictures = pictures_of(services, project, fresh=True)
    tag = pictures.tag(tag_id)
    pictures.untag(pictures.with_tag(tag), [tag])
    services.stores.custom_vision.change(
        project.name, lambda file: replace(file, tags=tuple(one for one in file.tags if one.id != tag.id))
    )
    return Response(status_code=204)


def _changed(services: Services, project: Project, tag_id: str, wanted: ChangedTag) -> answers.Tag:
    pictures = pictures_of(services, project, fresh=True)
    tag = pictures.tag(tag_id)
    name = tag.name if wanted.name is None else _checked(wanted.name)
    others = {one.name.casefold() for one in pictures.tags.by_name.values() if one.id != tag.id}
    if name.casefold() in others:
        raise refused("BadRequestTagNameNotUnique", f"There is a tag '{name}' already.")
    if wanted.type not in (None, tag.type):
        raise refused("BadRequestTagType", "The type of a tag cannot be changed.")
    description = tag.description if wanted.description is None else wanted.description or None
    former = tuple(one for one in dict.fromkeys([*tag.former, tag.name]) if one != name)
    after = replace(tag, name=name, description=description, former=former if tag.type == REGULAR else ())

    def written(file: CustomVisionFile) -> CustomVisionFile:
        return replace(file, tags=(*(one for one in file.tags if one.id != tag.id), after))

    try:
        services.stores.custom_vision.change(project.name, written)
    except Conflict as error:
        raise refused("Conflict", str(error), 409) from None
    if wanted.name is not None and after.former:
        pictures.rename(tag, name)
    return _shown(pictures_of(services, project), after)


def _shown(pictures: Pictures, tag: Tag) -> answers.Tag:
    return _told(tag, len(pictures.with_tag(tag)))


def _told(tag: Tag, count: int) -> answers.Tag:
    return answers.Tag(id=tag.id, name=tag.name, description=tag.description, type=tag.type, image_count=count)


def _checked(name: str) -> str:
    try:
        return checked_label(name)
    except NotALabel as error:
        raise refused("BadRequestTagName", str(error)) from None


def _free_id(file: CustomVisionFile, tag: Tag) -> str:
    """Its id, or another where a tag that was renamed has it."""
    id, number = tag.id, 0
    while id in {one.id for one in file.tags}:
        number += 1
        id = derived(tag.id, str(number))
    return id
