"""Takes a project of Custom Vision over: its tags, all its pictures byte for byte, and what the service claimed.

Begun again, it goes on where it was stopped: a picture that is here, by its id there, is not fetched again. What was
changed there meanwhile comes too.
"""

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import msgspec

from imagestore.errors import Conflict, NotALabel, RemoteError, SettingsError
from imagestore.jobs.job import Counted
from imagestore.pipeline.labelling.correct import checked_label
from imagestore.store import Stores
from imagestore.store.custom_vision import Claim, CustomVisionFile, Tag, TagClaim
from imagestore.store.projects import LabelsPerPicture, Project, ProjectState
from imagestore.store.training import PictureFacts, TrainingPictures
from model.custom_vision.bring import Bringer, Brought
from model.custom_vision.origin import (
    NEGATIVE,
    cut_from,
    facts_of,
    key_of,
    named,
    region_tags,
    tags_by_id,
    what_is_here,
)
from model.custom_vision.publishing import names_of
from model.custom_vision.regions import Cutter
from model.custom_vision.service import CustomVision, RemoteImage, RemoteIteration, RemoteProject, RemoteTag
from model.progress import BeginStage
from preprocess import Decoder, Limits

MOST_REFUSED = 100
"""After so many pictures in a row that cannot be fetched none is asked for any more."""
_AT_ONCE = 8
_BATCH = 64
_NAMED = 10


@dataclass
class _Seen:
    """What has been seen there: ids of pictures, keys of regions; and what became of the pictures."""

    ids: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)
    region_count: int = 0
    brought: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    refused_in_a_row: int = 0

    def add(self, image: RemoteImage, done: Brought) -> None:
        if done.is_there:
            self.ids.add(image.id)
            self.regions.update(key_of(image, one) for one in image.regions or ())
            self.region_count += len(image.regions or ())
        self.brought.update(
            new=done.new, same=done.same, changed=done.changed, damaged=done.damaged, strange=bool(done.strange),
            cut=done.cut.done, left_out=done.cut.left_out,
        )  # fmt: skip
        self.refused_in_a_row = self.refused_in_a_row + 1 if done.refused else 0
        if done.refused:
            self.refused.append(done.refused)
        if self.refused_in_a_row >= MOST_REFUSED:
            raise RemoteError(f"{MOST_REFUSED} pictures in a row cannot be fetched. {done.refused}")


