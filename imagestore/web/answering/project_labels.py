"""The labels of a project as pages and API show them: how many pictures have each, and which. A content counts once,
however often it was uploaded and corrected, and whether or not it is a labelled picture too."""

from dataclasses import dataclass

from imagestore.pipeline.changes.relabel import NAMELESS
from imagestore.pipeline.labelling.labelled import UsedLabel, corrections_alone, used_labels
from imagestore.record import Record
from imagestore.store.projects import Project
from imagestore.web.answering.training import listed
from imagestore.web.index.counting import corrected_labels, corrected_to
from imagestore.web.services import Services


@dataclass(frozen=True)
class WithLabel:
    """A picture that people have given a label: an upload, with its `record`, or a labelled picture of the project. It
    stands for all uploads of the same content that were corrected to the label."""

    id: str
    name: str
    labels: tuple[str, ...]
    record: Record | None = None


def labels_of(services: Services, project: Project) -> list[UsedLabel]:
    """The labels that people have given in a project, the most given first. Raises NotMigrated, Unavailable."""
    projects, there = services.stores.projects.read(), listed(services, project)
    said = (
        (label, content)
        for classified_by, label, content in corrected_labels(services.index, services.hidden_ids)
        if projects.pictures_of(classified_by) == project.pictures_in
    )
    return used_labels(there.tally, corrections_alone(said, there.labels_of))


def with_label(services: Services, project: Project, label: str, start: int, most: int) -> tuple[list[WithLabel], int]:
    """Some of the pictures with a label, and how many there are: labelled ones by name, then uploads by name.

    Raises NotMigrated, Unavailable.
    """
    projects = services.stores.projects.read()
    labelled = sorted(
        (one for one in listed(services, project) if label in one.labels), key=lambda one: (one.source, one.sha256)
    )
    contents = {one.sha256 for one in labelled}
    uploads = dict[str, str]()  # the first of each content that is no labelled picture
    for id, classified_by, content in corrected_to(services.index, label, services.hidden_ids):
        if content not in contents and projects.pictures_of(classified_by) == project.pictures_in:
            uploads.setdefault(content, id)
    found = [
        WithLabel(one.sha256, one.source or one.sha256[:NAMELESS], one.labels) for one in labelled[start : start + most]
    ]
    first = max(0, start - len(labelled))
    for id in list(uploads.values())[first : first + most - len(found)]:
        if (one := services.index.get(id)) is not None:
            labels = one.labels or ((one.label,) if one.label else ())
            found.append(WithLabel(one.id, one.name, labels, one))
    return found, len(labelled) + len(uploads)
