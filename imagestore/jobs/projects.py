"""Deleting projects where jobs may be at work on them: one that has work is not deleted, nor what is deleted purged."""

from collections.abc import Iterator

from imagestore.errors import Conflict
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Job, JobKind
from imagestore.pipeline.models import projects
from imagestore.store import Stores
from imagestore.store.projects import Project


def delete_project(stores: Stores, name: str, by: str) -> Project:
    """Delete a project on which no job works. See imagestore/pipeline/models/projects.py.

    Raises NotFound; Conflict, also if a job of it waits or runs; Unavailable.
    """
    project = stores.projects.open(name)
    for job in JobBoard(stores.jobs).open():
        if _is_of(job, project):
            how = "runs" if job.started_at else "waits"
            raise Conflict(
                f"A job of '{project.title}' {how} ({job.kind}, job {job.id}): wait for it, or imagestore jobs cancel "
                f"{job.id}. Then delete the project."
            )
    return projects.delete_project(stores, name, by)


def purge(stores: Stores, undelete_days: int) -> Iterator[tuple[Project, int]]:
    """Delete for good what belongs to projects whose day has come, but for those that a job may work on: they are left
    to the next time. See imagestore/pipeline/models/projects.py. Raises Unavailable."""
    board = JobBoard(stores.jobs)

    def is_busy(project: Project) -> bool:
        """An import may have been given the project's name of before, so each may be of any that came from there."""
        return any(
            _is_of(job, project) or (job.kind is JobKind.IMPORT and project.id is not None) for job in board.open()
        )

    return projects.purge(stores, undelete_days, is_busy=is_busy)


def _is_of(job: Job, project: Project) -> bool:
    """Whether a job works on a project: by its name, or of an import, by its id or title there."""
    if (wanted := job.arguments.importing) is None:
        return job.arguments.name == project.name
    return wanted.project.lower() == project.id or wanted.project.casefold() == project.title.casefold()
