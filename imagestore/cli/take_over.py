"""Takes a project of Custom Vision over: its tags, all its pictures byte for byte, and what the service claimed.

Begun again, it goes on where it was stopped: a picture that is here, by its id there, is not fetched again.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from imagestore.client.custom_vision import CustomVision, RemoteImage, RemoteProject, RemoteTag
from imagestore.errors import Conflict, NotALabel, SettingsError
from imagestore.pipeline.correct import checked_label
from imagestore.store import Stores
from imagestore.store.custom_vision import Claim, Tag
from imagestore.store.projects import LabelsPerPicture, Project, ProjectState
from imagestore.store.training import PictureFacts, TrainingPictures, at_once

ID_THERE = "custom_vision_id"
"""Under this word the metadata of a picture have its ids there, separated by commas: a content may have several."""
_AT_ONCE = 8
_BATCH = 64
Begin = Callable[[str, int], Callable[[], None]]


@dataclass(frozen=True)
class Row:
    """How many of something there are there and here."""

    what: str
    there: int
    here: int


@dataclass(frozen=True)
class TakenOver:
    """What came of it: the project here, how many pictures came now, and the counts on both sides.

    `same` are pictures there whose content another has too; here each content is kept once.
    """

    project: Project
    new: int
    same: int
    rows: list[Row]

    @property
    def agrees(self) -> bool:
        """Whether the counts are the same on both sides."""
        return all(row.there == row.here for row in self.rows)


def take_over(stores: Stores, source: CustomVision, wanted: str, by: str, begin: Begin) -> TakenOver:
    """Bring a project over. Raises RemoteError, NotFound, SettingsError, Conflict or Unavailable."""
    remote = source.project(wanted)
    if source.is_detection(remote):
        raise SettingsError(f"'{remote.name}' detects objects, which is not offered here: pictures are classified.")
    tags = source.tags(remote)
    _demand_labels(tags)
    project = _project_for(stores, remote, by)
    _keep_tags(stores, project, tags)
    pictures = TrainingPictures(stores.training, project.pictures_in)
    pictures.begin()
    total = source.count(remote, "tagged") + source.count(remote, "untagged")
    known = _known(pictures, begin)
    importer = _Importer(source, remote, pictures, {tag.id: tag for tag in tags}, known)
    step, seen = begin("Pictures", total), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        images = itertools.chain(source.images(remote, "tagged"), source.images(remote, "untagged"))
        for batch in _batches(images, _BATCH):
            for _ in pool.map(importer.bring, batch):
                seen += 1
                step()
    _keep_claims(stores, source, remote, project)
    return TakenOver(project, importer.new, importer.same, _compared(source, remote, tags, pictures))


class _Importer:
    """Brings pictures, several at a time; two of the same content are one."""

    def __init__(
        self, source: CustomVision, remote: RemoteProject, pictures: TrainingPictures, tags: dict[str, RemoteTag],
        known: set[str],
    ) -> None:  # fmt: skip
        self._source = source
        self._remote = remote
        self._pictures = pictures
        self._tags = tags
        self._known = known
        self.new = self.same = 0

    def bring(self, image: RemoteImage) -> None:
        if image.id in self._known:
            return
        data = self._source.content(self._remote, image)
        if data is None:
            return  # deleted there since it was listed
        labels = [self._tags[one.tag_id] for one in image.tags or () if one.tag_id in self._tags]
        sha256 = hashlib.sha256(data).hexdigest()
        was_there = False

        def kept(facts: PictureFacts) -> PictureFacts:
            nonlocal was_there
            ids = dict.fromkeys([*filter(None, facts.metadata.get(ID_THERE, "").split(",")), image.id])
            was_there = len(ids) > 1
            regular = [tag.name for tag in labels if tag.type != "Negative"]
            return replace(
                facts,
                labels=tuple(dict.fromkeys([*facts.labels, *regular])),
                negative=facts.negative or any(tag.type == "Negative" for tag in labels),
                source=facts.source or f"{self._remote.name}/{image.id}",
                md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
                created_at=facts.created_at or image.created,
                width=image.width,
                height=image.height,
                regions=tuple(image.regions or ()),
                metadata={**facts.metadata, **(image.metadata or {}), ID_THERE: ",".join(ids)},
            )

        self._pictures.change(sha256, kept)
        self._pictures.put_picture(sha256, data)
        self.same += was_there
        self.new += not was_there


def _known(pictures: TrainingPictures, begin: Begin) -> set[str]:
    """The ids there of the pictures that are here."""
    there = [one.sha256 for one in pictures.list() if one.is_there]
    step = begin("What is here", len(there)) if there else (lambda: None)
    found = at_once(pictures.facts, there, step)
    said = (facts[0].metadata.get(ID_THERE, "") for facts in found if facts is not None)
    return {id for ids in said for id in ids.split(",") if id}


def _demand_labels(tags: list[RemoteTag]) -> None:
    for tag in tags:
        try:
            is_same = checked_label(tag.name) == tag.name
        except NotALabel as error:
            raise SettingsError(f"The tag '{tag.name[:80]}' cannot be a label here. {error} Rename it there.") from None
        if not is_same:
            raise SettingsError(f"The tag '{tag.name[:80]}' has spaces at an end. Rename it there.")


def _project_for(stores: Stores, remote: RemoteProject, by: str) -> Project:
    """The project here that is to be the same, by its id; begun unless it is there."""
    for one in stores.projects.list():
        if one.id == remote.id.lower():
            if one.state is not ProjectState.OPEN:
                raise Conflict(f"It is here, and deleted: imagestore projects undelete {one.name} brings it back.")
            return one
    several = remote.settings.classification_type != "Multiclass"
    kind = LabelsPerPicture.SEVERAL if several else LabelsPerPicture.ONE
    try:
        made = stores.projects.create(remote.name, by, kind)
    except Conflict:
        made = stores.projects.create(f"{remote.name[:60]} ({remote.id[:8]})", by, kind)
    return stores.projects.change(made.name, lambda one, _: replace(one, id=remote.id.lower()))


def _keep_tags(stores: Stores, project: Project, tags: list[RemoteTag]) -> None:
    kept = tuple(Tag(tag.id.lower(), tag.name, tag.description, tag.type) for tag in tags)
    ids = {tag.id for tag in kept}
    stores.custom_vision.change(
        project.name, lambda file: replace(file, tags=(*(tag for tag in file.tags if tag.id not in ids), *kept))
    )


def _keep_claims(stores: Stores, source: CustomVision, remote: RemoteProject, project: Project) -> None:
    claims = []
    for one in source.iterations(remote):
        found = source.performance(remote, one) if one.status == "Completed" else None
        if found is not None:
            claims.append(Claim(one.name, one.created, found.precision, found.recall, found.average_precision))
    stores.custom_vision.change(project.name, lambda file: replace(file, claims=tuple(claims)))


def _compared(
    source: CustomVision, remote: RemoteProject, tags: list[RemoteTag], pictures: TrainingPictures
) -> list[Row]:
    """The counts on both sides; here, a content that several pictures had there counts as often as there."""
    facts = at_once(pictures.facts, [one.sha256 for one in pictures.list() if one.is_there])
    counts: Counter[str] = Counter()
    for found in facts:
        if found is None:
            continue
        one = found[0]
        times = len([id for id in one.metadata.get(ID_THERE, "").split(",") if id])
        counts["tagged" if one.labels or one.negative else "untagged"] += times
        counts["regions"] += len(one.regions)
        for label in one.labels:
            counts[f"tag {label}"] += times
        counts["negative"] += times * one.negative
    rows = [
        Row("tagged pictures", source.count(remote, "tagged"), counts["tagged"]),
        Row("untagged pictures", source.count(remote, "untagged"), counts["untagged"]),
    ]
    for tag in sorted(tags, key=lambda tag: tag.name):
        here = counts["negative"] if tag.type == "Negative" else counts[f"tag {tag.name}"]
        rows.append(Row(f"with '{tag.name}'", tag.image_count, here))
    return rows


def _batches(images: Iterator[RemoteImage], size: int) -> Iterator[list[RemoteImage]]:
    while batch := list(itertools.islice(images, size)):
        yield batch