@dataclass(frozen=True)
class TakenOver:
    """What came of it: the project here, the counts on both sides, how many pictures came now, and what else to know.

    `same` are pictures there whose content another has too; here each content is kept once. `published` are the names
    under which iterations are published there.
    """

    project: Project
    new: int
    same: int
    rows: list[Counted]
    notes: list[str]
    published: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the counts are the same on both sides."""
        return all(row.there == row.here for row in self.rows)

    def sentence(self) -> str:
        """What came, and whether the counts agree."""
        came = f"{self.new:,} pictures came now." + (
            f" {self.same:,} have the content of another." if self.same else ""
        )
        if self.agrees:
            return f"{came} The counts agree."
        return f"{came} The counts do not agree: something changed there meanwhile, or is missing. Import it again."


def take_over(
    stores: Stores,
    source: CustomVision,
    wanted: str,
    by: str,
    begin: BeginStage,
    limits: Limits | None = None,
    *,
    crop_regions: bool = False,
    demand: Callable[[], None] = lambda: None,
) -> TakenOver:
    """Bring a project over. With `crop_regions`, each region of a picture becomes a labelled picture of its own.
    `demand` is called before every few pictures, and what it raises, since they are no longer wanted, is passed on.

    Raises RemoteError, NotFound, SettingsError, Conflict, BadSplit, NotMigrated, DecoderFailed or Unavailable.
    """
    limits, remote = limits or Limits(), source.project(wanted)
    is_detection = source.is_detection(remote)
    if is_detection and not crop_regions:
        raise SettingsError(
            f"'{remote.name}' detects objects, which is not offered here: pictures are classified. With --crop-regions "
            "each region becomes a picture of its own, labelled with its tag."
        )
    tags = source.tags(remote)
    _demand_labels(tags)
    project = _project_for(stores, remote, by, is_detection=is_detection)
    tags, renamed = _keep_tags(stores, project, tags)
    pictures, by_id = TrainingPictures(stores.training, project.pictures_in), {tag.id: tag for tag in tags}
    pictures.demand_migrated(lambda: stores.projects.gone())
    pictures.begin()
    here = what_is_here(pictures, begin, renamed)
    has_one = project.labels_per_picture is LabelsPerPicture.ONE
    negatives = None if is_detection else {tag.name for tag in tags if tag.type == NEGATIVE}
    total, seen = source.count(remote, "tagged") + source.count(remote, "untagged"), _Seen()
    with contextlib.closing(Decoder(os.cpu_count() or 1)) as decoder:
        cutter = (
            Cutter(pictures, by_id, here.cut, decoder, limits, has_one_label=has_one, renamed=renamed)
            if crop_regions
            else None
        )
        bringer = Bringer(source, remote, pictures, by_id, here, negatives, decoder, limits, cutter, renamed)
        _bring_all(bringer, source, remote, seen, begin, total, demand)
    iterations = [] if is_detection else source.iterations(remote)
    unread = [] if is_detection else _keep_claims(stores, source, remote, project, iterations)
    names = _Names(by_id, renamed, negatives)
    rows, counts = _compared(source, remote, pictures, seen, names, crop_regions=crop_regions)
    notes = _notes(seen, here.pictures, counts, has_one=has_one) + unread
    return TakenOver(project, seen.brought["new"], seen.brought["same"], rows, notes, names_of(iterations))


def _bring_all(
    bringer: Bringer,
    source: CustomVision,
    remote: RemoteProject,
    seen: _Seen,
    begin: BeginStage,
    total: int,
    demand: Callable[[], None],
) -> None:
    step = begin("Pictures", total)
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        images = itertools.chain(source.images(remote, "tagged"), source.images(remote, "untagged"))
        while batch := list(itertools.islice(images, _BATCH)):
            demand()
            for image, done in zip(batch, pool.map(bringer.bring, batch), strict=True):
                seen.add(image, done)
                step()
    finally:
        pool.shutdown(cancel_futures=True)


def _demand_labels(tags: list[RemoteTag]) -> None:
    for tag in tags:
        try:
            is_same = checked_label(tag.name) == tag.name
        except NotALabel as error:
            raise SettingsError(f"The tag '{tag.name[:80]}' cannot be a label here. {error} Rename it there.") from None
        if not is_same:
            raise SettingsError(f"The tag '{tag.name[:80]}' has spaces at an end. Rename it there.")


def _project_for(stores: Stores, remote: RemoteProject, by: str, *, is_detection: bool) -> Project:
    """The project here that is to be the same, by its id; begun unless it is there."""
    has_one = is_detection or remote.settings.classification_type == "Multiclass"
    kind, id = LabelsPerPicture.ONE if has_one else LabelsPerPicture.SEVERAL, remote.id.lower()
    for title in (remote.name, f"{remote.name[:60]} ({id[:8]})"):
        for one in stores.projects.list():
            if one.id == id:
                if one.state is not ProjectState.OPEN:
                    raise Conflict(f"It is here, and deleted: imagestore projects undelete {one.name} brings it back.")
                return one
        with contextlib.suppress(Conflict):  # another is called so, or it was begun this moment
            return stores.projects.create(title, by, kind, id)
    raise Conflict(f"There are other projects called '{remote.name}' here: rename one.")


def _keep_tags(stores: Stores, project: Project, tags: list[RemoteTag]) -> tuple[list[RemoteTag], dict[str, str]]:
    """Keep the tags. One that was renamed here since it came keeps its name.

    Returns them with the names that they have here, and the present names of those that were renamed here.
    """
    ids, taken = {tag.id.lower() for tag in tags}, {tag.name for tag in tags}

    def kept(tag: RemoteTag, before: Tag | None) -> Tag:
        if before is None:
            return Tag(tag.id.lower(), tag.name, tag.description, tag.type)
        is_renamed = tag.name in before.former and before.name not in taken
        name = before.name if is_renamed else tag.name
        former = tuple(one for one in before.former if one != name)
        return Tag(before.id, name, before.description or tag.description, tag.type, former)

    def changed(file: CustomVisionFile) -> CustomVisionFile:
        before = {tag.id: tag for tag in file.tags}
        others = (tag for tag in file.tags if tag.id not in ids)
        return replace(file, tags=(*others, *(kept(tag, before.get(tag.id.lower())) for tag in tags)))

    here = {tag.id: tag for tag in stores.custom_vision.change(project.name, changed).tags}
    names = {tag.id: here[tag.id.lower()].name for tag in tags}
    present = set(names.values())
    renamed = {
        former: names[tag.id]
        for tag in tags
        if names[tag.id] != tag.name
        for former in here[tag.id.lower()].former
        if former not in present
    }
    return [msgspec.structs.replace(tag, name=names[tag.id]) for tag in tags], renamed


def _keep_claims(
    stores: Stores, source: CustomVision, remote: RemoteProject, project: Project, iterations: Sequence[RemoteIteration]
) -> list[str]:
    """Keep what the service claimed of each iteration. Returns which claims could not be read; of
    these, what is known stays."""
    claims, unread, missed = [], [], set[str]()
    for one in iterations:
        try:
            found = source.performance(remote, one) if one.status == "Completed" else None
        except RemoteError as error:
            unread.append(f"What was claimed of '{one.name}' could not be read. {error}")
            missed.add(one.name)
            continue
        if found is not None:
            each = tuple(
                TagClaim(tag.name, tag.precision, tag.recall, tag.average_precision)
                for tag in found.per_tag_performance or ()
            )
            claims.append(Claim(one.name, one.created, found.precision, found.recall, found.average_precision, each))

    def kept(file: CustomVisionFile) -> CustomVisionFile:
        every = [*(claim for claim in file.claims if claim.name in missed), *claims]
        return replace(file, claims=tuple(sorted(every, key=lambda claim: claim.created or "")))

    stores.custom_vision.change(project.name, kept)
    return unread


@dataclass(frozen=True)
class _Names:
    """The tags as they are named here, by id; the present names of those that were renamed here; and which are negative
    (None: tags are no labels)."""

    tags: Mapping[str, RemoteTag]
    renamed: Mapping[str, str]
    negatives: Collection[str] | None

    def of(self, tag: RemoteTag) -> str:
        return self.tags.get(tag.id, tag).name

    def is_held(self, name: str, facts: PictureFacts) -> bool:
        if self.negatives is None:
            return True
        return facts.negative if name in self.negatives else name in facts.labels


def _compared(
    source: CustomVision,
    remote: RemoteProject,
    pictures: TrainingPictures,
    seen: _Seen,
    names: _Names,
    *,
    crop_regions: bool,
) -> tuple[list[Counted], Counter[str]]:
    """The counts on both sides, and how many pictures somebody has labelled `otherwise` here, which count as they came,
    and what was cut out of regions of `several` tags.

    Here, a content that several pictures had there counts as often as there.
    """
    counts: Counter[str] = Counter()
    for facts in facts_of(pictures, [one.sha256 for one in pictures.list() if one.is_there]):
        for id, came_with in tags_by_id(facts, names.renamed).items():
            if id not in seen.ids:
                continue
            counts["tagged" if came_with else "untagged"] += 1
            counts.update(f"tag {name}" for name in came_with)
            counts["otherwise"] += not all(names.is_held(name, facts) for name in came_with)
        counts["regions"] += len(facts.regions) if seen.ids.intersection(tags_by_id(facts)) else 0
        counts["several"] += len(named(region_tags(facts, names.renamed))) > 1
        counts["cut"] += len(seen.regions.intersection(cut_from(facts)))
    rows = [
        Counted("tagged pictures", source.count(remote, "tagged"), counts["tagged"]),
        Counted("untagged pictures", source.count(remote, "untagged"), counts["untagged"]),
    ]
    if seen.regions:
        rows.append(Counted("regions", seen.region_count, counts["regions"]))
    if crop_regions:
        rows.append(Counted("regions cut out", len(seen.regions) - seen.brought["left_out"], counts["cut"]))
    tags = sorted((names.of(tag), tag.image_count) for tag in source.tags(remote))
    rows += [Counted(f"with '{name}'", there, counts[f"tag {name}"]) for name, there in tags]
    return rows, counts


def _notes(seen: _Seen, before: Collection[str], counts: Counter[str], *, has_one: bool) -> list[str]:
    """What a person has to know besides the counts."""
    brought = seen.brought
    notes = seen.refused[:_NAMED]
    if len(seen.refused) > _NAMED:
        notes.append(f"… and {len(seen.refused) - _NAMED:,} more cannot be fetched.")
    if gone := len(set(before) - seen.ids):
        notes.append(f"{gone:,} that came before are no longer there. They stay here, and are not counted.")
    for count, said in (
        (brought["changed"], "came before and have other tags or regions there now, which they have here too."),
        (counts["otherwise"], "were labelled otherwise here, which stays; they are counted as they came."),
        (
            has_one and counts["several"],
            "that were cut out have several tags there, which exclude each other: no label.",
        ),
        (brought["strange"], "have tags there that the project does not list, and came without these."),
        (brought["damaged"], "can be read there only in part, and are here as they are there."),
        (brought["left_out"], "regions are too small, outside of their picture, or of no tag, and were not cut out."),
    ):
        if count:
            notes.append(f"{count:,} {said}")
    return notes
