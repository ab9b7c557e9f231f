"""The tags of a project: its labels, and those that have no picture yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from imagestore.store.custom_vision import NEGATIVE, CustomVisionFile, Tag, derived, derived_tag
from imagestore.store.projects import Project


@dataclass(frozen=True)
class Tags:
    """A project's tags by name. `negative` is the one of pictures that show none of the others, if there is one."""

    project: Project
    by_name: dict[str, Tag]

    @cached_property
    def negative(self) -> Tag | None:
        """The tag of pictures that show none of the others."""
        return next((tag for tag in self.by_name.values() if tag.type == NEGATIVE), None)

    def named(self, name: str) -> Tag:
        """The tag of this label."""
        return self.by_name.get(name) or self._by_former.get(name) or derived_tag(self.project.name, name)

    def names_of(self, tag: Tag) -> set[str]:
        """The labels that are this tag: its name, and those that it had and no other tag has."""
        return {tag.name, *(name for name in tag.former if self.named(name).id == tag.id)}

    @cached_property
    def _by_former(self) -> dict[str, Tag]:
        return {name: tag for tag in self.by_name.values() for name in tag.former}

    def with_id(self, id: str) -> Tag | None:
        """The tag with this id."""
        return next((tag for tag in self.by_name.values() if tag.id == id.lower()), None)


def tags_in(
    file: CustomVisionFile, project: Project, labels: Iterable[str] = (), *, has_negatives: bool = False
) -> Tags:
    """The tags of a project with this file, of which pictures have these labels."""
    written = file.tags
    found = {tag.name: tag for tag in written}
    former = {name for tag in written for name in tag.former}
    for label in labels:
        if label not in former:
            found.setdefault(label, derived_tag(project.name, label))
    if has_negatives and Tags(project, found).negative is None:
        found[NEGATIVE] = derived_negative(project)
    return Tags(project, found)


def derived_negative(project: Project) -> Tag:
    """The negative tag of a project in which no client has begun one."""
    return Tag(derived("tag", project.name, "", NEGATIVE), NEGATIVE, type=NEGATIVE)
