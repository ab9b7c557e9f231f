"""The projects of an instance, for imagestore/cli/instance.py: by the stores themselves, or by a distant web app."""

from typing import Protocol

from imagestore.cli import stores
from imagestore.client import Client
from imagestore.errors import NotFound
from imagestore.jobs.projects import delete_project
from imagestore.pipeline.models.projects import (
    publish,
    summaries,
    summary,
    undelete_project,
    unpublish,
)
from imagestore.settings import account
from imagestore.store import Stores
from imagestore.store.projects import LabelsPerPicture, Project, ProjectSummary


class Projects(Protocol):
    """The projects. Every method raises Unavailable or RemoteError."""

    def projects(self) -> list[ProjectSummary]:
        """The projects, deleted ones too."""

    def project(self, name: str) -> ProjectSummary:
        """The project with this name or title, deleted or not. Raises NotFound."""

    def create_project(self, title: str, labels_per_picture: LabelsPerPicture) -> ProjectSummary:
        """Begin a project. Raises NotAProject or Conflict."""

    def rename_project(self, name: str, title: str) -> ProjectSummary:
        """Give a project another title. Raises NotAProject, NotFound or Conflict."""

    def delete_project(self, name: str) -> ProjectSummary:
        """Delete a project. Raises NotFound or Conflict."""

    def undelete_project(self, name: str) -> ProjectSummary:
        """Take back that a project was deleted. Raises NotFound or Conflict."""

    def publish(self, project: str, version: str, name: str) -> ProjectSummary:
        """Publish a version under a name. Raises NotAProject, NotFound or Conflict."""

    def unpublish(self, project: str, name: str) -> ProjectSummary:
        """Take that back. Raises NotFound."""


class ProjectsOverStores:
    """Projects whose stores are within reach."""

    stores: Stores

    def projects(self) -> list[ProjectSummary]:
        """See Projects."""
        return summaries(self.stores, self._undelete_days)

    def project(self, name: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(self.stores.projects.find(name))

    def create_project(self, title: str, labels_per_picture: LabelsPerPicture) -> ProjectSummary:
        """See Projects."""
        return self._shown(self.stores.projects.create(title, account(), labels_per_picture))

    def rename_project(self, name: str, title: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(self.stores.projects.rename(name, title))

    def delete_project(self, name: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(delete_project(self.stores, name, account()))

    def undelete_project(self, name: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(undelete_project(self.stores, name))

    def publish(self, project: str, version: str, name: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(publish(self.stores, project, version, name))

    def unpublish(self, project: str, name: str) -> ProjectSummary:
        """See Projects."""
        return self._shown(unpublish(self.stores, project, name))

    @property
    def _undelete_days(self) -> int:
        return stores.settings().undelete_days

    def _shown(self, project: Project) -> ProjectSummary:
        return summary(self.stores, project, self._undelete_days)


class ProjectsOverApi:
    """Projects that are reached through the API of a web app."""

    client: Client

    def projects(self) -> list[ProjectSummary]:
        """See Projects."""
        return self.client.projects()

    def project(self, name: str) -> ProjectSummary:
        """See Projects."""
        found = self.client.projects()
        wanted = name.casefold()
        for one in found:
            if one.name == name:
                return one
        called = [one for one in found if one.title.casefold() == wanted]
        for one in sorted(called, key=lambda one: one.deleted is not None):
            return one
        raise NotFound(f"There is no project '{name}': imagestore projects list shows them.")

    def create_project(self, title: str, labels_per_picture: LabelsPerPicture) -> ProjectSummary:
        """See Projects. The key must be a trainer's, as for the next three."""
        return self.client.create_project(title, labels_per_picture)

    def rename_project(self, name: str, title: str) -> ProjectSummary:
        """See Projects."""
        return self.client.rename_project(name, title)

    def delete_project(self, name: str) -> ProjectSummary:
        """See Projects."""
        return self.client.delete_project(name)

    def undelete_project(self, name: str) -> ProjectSummary:
        """See Projects."""
        return self.client.undelete_project(name)

    def publish(self, project: str, version: str, name: str) -> ProjectSummary:
        """See Projects."""
        return self.client.publish(project, version, name)

    def unpublish(self, project: str, name: str) -> ProjectSummary:
        """See Projects."""
        return self.client.unpublish(project, name)
