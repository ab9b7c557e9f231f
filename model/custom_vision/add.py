"""Adds an exported model to those of a project, as a version like any other."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from classify import ModelDescription
from imagestore.errors import NotFound
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.models import MODEL_FILE, Inspection
from imagestore.store.patience import patiently
from imagestore.store.projects import LabelsPerPicture, Project
from model.custom_vision.convert import convert
from model.custom_vision.graph import Wanted
from model.model_process import describe


@dataclass(frozen=True)
class Added:
    """A version that was added to a project, and what its file says of itself. `is_new` says that the project began
    with it."""

    project: Project
    version: str
    model: ModelDescription
    is_new: bool


def add(
    stores: Stores,
    title: str,
    path: Path,
    by: str,
    *,
    labels: Path | None = None,
    threshold: float | None = None,
    labels_per_picture: LabelsPerPicture | None = None,
) -> Added:
    """Keep an export as the next version of the project with this name or title, which begins with it if there is none.

    `by` is the account that adds it. `labels` is a file with a label a line, for an ONNX file with none beside it;
    `threshold` and `labels_per_picture` are for what the export does not say, or for something else than is usual.
    Nothing is kept of a file that a bounded process could not run. Raises ModelError, NotAProject, Conflict,
    Unavailable.
    """
    kind = None if labels_per_picture is None else str(labels_per_picture)

    def made(name: str, version: str) -> tuple[bytes, ModelDescription]:
        data = convert(path, Wanted(name, version, None, threshold, kind), labels)
        return data, describe(data, path.name)

    _, model = made("export", "1")  # before a number is taken for it, or a project begins
    project, is_new = _project(stores, title, by, model)
    version = stores.models.claim(project.name)
    data, model = made(project.name, version)
    patiently(lambda: stores.models.keep(project.name, version, {MODEL_FILE: data}))
    found = Inspection(hashlib.sha256(data).hexdigest(), utc(), by, is_admitted=True)
    patiently(lambda: stores.models.keep_inspection(project.name, version, found))
    return Added(project, version, model, is_new)


def _project(stores: Stores, title: str, by: str, model: ModelDescription) -> tuple[Project, bool]:
    """The project with this name or title, and whether it begins now."""
    try:
        stores.projects.find(title)
    except NotFound:
        kind = LabelsPerPicture.SEVERAL if model.has_several else LabelsPerPicture.ONE
        return stores.projects.create(title, by, kind), True
    return stores.projects.open(title), False
