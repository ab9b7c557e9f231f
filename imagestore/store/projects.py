"""The projects: `projects.json` in the container `models`.

A project's name is part of blob names (`models/<name>/…`, `training/<name>/…`), of routes and of records, so it never
changes and is never given to another project. What people call the project, its title, can change. The first project,
`mine`, is there without having been created. So is one whose versions were trained before there were projects: it
learns from the pictures of `mine`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from imagestore.errors import Conflict, NotAProject, NotFound
from imagestore.record import is_utf8, utc
from imagestore.store.blobs import Blobs
from imagestore.store.guarded import GuardedJson
from imagestore.store.models import Models, demand_name
from imagestore.store.training import MINE
from imagestore.text import LINE

PROJECTS = "projects.json"
LONGEST_TITLE = 100
MOST_PROJECTS = 1000
PUBLISHED = "^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,63}$"
"""The name under which a version is published: it is part of addresses."""


class LabelsPerPicture(StrEnum):
    """Whether the labels of a project exclude each other, or several may hold for one picture."""

    ONE = "one"
    SEVERAL = "several"


class ProjectState(StrEnum):
    """The state of a project. One that is `purged` is gone for good: only its name is kept, since records have it."""

    OPEN = "open"
    DELETED = "deleted"
    PURGED = "purged"


@dataclass(frozen=True)
class Change:
    """When (UTC) something was done to a project, and by which account."""

    at: str
    by: str


@dataclass(frozen=True)
class Project:
    """A project. `shares` names the project whose labelled pictures it learns from, null if it has its own. `published`
    are versions that programs ask for by a name. `id` is the UUID that it had elsewhere, null if it began here.
    """

    name: str
    title: str
    labels_per_picture: LabelsPerPicture = LabelsPerPicture.ONE
    created: Change | None = None
    deleted: Change | None = None
    is_purged: bool = False
    shares: str | None = None
    published: dict[str, str] = field(default_factory=dict)
    id: str | None = None

    @property
    def pictures_in(self) -> str:
        """The folder of its labelled pictures in the container `training`."""
        return self.shares or self.name

    @property
    def has_several(self) -> bool:
        """Whether several labels may hold for one of its pictures."""
        return self.labels_per_picture is LabelsPerPicture.SEVERAL

    @property
    def state(self) -> ProjectState:
        """Whether it can be used."""
        if self.is_purged:
            return ProjectState.PURGED
        return ProjectState.OPEN if self.deleted is None else ProjectState.DELETED


FIRST = Project(MINE, MINE)
"""The first project, as long as nothing is written of it."""


@dataclass(frozen=True)
class ProjectSummary:
    """A project as people see it: its versions, the oldest first, which of them is live, and for which uploads.

    `published` are versions by the names under which programs ask for them. `gone_at` (UTC) is from when on a deleted
    one may be gone for good.
    """

    name: str
    title: str
    labels_per_picture: LabelsPerPicture
    versions: list[str]
    live: str | None
    routes: list[str]
    created: Change | None = None
    deleted: Change | None = None
    gone_at: str | None = None
    published: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Projects:
    """The content of the file, by name; what was never written down is added by `known`."""

    projects: dict[str, Project]

    def known(self, trained: Iterable[str] = ()) -> dict[str, Project]:
        """All projects by name, the first one first; `trained` are the names of models that have versions."""
        before = {name: Project(name, name, shares=MINE) for name in sorted(trained)}
        return {MINE: FIRST} | {name: one for name, one in before.items() if name != MINE} | self.projects

    def with_project(self, project: Project) -> "Projects":
        """With this project in place of another of its name."""
        return Projects({**self.projects, project.name: project})

    def pictures_of(self, project: str | None) -> str:
        """In which folder of labelled pictures a corrected upload belongs that this project classified.

        What the model that came with the app classified, and projects of which nothing is written, belongs to the
        first one.
        """
        return self.projects[project].pictures_in if project in self.projects else MINE


class ProjectTable:
    """The projects as they are stored. Every method raises Unavailable, or StoreError if the file cannot be read."""

    def __init__(self, blobs: Blobs, models: Models) -> None:
        self._file = GuardedJson(blobs, PROJECTS, Projects, "the projects")
        self._models = models

    def read(self) -> Projects:
        """What is written of the projects."""
        return self._file.read()[0] or Projects({})

    def list(self) -> list[Project]:
        """All projects, the first one first, but those that are gone for good."""
        return [one for one in self._known(self.read()).values() if one.state is not ProjectState.PURGED]

    def gone(self) -> set[str]:
        """The names of the projects that are gone for good."""
        return {one.name for one in self.read().projects.values() if one.is_purged}

    def find(self, name: str) -> Project:
        """The project with this name or title, deleted or not. Raises NotFound."""
        written = self.read()
        if name in written.projects:
            return _found(written.projects, name)
        return _found(self._known(written), name)

    def open(self, name: str) -> Project:
        """The project with this name or title, to be used. Raises NotFound if there is none, or it is deleted."""
        found = self.find(name)
        if found.state is not ProjectState.OPEN:
            others = [one for one in self.list() if one.state is ProjectState.OPEN]
            since = next((one.name for one in others if _folded(one.title) == _folded(name)), None)
            raise NotFound(
                f"The project '{found.title}' is deleted: imagestore projects undelete {found.name} brings it back."
                + (f" Another is called so since: its name is {since}." if since else "")
            )
        return found

    def create(
        self,
        title: str,
        by: str,
        labels_per_picture: LabelsPerPicture = LabelsPerPicture.ONE,
        id: str | None = None,
    ) -> Project:
        """Begin a project. Its name is the title, as far as a name can be so, and one that no project ever had. `id` is
        the UUID that it had elsewhere.

        Raises NotAProject; Conflict if there is one of this name or title that is not deleted, or with this id.
        """
        title, made = checked_title(title), list[Project]()

        def added(file: Projects | None) -> Projects:
            written = file or Projects({})
            known = self._known(written)
            _demand_free(known, title)
            if id is not None and any(one.id == id and not one.is_purged for one in known.values()):
                raise Conflict(f"There is a project with the id {id} already.")
            if sum(not one.is_purged for one in written.projects.values()) >= MOST_PROJECTS:
                raise NotAProject(
                    f"There are {MOST_PROJECTS} projects, which is the limit. Deleted ones count until they are gone "
                    "for good: imagestore projects purge."
                )
            name, begun = _name_for(title, known), Change(utc(), by)
            made[:] = [Project(name, title, labels_per_picture, begun, id=id)]
            return written.with_project(made[0])

        self._file.change(added)
        return made[0]

    def rename(self, name: str, title: str) -> Project:
        """Call a project otherwise; its name stays. Raises NotAProject, NotFound; Conflict if another is called so."""
        title = checked_title(title)

        def renamed(project: Project, others: dict[str, Project]) -> Project:
            _demand_free(others, title)
            return replace(project, title=title)

        return self.change(name, renamed)

    def change(self, name: str, changed: Callable[[Project, dict[str, Project]], Project]) -> Project:
        """Change what is written of a project, again if others change the projects at the same time. Returns how it is
        now. `changed` is told the project and all others, by name.

        Raises NotFound, Conflict.
        """
        done = list[Project]()

        def replaced(file: Projects | None) -> Projects:
            written = file or Projects({})
            known = self._known(written)
            before = known[name] if name in known else _found(known, name)
            done[:] = [changed(before, {other: one for other, one in known.items() if other != before.name})]
            return written.with_project(done[0])

        self._file.change(replaced)
        return done[0]

    def _known(self, written: Projects) -> dict[str, Project]:
        return written.known(name for name, _ in self._models.versions())


def checked_title(title: str) -> str:
    """The title without spaces at its ends. Raises NotAProject if no project can have it."""
    title = title.strip()
    if len(title) > LONGEST_TITLE:
        raise NotAProject(f"The title has {len(title)} characters; the limit is {LONGEST_TITLE}.")
    if not re.fullmatch(LINE, title) or not is_utf8(title):
        raise NotAProject(
            f"{title[:80]!a} cannot be a project's title: it takes 1 to {LONGEST_TITLE} characters, none that controls "
            "or turns text."
        )
    return title


def _found(known: dict[str, Project], name: str) -> Project:
    there = {one.name: one for one in known.values() if one.state is not ProjectState.PURGED}
    called = [one for one in there.values() if _folded(one.title) == _folded(name)]
    is_open = [one for one in called if one.state is ProjectState.OPEN]
    found = there.get(name) or next(iter(is_open + called), None)
    if found is None:
        raise NotFound(f"There is no project '{name[:LONGEST_TITLE]}': imagestore projects list shows them.")
    return found


def free_title(title: str, others: dict[str, Project]) -> str:
    """The title, or where another project is called so, with a number."""
    numbered = (f"{title[: LONGEST_TITLE - 8]} ({number})" for number in range(2, len(others) + 3))
    return next(one for one in (title, *numbered) if _called_so(others, one) is None)


def _demand_free(known: dict[str, Project], title: str) -> None:
    if (one := _called_so(known, title)) is not None:
        raise Conflict(f"There is a project '{one.title}' already.")


def _called_so(known: dict[str, Project], title: str) -> Project | None:
    """The project that is called so, by title or name, and is not deleted."""
    is_open = (one for one in known.values() if one.state is ProjectState.OPEN)
    return next((one for one in is_open if _folded(title) in (_folded(one.name), _folded(one.title))), None)


def _name_for(title: str, known: dict[str, Project]) -> str:
    """A name that no project had, as close to the title as a name can be."""
    near = re.sub("-+", "-", re.sub("[^A-Za-z0-9_]", "-", title)).strip("-")[:50] or "project"
    taken = {name.casefold() for name in known}
    names = (near, *(f"{near}-{number}" for number in range(2, len(known) + 3)))
    name = next(name for name in names if name.casefold() not in taken)
    demand_name(name)
    return name


def _folded(text: str) -> str:
    return text.strip().casefold()
