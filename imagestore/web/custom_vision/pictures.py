"""The pictures of a project that are learned from, as Custom Vision's clients know them.

A picture's id is a UUID made of the first half of its SHA-256.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.custom_vision import NEGATIVE, CustomVisionFile, Tag
from imagestore.store.projects import LabelsPerPicture, Project
from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures, at_once
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.labels import Tags, derived_negative, tags_in
from imagestore.web.index.picture_lists import PictureLists
from imagestore.web.services import Services


@dataclass(frozen=True)
class Pictures:
    """A project's pictures and tags as they are now. Who only adds some does not list the others. Methods raise
    Unavailable."""

    stores: Stores
    project: Project
    file: CustomVisionFile
    lists: PictureLists
    is_fresh: bool = False

    @cached_property
    def listed(self) -> list[ListedPicture]:
        """All pictures, the newest first. Raises NotMigrated."""
        return self.lists.get(self.training, fresh=self.is_fresh)

    @cached_property
    def tags(self) -> Tags:
        """All tags: those that clients have begun, and the other labels that pictures have."""
        labels = sorted({label for one in self.listed for label in one.labels})
        return tags_in(self.file, self.project, labels, has_negatives=any(one.negative for one in self.listed))

    @cached_property
    def begun_tags(self) -> Tags:
        """The tags that clients have begun."""
        return tags_in(self.file, self.project)

    @cached_property
    def is_begun(self) -> bool:
        """True: the folder is one of today's form from now on, if it was not."""
        self.training.begin()
        return True

    @property
    def training(self) -> TrainingPictures:
        """Where they are kept."""
        return TrainingPictures(self.stores.training, self.project.pictures_in)

    def tag(self, id: str) -> Tag:
        """The tag with this id. Raises ApiProblem 404."""
        found = self.begun_tags.with_id(id) or self.tags.with_id(id)
        if found is None:
            raise refused("NotFoundTag", f"There is no tag {id[:40]} in '{self.project.title}'.", 404)
        return found

    def tags_of(self, picture: ListedPicture | PictureFacts) -> list[Tag]:
        """The tags of a picture."""
        if picture.negative:
            return [self.begun_tags.negative or derived_negative(self.project)]
        return list({tag.id: tag for tag in map(self.begun_tags.named, picture.labels)}.values())

    def with_tag(self, tag: Tag) -> list[str]:
        """The SHA-256 of the pictures that have this tag."""
        if tag.type == NEGATIVE:
            return [one.sha256 for one in self.listed if one.negative]
        names = self.tags.names_of(tag)
        return [one.sha256 for one in self.listed if not names.isdisjoint(one.labels)]

    def facts(self, sha256s: Sequence[str]) -> list[PictureFacts]:
        """What is known of these pictures."""
        found = at_once(self.training.facts, sha256s)
        return [PictureFacts() if one is None else one[0] for one in found]

    def sha256_of(self, id: str) -> str:
        """The picture with this id. Raises ApiProblem 404."""
        sha256 = self.training.beginning_with(digits_of(id))
        if sha256 is None or not self.has(sha256):
            raise refused("NotFoundImage", f"There is no picture {id[:40]} in '{self.project.title}'.", 404)
        return sha256

    def beginning_with(self, digits: Sequence[str]) -> list[str]:
        """The pictures that are there whose SHA-256 begin with these."""
        found = at_once(self.training.beginning_with, digits)
        return [sha256 for sha256 in found if sha256 is not None and self.has(sha256)]

    def has(self, sha256: str) -> bool:
        """Whether this picture is there now, whatever another process did a moment ago."""
        return self.training.has(sha256)

    def demand_own(self) -> None:
        """Raises ApiProblem 400 if the project learns from the pictures of another, which are not its own to change."""
        if self.project.shares is not None:
            raise refused(
                "BadRequestWorkspaceCannotBeModified",
                f"'{self.project.title}' learns from the pictures of '{self.project.shares}': change them there.",
            )

    def add_tags(self, sha256: str, tags: Sequence[Tag], sent: PictureFacts | None = None) -> None:
        """Give a picture these tags beside those that it has, and the regions and metadata of one that was `sent`
        again. Raises ApiProblem 400 where it cannot have all the tags."""
        self.demand_own()
        with self._changing([sha256]):
            self.training.change(
                sha256, lambda facts: self.tagged(facts if sent is None else _joined(facts, sent), tags)
            )

    def tagged(self, facts: PictureFacts, tags: Sequence[Tag]) -> PictureFacts:
        """The facts with these tags added. Raises ApiProblem 400 where there cannot be all of them."""
        labels = dict.fromkeys([*facts.labels, *(tag.name for tag in tags if tag.type != NEGATIVE)])
        negative = facts.negative or any(tag.type == NEGATIVE for tag in tags)
        if negative and labels:
            raise refused(
                "BadRequestNegativeAndRegularTagOnSameImage", "A picture with the negative tag can have no other."
            )
        if self.project.labels_per_picture is LabelsPerPicture.ONE and len(labels) > 1:
            raise refused("BadRequestImageTags", "A picture of this project can have one tag.")
        return replace(facts, labels=tuple(labels), negative=negative, said_by=None)

    def untag(self, sha256s: Iterable[str], tags: Sequence[Tag]) -> None:
        """Take these tags from these pictures."""
        self.demand_own()
        names = {name for tag in tags if tag.type != NEGATIVE for name in self.tags.names_of(tag)}
        is_negative = any(tag.type == NEGATIVE for tag in tags)

        def without(facts: PictureFacts) -> PictureFacts:
            labels = tuple(label for label in facts.labels if label not in names)
            return replace(facts, labels=labels, negative=facts.negative and not is_negative)

        with self._changing(found := list(sha256s)):
            at_once(lambda sha256: self.training.change(sha256, without), found)

    def rename(self, tag: Tag, name: str) -> None:
        """Give every picture with this tag the other label instead. Begun again, it goes on where it was stopped."""
        self.demand_own()
        names = self.tags.names_of(tag)

        def renamed(facts: PictureFacts) -> PictureFacts:
            labels = dict.fromkeys(name if one in names else one for one in facts.labels)
            return replace(facts, labels=tuple(labels))

        with self._changing(found := self.with_tag(tag)):
            at_once(lambda sha256: self.training.change(sha256, renamed), found)

    def put(self, sha256: str, data: bytes, sent: PictureFacts, tags: Sequence[Tag], looked_at: str) -> None:
        """Keep a picture, which was not there at a moment before (UTC). What is known of it from earlier stays, but for
        its labels; if another instance has put it in since, it has the tags of both.

        Raises ApiProblem 400 where it cannot have them all.
        """
        self.demand_own()

        def kept(before: PictureFacts) -> PictureFacts:
            if (before.created_at or "") >= looked_at:
                return self.tagged(_joined(before, sent), tags)
            known = replace(
                before,
                labels=(),
                negative=False,
                source=sent.source,
                md5=sent.md5,
                regions=sent.regions,
                metadata={**before.metadata, **sent.metadata},
                created_at=utc(),
                width=sent.width,
                height=sent.height,
                said_by=None,
            )
            return self.tagged(known, tags)

        assert self.is_begun
        with self._changing([sha256]):
            self.training.change(sha256, kept, is_new=True)
            self.training.put_picture(sha256, data)

    def remove(self, sha256s: Sequence[str]) -> None:
        """Delete pictures."""
        self.demand_own()
        with self._changing(sha256s):
            at_once(self.training.remove_picture, sha256s)

    @contextmanager
    def _changing(self, sha256s: Collection[str]) -> Iterator[None]:
        """A `with` block that changes these pictures, or some of them if it fails."""
        try:
            yield
        finally:
            self.lists.changed(self.project.pictures_in, sha256s)


def pictures_of(services: Services, project: Project, *, fresh: bool = False) -> Pictures:
    """A project's pictures and tags; with `fresh`, also what another process changed a moment ago.

    Raises NotMigrated, Unavailable.
    """
    lists = services.picture_lists
    training = TrainingPictures(services.stores.training, project.pictures_in)
    lists.demand_migrated(training, services.stores.projects.gone)
    return Pictures(services.stores, project, services.stores.custom_vision.read(project.name), lists, fresh)


def _joined(facts: PictureFacts, sent: PictureFacts) -> PictureFacts:
    """What is known of a picture, with the regions and metadata of the same picture that was sent again."""
    regions = (*facts.regions, *(one for one in sent.regions if one not in facts.regions))
    return replace(facts, regions=regions, metadata={**facts.metadata, **sent.metadata})


def image_id(sha256: str) -> str:
    """The UUID of a picture."""
    return str(uuid.UUID(sha256[:32]))


def digits_of(id: str) -> str:
    """The hex digits with which the SHA-256 of the picture with this UUID begins. Raises ApiProblem 400."""
    try:
        return uuid.UUID(id).hex
    except ValueError:
        raise refused("BadRequestInvalidIds", f"'{id[:40]}' is no UUID.") from None
