"""The labels of a project as pages and API show them: how many pictures have each, and which."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from imagestore.pipeline.labelled import UsedLabel, used_labels
from imagestore.pipeline.relabel import NAMELESS
from imagestore.record import Record
from imagestore.store.projects import Project
from imagestore.store.training import ListedPicture, TrainingPictures
from imagestore.web.index import Index
from imagestore.web.services import Services

_SAID = "status != 'deleted' AND corrected = 1 AND id NOT IN (SELECT value FROM json_each(?))"


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
    for classified_by, label, count in _corrections(services.index, services.hidden_ids):
        if projects.pictures_of(classified_by) == project.pictures_in:
            corrections[label] += count
    return used_labels(listed(services, project), corrections)


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
        for id, classified_by in _corrected_to(services.index, label, services.hidden_ids)
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


def listed(services: Services, project: Project) -> list[ListedPicture]:
    """The labelled pictures of a project that are there, as they were at most some seconds ago.

    Raises NotMigrated, Unavailable.
    """
    pictures = TrainingPictures(services.stores.training, project.pictures_in)
    services.picture_lists.demand_migrated(pictures, services.stores.projects.gone)
    return services.picture_lists.get(pictures)


def _corrections(index: Index, hidden: Sequence[str]) -> list[tuple[str | None, str, int]]:
    """(project, label, how many pictures) of all that people have said."""
    query = (
        f"SELECT project, label, COUNT(*) FROM pictures WHERE {_SAID} AND label IS NOT NULL GROUP BY project, label "
        "UNION ALL SELECT project, more_labels.label, COUNT(*) FROM pictures JOIN more_labels USING (id) "
        f"WHERE {_SAID} GROUP BY project, more_labels.label"
    )
    return [(project, label, int(count)) for project, label, count in index.query(query, [_ids(hidden)] * 2)]


def _corrected_to(index: Index, label: str, hidden: Sequence[str]) -> list[tuple[str, str | None]]:
    """(id, project) of the pictures that people have given this label, by name."""
    query = (
        f"SELECT id, project, name FROM pictures WHERE {_SAID} AND label = ? "
        f"UNION ALL SELECT id, project, name FROM pictures WHERE {_SAID} "
        "AND id IN (SELECT id FROM more_labels WHERE label = ?) ORDER BY name, id"
    )
    values = [_ids(hidden), label] * 2
    return [(id, project) for id, project, _ in index.query(query, values)]


def _ids(hidden: Sequence[str]) -> str:
    return msgspec.json.encode(hidden).decode()
