"""Projects: pictures, labels and versions that belong together."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import Field

from imagestore.jobs.projects import delete_project
from imagestore.pipeline.models.projects import (
    publish,
    summaries,
    summary,
    undelete_project,
    unpublish,
)
from imagestore.store.models import NAME
from imagestore.store.projects import LONGEST_TITLE, PUBLISHED, LabelsPerPicture, Project, ProjectSummary
from imagestore.text import LINE
from imagestore.web.api.common import ServicesDep
from imagestore.web.api.jobs import VERSION
from imagestore.web.guards.access import CallerDep, NoteDep, OfProject
from imagestore.web.services import Services

router = APIRouter(prefix="/projects", tags=["Projects"])
ProjectName = Annotated[str, Path(pattern=NAME, description="The project's name.")]
Published = Annotated[str, Path(pattern=PUBLISHED, description="The name under which a version is published.")]
Title = Annotated[
    str,
    Body(embed=True, description="What it is called."),
    Field(min_length=1, max_length=LONGEST_TITLE, json_schema_extra={"pattern": LINE}),
]


@router.get("", operation_id="projects")
def list_projects(services: ServicesDep) -> list[ProjectSummary]:
    """The projects, the first one first, and those that are deleted and can be taken back."""
    return summaries(services.stores, services.options.undelete_days)


@router.post("", status_code=201, operation_id="createProject")
def create(
    response: Response,
    services: ServicesDep,
    caller: CallerDep,
    note: NoteDep,
    title: Title,
    labels_per_picture: Annotated[
        LabelsPerPicture, Body(embed=True, description="Whether several labels may hold for one picture.")
    ] = LabelsPerPicture.ONE,
) -> ProjectSummary:
    """Begin a project. Its name is made of the title and never changes."""
    made = services.stores.projects.create(title, caller.account, labels_per_picture)
    note.target, note.after = made.name, {"title": title, "labels_per_picture": str(labels_per_picture)}
    response.headers["Location"] = f"/api/v1/projects/{made.name}"
    return _shown(services, made)


@router.get("/{project}", operation_id="project", dependencies=[OfProject])
def read(services: ServicesDep, project: ProjectName) -> ProjectSummary:
    """A project, deleted or not."""
    return _shown(services, services.stores.projects.find(project))


@router.patch("/{project}", operation_id="renameProject")
def rename(services: ServicesDep, note: NoteDep, project: ProjectName, title: Title) -> ProjectSummary:
    """Call a project otherwise. Its name stays."""
    note.target, note.after = project, {"title": title}
    return _shown(services, services.stores.projects.rename(project, title))


@router.delete("/{project}", operation_id="deleteProject")
def delete(services: ServicesDep, caller: CallerDep, note: NoteDep, project: ProjectName) -> ProjectSummary:
    """Delete a project that classifies no uploads, with its labelled pictures and versions. It can be taken back."""
    note.target = project
    return _shown(services, delete_project(services.stores, project, caller.account))


@router.post("/{project}/undelete", operation_id="undeleteProject")
def undelete(services: ServicesDep, note: NoteDep, project: ProjectName) -> ProjectSummary:
    """Take back that a project was deleted."""
    note.target = project
    return _shown(services, undelete_project(services.stores, project))


@router.put("/{project}/published/{published}", operation_id="publish", dependencies=[OfProject])
def publish_version(
    services: ServicesDep,
    note: NoteDep,
    project: ProjectName,
    published: Published,
    version: Annotated[str, Query(pattern=VERSION, description="The version that it is.")],
) -> ProjectSummary:
    """Let programs ask for a version by a name: see `classify`. What is live stays so."""
    note.after = {"version": version}
    return _shown(services, publish(services.stores, project, version, published))


@router.delete("/{project}/published/{published}", operation_id="unpublish", dependencies=[OfProject])
def unpublish_version(services: ServicesDep, project: ProjectName, published: Published) -> ProjectSummary:
    """Take that back."""
    return _shown(services, unpublish(services.stores, project, published))


def _shown(services: Services, project: Project) -> ProjectSummary:
    return summary(services.stores, project, services.options.undelete_days)
