"""What the client does with projects: their life, and bringing one over."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from imagestore.client.http import Http
from imagestore.jobs.job import JobKind
from imagestore.jobs.status import JobStatus
from imagestore.pipeline.labelling.doubts import Answered, LabellingState
from imagestore.pipeline.labelling.labelled_intake import TakenIn
from imagestore.pipeline.labelling.learnable import TrainingState
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

    def training_state(self, project: str) -> TrainingState:
        """What a project could learn from now, label by label, and what is missing."""
        return self._http.get(TrainingState, f"/projects/{part(project)}/train")

    def add_training(
        self, project: str, file: Path, label: str, name: str | None = None, *, relabel: bool = False
    ) -> TakenIn:
        """Take a labelled picture in, to learn from or to test with. The same content again is the same picture. For
        trainers."""
        asked = {"label": label, "name": name or f"{label}/{file.name}", "relabel": str(relabel).lower()}
        path, data = f"/projects/{part(project)}/training", file.read_bytes()
        return self._http.read(TakenIn, self._http.send("POST", path, asked, content=lambda: data))

    def labelling(self, project: str, version: str | None = None) -> LabellingState:
        """What the newest training, or that of a version, found out about labels: whether more pictures would help, and
        which look mislabelled."""
        return self._http.get(LabellingState, f"/projects/{part(project)}/labelling", {"version": version})

    def answer_doubt(self, project: str, sha256: str, labels: list[str], instead_of: list[str]) -> Answered:
        """Say which labels a labelled picture has where it has `instead_of` now; the same, if they are right. For
        trainers."""
        body = {"labels": labels, "instead_of": instead_of}
        path = f"/projects/{part(project)}/training/{part(sha256)}"
        return self._http.read(Answered, self._http.send("PUT", path, body=body))

    def take_out(self, project: str, sha256: str, *, for_good: bool = False) -> Answered:
        """Take a labelled picture's labels away, which can be undone, or delete it for good. For trainers."""
        path = f"/projects/{part(project)}/training/{part(sha256)}"
        return self._http.read(Answered, self._http.send("DELETE", path, {"for_good": str(for_good).lower()}))

    def undo_answer(self, project: str, sha256: str) -> Answered:
        """Put back what was said of a labelled picture before the last answer. For trainers."""
        path = f"/projects/{part(project)}/training/{part(sha256)}/undo"
        return self._http.read(Answered, self._http.send("POST", path))

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
