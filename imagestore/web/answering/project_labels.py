"""The labels of a project as pages and API show them: how many pictures have each, and which."""

from collections import Counter
from dataclasses import dataclass

from imagestore.pipeline.labelled import UsedLabel, used_labels
from imagestore.pipeline.relabel import NAMELESS
from imagestore.record import Record
from imagestore.store.projects import Project
from imagestore.web.answering.training import listed
from imagestore.web.index.counting import corrected_labels, corrected_to
from imagestore.web.services import Services


@dataclass(frozen=True)
class WithLabel:
    """A picture that people have given a label: an upload, with its `record`, or a labelled picture of the project."""

    id: str
    name: str
    labels: tuple[str, ...]
    record: Record | None = None


def labels_of(services: Services, project: Project) -> list[UsedLabel]:
    """The labels that people have given in a project, the most given first. Raises NotMigrated, Unavailable."""
    projects, corrections = services.stores.projects.read(), Counter[str]()
    for classified_by, label, count in corrected_labels(services.index, services.hidden_ids):
        if projects.pictures_of(classified_by) == project.pictures_in:
            corrections[label] += count
    return used_labels(listed(services, project).tally, corrections)


def with_label(services: Services, project: Project, label: str, start: int, most: int) -> tuple[list[WithLabel], int]:
    """Some of the pictures with a label, and how many there are: labelled ones by name, then uploads by name.

    Raises NotMigrated, Unavailable.
    """
    projects = services.stores.projects.read()
    labelled = sorted(
        (one for one in listed(services, project) if label in one.labels), key=lambda one: (one.source, one.sha256)
    )
    uploads = [
        id
        for id, classified_by in corrected_to(services.index, label, services.hidden_ids)
        if projects.pictures_of(classified_by) == project.pictures_in
    ]
    found = [
        WithLabel(one.sha256, one.source or one.sha256[:NAMELESS], one.labels) for one in labelled[start : start + most]
    ]
    first = max(0, start - len(labelled))
    records = map(services.index.get, uploads[first : first + most - len(found)])
    found += [
        WithLabel(one.id, one.name, one.labels or ((one.label,) if one.label else ()), one)
        for one in records
        if one is not None
    ]
    return found, len(labelled) + len(uploads)
