"""Custom Vision's projects and domains."""

from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from imagestore.errors import Conflict, NotAProject
from imagestore.jobs.projects import delete_project
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.projects import LabelsPerPicture, Project, ProjectState
from imagestore.web.api.common import ServicesDep
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.routing import ProjectDep, answer, any_case, body_of, id_of, training_router
from imagestore.web.guards.access import CallerDep, NoteDep

router = training_router()
MULTICLASS, MULTILABEL = "Multiclass", "Multilabel"
GENERAL = "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31"
DOMAINS = {
    GENERAL: "General",
    "a8e3c40f-fb4a-466f-832a-5e457ae4a344": "General [A1]",
    "2e37d7fb-3a54-486a-b4d6-cfc369af0018": "General [A2]",
    "c151d5b5-dd07-472a-acc8-15d29dea8518": "Food",
    "ca455789-012d-4b50-9fec-5bb63841c793": "Landmarks",
    "b30a91ae-e3c1-4f73-a81e-c270bff27c39": "Retail",
    "0732100f-1a38-4e49-a514-c9b44c697ab5": "General (compact)",
    "a1db07ca-a19a-4830-bae8-e004a42dc863": "General (compact) [S1]",
    "8882951b-82cd-4c32-970b-d5f8cb8bf6d7": "Food (compact)",
    "b5cfd229-2ac7-4b2b-8d0a-2b0661344894": "Landmarks (compact)",
    "6b4faeda-8396-481b-9f8b-177b9fa3097f": "Retail (compact)",
}
"""Which of them a project names changes nothing here: all are trained in one way."""


class ChangedSettings(msgspec.Struct, rename="camel"):
    """Settings of a project, of which the first cannot change and the others change nothing here."""

    classification_type: str | None = None


class Changed(msgspec.Struct):
    """What is to change of a project."""

    name: str | None = None
    description: str | None = None
    settings: ChangedSettings | None = None


@router.get("/domains")
def get_domains() -> Response:
    """The domains that Custom Vision had for classification."""
    return answer([_domain(id) for id in DOMAINS])


@router.get("/domains/{domain_id}")
def get_domain(domain_id: str) -> Response:
    """One of them."""
    if domain_id.lower() not in DOMAINS:
        raise refused("NotFoundDomain", f"There is no domain {domain_id[:40]}.", 404)
    return answer(_domain(domain_id.lower()))


@router.get("/projects")
def get_projects(services: ServicesDep, caller: CallerDep) -> Response:
    """All projects that the key is for."""
    found = [
        one for one in services.stores.projects.list() if one.state is ProjectState.OPEN and caller.may_use(one.name)
    ]
    return answer([shown(services.stores, one) for one in found])


@router.post("/projects")
def create_project(
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    name: Annotated[str, Query()],
    description: Annotated[str, Query()] = "",
    domain: Annotated[str, Query(alias="domainId")] = GENERAL,
    kind: Annotated[str, any_case(MULTICLASS, MULTILABEL), Query(alias="classificationType")] = MULTILABEL,
    platforms: Annotated[str, Query(alias="targetExportPlatforms")] = "",
) -> Response:
    """Begin a project. As Custom Vision's, it takes several labels a picture unless it says otherwise."""
    if caller.projects is not None:
        raise refused("Forbidden", "This key is for some projects alone, and begins none.", 403)
    if domain.lower() not in DOMAINS:
        raise refused("BadRequestProjectUnknownDomain", f"There is no domain {domain[:40]} of classification.")
    if kind not in (MULTICLASS, MULTILABEL):
        said = f"'{kind[:40]}' is neither {MULTICLASS} nor {MULTILABEL}."
        raise refused("BadRequestProjectUnknownClassification", said)
    several = LabelsPerPicture.SEVERAL if kind == MULTILABEL else LabelsPerPicture.ONE
    try:
        made = services.stores.projects.create(name, caller.account, several)
    except NotAProject as error:
        raise refused("BadRequestProjectName", str(error)) from None
    except Conflict as error:
        raise refused("BadRequestProjectNameNotUnique", str(error)) from None
    note.target, note.after = made.name, {"title": name}
    wanted = tuple(one for one in platforms.split(",") if one)
    services.stores.custom_vision.change(
        made.name,
        lambda file: replace(file, description=description or None, domain=domain.lower(), platforms=wanted),
    )
    return answer(shown(services.stores, made))


@router.get("/projects/{project_id}")
def get_project(services: ServicesDep, project: ProjectDep) -> Response:
    """One project."""
    return answer(shown(services.stores, project))


@router.patch("/projects/{project_id}")
async def update_project(request: Request, services: ServicesDep, project: ProjectDep, note: NoteDep) -> Response:
    """Give a project another name or description."""
    wanted = await body_of(request, Changed)
    note.target, note.after = project.name, {"title": wanted.name}
    kind = wanted.settings.classification_type if wanted.settings is not None else None
    if kind is not None and kind.lower() != _kind(project).lower():
        said = f"The project is {_kind(project)} and stays so: begin another one for its pictures."
        raise refused("BadRequestNotSupported", said)

    def change() -> answers.Project:
        after = project
        try:
            if wanted.name is not None:
                after = services.stores.projects.rename(project.name, wanted.name)
        except NotAProject as error:
            raise refused("BadRequestProjectName", str(error)) from None
        except Conflict as error:
            raise refused("BadRequestProjectNameNotUnique", str(error)) from None
        if wanted.description is not None:
            services.stores.custom_vision.change(
                project.name, lambda file: replace(file, description=wanted.description or None)
            )
        return shown(services.stores, after)

    return answer(await run_in_threadpool(change))


@router.delete("/projects/{project_id}", status_code=204)
def delete(services: ServicesDep, caller: CallerDep, note: NoteDep, project: ProjectDep) -> Response:
    """Delete a project that classifies no uploads. It can be taken back here (imagestore projects undelete)."""
    note.target = project.name
    try:
        delete_project(services.stores, project.name, caller.account)
    except Conflict as error:
        raise refused("BadRequestWorkspaceNotDeletable", str(error)) from None
    return Response(status_code=204)


def shown(stores: Stores, project: Project) -> answers.Project:
    """A project as Custom Vision's clients read it."""
    file = stores.custom_vision.read(project.name)
    created = project.created.at if project.created else utc()
    return answers.Project(
        id=id_of(project),
        name=project.title,
        description=file.description or "",
        settings=answers.Settings(
            domain_id=file.domain or GENERAL,
            classification_type=_kind(project),
            target_export_platforms=list(file.platforms),
            use_negative_set=True,
        ),
        created=created,
        last_modified=created,
    )


def _kind(project: Project) -> str:
    return MULTILABEL if project.has_several else MULTICLASS


def _domain(id: str) -> dict[str, object]:
    is_compact = "compact" in DOMAINS[id]
    return {
        "id": id,
        "name": DOMAINS[id],
        "type": "Classification",
        "exportable": is_compact,
        "enabled": True,
        "exportablePlatforms": ["ONNX"] if is_compact else [],
        "modelInformation": {"estimatedModelSizeInMegabytes": 18, "description": "EfficientNet-Lite"},
    }
