"""What the client does with projects: their life, and bringing one over."""

from typing import Any
from urllib.parse import quote

from imagestore.client.http import Http
from imagestore.jobs.job import JobKind
from imagestore.jobs.status import JobStatus
from imagestore.store.projects import LabelsPerPicture, ProjectSummary


class ProjectMethods:
    """A part of the client."""

    _http: Http

    def projects(self) -> list[ProjectSummary]:
        """The projects, deleted ones too, as long as they can be taken back."""
        return self._http.get(list[ProjectSummary], "/projects")

    def project(self, name: str) -> ProjectSummary:
        """A project, deleted or not."""
        return self._http.get(ProjectSummary, f"/projects/{part(name)}")

    def create_project(self, title: str, labels_per_picture: LabelsPerPicture = LabelsPerPicture.ONE) -> ProjectSummary:
        """Begin a project. Its name is made of the title. For trainers."""
        body = {"title": title, "labels_per_picture": str(labels_per_picture)}
        return self._project("POST", "/projects", body=body)

    def rename_project(self, name: str, title: str) -> ProjectSummary:
        """Give a project another title; its name stays. For trainers."""
        return self._project("PATCH", f"/projects/{part(name)}", body={"title": title})

    def delete_project(self, name: str) -> ProjectSummary:
        """Delete a project with its labelled pictures and versions. For trainers."""
        return self._project("DELETE", f"/projects/{part(name)}")

    def undelete_project(self, name: str) -> ProjectSummary:
        """Take back that a project was deleted. For trainers."""
        return self._project("POST", f"/projects/{part(name)}/undelete")

    def publish(self, project: str, version: str, name: str) -> ProjectSummary:
        """Let programs ask for a version by a name. For trainers."""
        return self._project("PUT", f"/projects/{part(project)}/published/{part(name)}", {"version": version})

    def unpublish(self, project: str, name: str) -> ProjectSummary:
        """Take that back. For trainers."""
        return self._project("DELETE", f"/projects/{part(project)}/published/{part(name)}")

    def import_project(
        self,
        endpoint: str,
        project: str,
        key: str,
        *,
        crop_regions: bool = False,
        train: bool = True,
        insecure_http: bool = False,
    ) -> JobStatus:
        """Begin to bring a project of Custom Vision over, with the training key there, and to train on it. With
        `crop_regions`, each region of a picture becomes a labelled picture of its own. For trainers."""
        options = {"crop_regions": crop_regions, "train": train, "insecure_http": insecure_http}
        wanted = {"endpoint": endpoint, "project": project, "key": key, **options}
        body = {"kind": str(JobKind.IMPORT), "importing": wanted}
        return self._http.read(JobStatus, self._http.send("POST", "/jobs", body=body))

    def _project(
        self, method: str, path: str, params: dict[str, Any] | None = None, body: dict[str, Any] | None = None
    ) -> ProjectSummary:
        return self._http.read(ProjectSummary, self._http.send(method, path, params, body=body))


def part(text: str) -> str:
    """A part of an address, in which nothing leads elsewhere."""
    return quote(text, safe="")
